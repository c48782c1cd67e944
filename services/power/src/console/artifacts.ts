import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeError } from "@gpu-power-manager/shared/errors";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { Page } from "playwright";
import { type Blotting, blottedHtml, blottedShot } from "./blotted-page.ts";

/** The ring holds at most so many doubts, and so many bytes. */
const MAX_FILES = 80;
const MAX_BYTES = 60 * 1024 * 1024;

/** Screenshots and HTML of doubtful moments, the oldest making room for the newest. */
export class Artifacts {
  private readonly folder: string;
  private readonly logger: Logger;
  private count = 0;

  constructor(stateDir: string, logger: Logger) {
    this.folder = join(stateDir, "artifacts");
    this.logger = logger;
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
  }

  /**
   * Keeps what the page shows. Never throws. @returns the name of both files, without their ends; undefined where
   * nothing could be kept.
   * @param label letters, digits and hyphens: it becomes part of the file's name.
   * @param blotting what is blotted out of both.
   */
  async keep(page: Page, label: string, blotting: Blotting): Promise<string | undefined> {
    this.count += 1;
    const name = `${new Date().toISOString().replaceAll(/[:.]/g, "-")}-${this.count}-${label.replaceAll(/[^a-z0-9-]/gi, "-")}`;
    try {
      const picture = await blottedShot(page, blotting);
      writeFileSync(join(this.folder, `${name}.png`), picture, { mode: 0o600 });
      writeFileSync(join(this.folder, `${name}.html`), await blottedHtml(page, blotting), { mode: 0o600 });
      this.logger.warn({ artifact: name }, "A screenshot and the page's HTML were kept");
      return name;
    } catch (error) {
      this.logger.warn({ cause: describeError(error) }, "No screenshot could be kept");
      return undefined;
    } finally {
      this.trim();
    }
  }

  private trim(): void {
    const files = readdirSync(this.folder)
      .sort()
      .map((name) => ({ path: join(this.folder, name), bytes: statSync(join(this.folder, name)).size }));
    let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    while (files.length > MAX_FILES || bytes > MAX_BYTES) {
      const oldest = files.shift();
      if (oldest === undefined) return;
      rmSync(oldest.path, { force: true });
      bytes -= oldest.bytes;
    }
  }
}
