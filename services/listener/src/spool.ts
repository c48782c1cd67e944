import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { ConfigError, describeError } from "@gpu-power-manager/shared/errors";
import { GatewayEvent } from "@gpu-power-manager/shared/events";
import type { Logger } from "@gpu-power-manager/shared/logger";
import { z } from "zod";
import type { Outgoing } from "./outbox.ts";

const Line = z.object({ event: GatewayEvent, messageId: z.string(), receivedAt: z.number() });

/** Keeps events across a stop that NATS had not taken by then: JSON a line, for the owner's eyes only. */
export class Spool {
  private readonly folder: string | undefined;
  private readonly file: string;
  private readonly logger: Logger;

  /** @param folder where the spool lies; without one, events that are left over are lost, and said to be. */
  constructor(folder: string | undefined, logger: Logger) {
    this.folder = folder;
    this.file = join(folder ?? "", "listener-spool.jsonl");
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

  /** What the last run left. The file stays until `clear`, so that a crash before then loses nothing. */
  load(): Outgoing[] {
    const { file, logger } = this;
    if (!this.keeps || !existsSync(file)) return [];
    const left: Outgoing[] = [];
    let unreadable = 0;
    for (const line of readFileSync(file, "utf8").split("\n")) {
      if (line === "") continue;
      try {
        left.push(Line.parse(JSON.parse(line)));
      } catch {
        unreadable += 1;
      }
    }
    if (unreadable > 0) {
      const aside = `${file}.unreadable`;
      renameSync(file, aside);
      if (left.length > 0) this.write(left);
      logger.error({ lines: unreadable, file: aside }, "Kept events cannot be read; their file is put aside");
    }
    if (left.length > 0) logger.info({ events: left.length }, "events of the last run are taken up");
    return left;
  }

  /** NATS has everything that was loaded. */
  clear(): void {
    if (this.keeps) rmSync(this.file, { force: true });
  }
}
