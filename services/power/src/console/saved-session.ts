import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { chmod, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeError } from "@gpu-power-manager/shared/errors";
import type { Logger } from "@gpu-power-manager/shared/logger";
import { newSealingKey, type SealingKey, seal, unseal } from "./sealed-session.ts";
import type { Beginning } from "./session-times.ts";
import { Turns } from "./turns.ts";

/** Cookies and local storage of a browser context, as JSON. */
export type StorageState = string;

/** The console session at rest: encrypted, readable by its owner alone, written in one piece. */
export class SavedSession {
  private readonly file: string;
  /** A session that a person has brought (`make login-import`): taken at the next launch, then gone. */
  private readonly brought: string;
  /** When somebody logged in to it, as milliseconds since 1970. */
  private readonly begun: string;
  private readonly key: string;
  private readonly logger: Logger;
  private sealing: SealingKey | undefined;
  private lastHash = "";
  /** Two writings at once would share the temporary file. */
  private readonly turns = new Turns();

  constructor(stateDir: string, key: string, logger: Logger) {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    this.file = join(stateDir, "console-session.enc");
    this.brought = `${this.file}.brought`;
    this.begun = join(stateDir, "console-session.begun");
    this.key = key;
    this.logger = logger;
  }

  /** The session that was brought, or else that of the last run; undefined when there is none that can be read. */
  async load(): Promise<StorageState | undefined> {
    return await this.turns.take(async () => {
      const brought = await this.read(this.brought);
      if (brought === undefined) return await this.read(this.file);
      // The one before stays: what was brought may have ended meanwhile.
      if (existsSync(this.file)) await rename(this.file, `${this.file}.before`);
      await rename(this.brought, this.file);
      // When somebody logged in to it, its file does not say.
      await rm(this.begun, { force: true });
      this.logger.info("the console session that was brought is taken");
      return brought;
    });
  }

  private async read(file: string): Promise<StorageState | undefined> {
    if (!existsSync(file)) return undefined;
    try {
      const { text, sealing } = await unseal(await readFile(file), this.key, this.sealing);
      JSON.parse(text);
      this.sealing = sealing;
      this.lastHash = hash(text);
      return text;
    } catch (error) {
      // Kept aside: with the right key it may still be good.
      await rename(file, `${file}.unreadable`);
      this.logger.error(
        { file: `${file}.unreadable`, cause: describeError(error) },
        "The saved console session cannot be read and is put aside. Is SESSION_KEY another one? Log in again",
      );
      return undefined;
    }
  }

  /** How it began; null where nobody knows, because it was brought, or there is none. */
  async beginning(): Promise<Beginning | null> {
    const text = await readFile(this.begun, "utf8").catch(() => "");
    const [, at, byItself] = /^(\d+)( by itself)?$/.exec(text) ?? [];
    return at === undefined ? null : { at: Number(at), byItself: byItself !== undefined };
  }

  /** Somebody, or power itself, has logged in. @throws when STATE_DIR cannot be written. */
  async begins({ at, byItself }: Beginning): Promise<void> {
    await writeFile(this.begun, `${at}${byItself ? " by itself" : ""}`, { mode: 0o600 });
  }

  /** Writes the session when it has changed. @throws when STATE_DIR cannot be written. */
  async save(state: StorageState): Promise<void> {
    await this.turns.take(async () => {
      const now = hash(state);
      if (now === this.lastHash) return;
      this.sealing ??= await newSealingKey(this.key);
      const temporary = `${this.file}.new`;
      await writeFile(temporary, seal(state, this.sealing), { mode: 0o600 });
      // The file of a run that was killed may be there with another mode.
      await chmod(temporary, 0o600);
      await rename(temporary, this.file);
      this.lastHash = now;
      this.logger.info("console session saved");
    });
  }
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
