/** A file of lines that only grows, and never ends in half a line, whatever the disk does. */
import { constants, type FileHandle, open } from "node:fs/promises";

/** For the owner's eyes only. */
const MODE = 0o600;
const NEWLINE = 0x0a;

export class SpoolFile {
  private readonly handle: FileHandle;
  private size = 0;
  private synced = 0;
  /** Lines that it holds. */
  lines = 0;

  private constructor(handle: FileHandle) {
    this.handle = handle;
  }

  /** Makes an empty file. @throws when it is there already, or the disk refuses. */
  static async create(path: string): Promise<SpoolFile> {
    return new SpoolFile(await open(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, MODE));
  }

  /**
   * Writes as many of the lines as there is room for.
   * @returns how many, and why not all where it is not all.
   */
  async append(lines: readonly string[]): Promise<{ readonly written: number; readonly error?: unknown }> {
    const bytes = Buffer.from(lines.join(""));
    let offset = 0;
    try {
      // A disk that is about to be full takes a part and says so only by the length.
      while (offset < bytes.length) {
        const { bytesWritten } = await this.handle.write(bytes, offset, undefined, this.size + offset);
        if (bytesWritten === 0) throw new Error("the disk takes nothing more");
        offset += bytesWritten;
      }
      this.grow(offset, lines.length);
      return { written: lines.length };
    } catch (error) {
      const whole = bytes.subarray(0, offset).lastIndexOf(NEWLINE) + 1;
      let written = 0;
      for (let at = bytes.indexOf(NEWLINE); at >= 0 && at < whole; at = bytes.indexOf(NEWLINE, at + 1)) {
        written += 1;
      }
      this.grow(whole, written);
      await this.handle.truncate(this.size);
      return { written, error };
    }
  }

  private grow(bytes: number, lines: number): void {
    this.size += bytes;
    this.lines += lines;
  }

  /** Resolves when the disk has it all; tells whoever looks that the owner lives. @throws when the disk refuses. */
  async sync(): Promise<void> {
    const { lines } = this;
    if (lines > this.synced) {
      await this.handle.datasync();
      this.synced = lines;
    } else {
      const now = new Date();
      await this.handle.utimes(now, now);
    }
  }

  /** Whether this is the file that has the path now. */
  async is(path: { readonly ino: number } | undefined): Promise<boolean> {
    return path !== undefined && (await this.handle.stat()).ino === path.ino;
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
