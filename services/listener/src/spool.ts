import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeError } from "@gpu-power-manager/shared/errors";
import { GatewayEvent } from "@gpu-power-manager/shared/events";
import type { Logger } from "@gpu-power-manager/shared/logger";
import { z } from "zod";
import type { Outgoing } from "./outbox.ts";

const Line = z.object({ event: GatewayEvent, messageId: z.string(), receivedAt: z.number() });

/** Keeps events across a stop that NATS had not taken by then. */
export class Spool {
  private readonly file: string | undefined;
  private readonly logger: Logger;

  /** @param folder where the spool lies; without one, events that are left over are lost, and said to be. */
  constructor(folder: string | undefined, logger: Logger) {
    this.file = folder === undefined ? undefined : join(folder, "listener-spool.jsonl");
    this.logger = logger;
  }

  save(left: readonly Outgoing[]): void {
    if (this.file === undefined) {
      this.logger.error(
        { events: left.length },
        "Events are lost that NATS had not taken; set STATE_DIR so that they are kept. Check the gateway's backlog",
      );
      return;
    }
    const temporary = `${this.file}.new`;
    writeFileSync(temporary, left.map((outgoing) => `${JSON.stringify(outgoing)}\n`).join(""), {
      mode: 0o600,
    });
    renameSync(temporary, this.file);
    this.logger.warn(
      { events: left.length, file: this.file },
      "NATS is away: events are kept for the next start",
    );
  }

  /** What the last run left; the file is gone once `done` is called. */
  load(): { left: Outgoing[]; done: () => void } {
    const { file, logger } = this;
    if (file === undefined || !existsSync(file)) return { left: [], done: () => {} };
    const left: Outgoing[] = [];
    for (const line of readFileSync(file, "utf8").split("\n")) {
      if (line === "") continue;
      try {
        left.push(Line.parse(JSON.parse(line)));
      } catch (error) {
        logger.error({ cause: describeError(error) }, "A kept event cannot be read and is left out");
      }
    }
    logger.info({ events: left.length }, "events of the last run are taken up");
    return { left, done: () => rmSync(file, { force: true }) };
  }
}
