import { randomUUID } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { ConfigError, describeError } from "@gpu-power-manager/shared/errors";
import { GatewayEvent } from "@gpu-power-manager/shared/events";
import type { Logger } from "@gpu-power-manager/shared/logger";
import { z } from "zod";
import type { Outgoing } from "./outbox.ts";

const Line = z.object({ event: GatewayEvent, messageId: z.string(), receivedAt: z.number() });

const NAME = /^listener-spool.*\.jsonl$/;

/**
 * Keeps events across a stop that NATS had not taken by then: JSON a line, for the owner's eyes only. Each listener
 * writes a file of its own, because two that overlap share the folder.
 */
export class Spool {
  private readonly folder: string | undefined;
  private readonly file: string;
  private readonly logger: Logger;
  private loaded: string[] = [];

  /** @param folder where the spool lies; without one, events that are left over are lost, and said to be. */
  constructor(folder: string | undefined, logger: Logger) {
    this.folder = folder;
    this.file = join(folder ?? "", `listener-spool-${randomUUID()}.jsonl`);
    this.logger = logger;
  }

  /** Whether events outlive a stop. */
  get keeps(): boolean {
    return this.folder !== undefined;
  }

  /** Makes sure of the folder now, because at the stop it would be too late. @throws ConfigError */
  open(): void {
    if (this.folder === undefined) return;
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      accessSync(this.folder, constants.R_OK | constants.W_OK);
    } catch (error) {
      const problem = `STATE_DIR must be a folder that can be written: ${describeError(error)}`;
      throw new ConfigError("The environment", [problem]);
    }
  }

  /** Never throws: whoever stops has more to close. */
  save(left: readonly Outgoing[]): void {
    const jobs = left.reduce((sum, { event }) => sum + (event.kind === "job" ? event.count : 0), 0);
    const counts = { events: left.length, jobs };
    const recover =
      "look for waiting jobs in the gateway's backlog and start the GPU by hand if there are any";
    if (!this.keeps) {
      const words = `Events are lost that NATS had not taken: set STATE_DIR so that they are kept; ${recover}`;
      this.logger.error(counts, words);
      return;
    }
    try {
      this.write(left);
      this.logger.warn(
        { ...counts, file: this.file },
        "Events that NATS had not taken are kept for the next start",
      );
    } catch (error) {
      const words = `Events are lost because the spool cannot be written: ${recover}`;
      this.logger.error({ ...counts, file: this.file, cause: describeError(error) }, words);
    }
  }

  private write(left: readonly Outgoing[]): void {
    const temporary = `${this.file}.new`;
    const descriptor = openSync(temporary, "w", 0o600);
    try {
      writeSync(descriptor, left.map((outgoing) => `${JSON.stringify(outgoing)}\n`).join(""));
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, this.file);
  }

  /** What earlier runs left. The files stay until `clear`, so that a crash before then loses nothing. */
  load(): Outgoing[] {
    const { folder, logger } = this;
    if (folder === undefined) return [];
    this.loaded = readdirSync(folder)
      .filter((name) => NAME.test(name))
      .map((name) => join(folder, name));
    const left = this.loaded.flatMap((file) => this.read(file));
    left.sort((a, b) => a.receivedAt - b.receivedAt);
    if (left.length > 0) logger.info({ events: left.length }, "events of the last run are taken up");
    else this.clear();
    return left;
  }

  private read(file: string): Outgoing[] {
    const left: Outgoing[] = [];
    const unreadable: string[] = [];
    for (const line of readFileSync(file, "utf8").split("\n")) {
      if (line === "") continue;
      try {
        left.push(Line.parse(JSON.parse(line)));
      } catch {
        unreadable.push(line);
      }
    }
    if (unreadable.length > 0) {
      const aside = `${file}.unreadable`;
      writeFileSync(aside, `${unreadable.join("\n")}\n`, { mode: 0o600 });
      const counts = { lines: unreadable.length, file: aside };
      this.logger.error(counts, "Kept events cannot be read; they are put aside");
    }
    return left;
  }

  /** NATS has everything that was loaded. */
  clear(): void {
    for (const file of this.loaded.splice(0)) rmSync(file, { force: true });
  }
}
