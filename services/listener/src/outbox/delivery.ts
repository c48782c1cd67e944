/**
 * The events' way to NATS, wired: the outbox in memory, the relay that empties it, the spool that keeps it on disk,
 * and what other runs have left. Nobody else knows the spool.
 *
 * `run` from the start to the end, `start` once NATS is there; at a stop `secure` first, because all else may hang,
 * then `flush` and whatever else publishes, `close` at last.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bus } from "@gpu-power-manager/shared/bus";
import { describeError } from "@gpu-power-manager/shared/errors";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { ListenerConfig } from "../config/environment.ts";
import type { BurstLog } from "../telemetry/burst-log.ts";
import type { Recorder } from "../telemetry/recorder.ts";
import { Leftovers } from "./leftovers.ts";
import { Outbox, type Outgoing } from "./outbox.ts";
import { Relay } from "./relay.ts";
import { Spool } from "./spool.ts";
import { onceEach } from "./spool-lines.ts";

/** How often what waits is brought to disk: twice in the second that a crash may cost. */
const LOOK_MS = 500;
/** While NATS takes events, only what has waited for longer than this is: in a burst the disk is NATS's. */
const FLOW_MS = 2_000;
/** How long NATS may take, while it runs, to have everything. */
const FLUSH_MS = 5_000;
/** The same at a stop: where the next start finds the rest in the spool, and where it would be lost. */
const LAST_FLUSH_MS = 2_000;
const ONLY_FLUSH_MS = 4_000;
/** How long the disk may take at a stop; one that hangs must not hold it up. */
const DISK_MS = 2_000;

export interface DeliveryOptions {
  readonly config: Pick<ListenerConfig, "OUTBOX_LIMIT" | "STATE_DIR">;
  readonly logger: Logger;
  readonly log: BurstLog;
  /** Milliseconds since 1970 on a clock that never goes back. */
  readonly now: () => number;
  readonly recorder: Pick<Recorder, "published" | "folded" | "dropped">;
  /** JetStream has stored an event, or had it already. */
  readonly onStored: (outgoing: Outgoing, duplicate: boolean) => void;
  /** Asks the gateway to wait (true) or go on (false). */
  readonly onPressure: (wait: boolean) => void;
}

export class Delivery {
  readonly relay: Relay;
  private readonly options: DeliveryOptions;
  private readonly outbox: Outbox;
  private readonly spool: Spool;
  private readonly leftovers: Leftovers;
  private bus: Bus | undefined;
  /** What is done on the disk is done one after the other. */
  private disk: Promise<void> = Promise.resolve();

  constructor(options: DeliveryOptions) {
    const { logger, log, now, recorder } = options;
    const { OUTBOX_LIMIT: outboxLimit, STATE_DIR: folder } = options.config;
    const id = randomUUID().slice(0, 8);
    this.options = options;
    this.outbox = new Outbox(outboxLimit);
    this.spool = new Spool({ folder, id, outbox: this.outbox, logger });
    this.leftovers = new Leftovers({ folder, id, logger });
    this.relay = new Relay({
      outbox: this.outbox,
      outboxLimit,
      logger,
      now,
      onPublished: (outgoing, seconds, duplicate) => {
        const { event } = outgoing;
        recorder.published(seconds);
        options.onStored(outgoing, duplicate);
        log.info({ jobId: event.eventId, kind: event.kind, seconds }, "event published");
      },
      onFolded: recorder.folded,
      onDropped: recorder.dropped,
      onPressure: options.onPressure,
    });
  }

  /** Events that wait for NATS; jobs that were folded together count as one. */
  get depth(): number {
    return this.outbox.depth;
  }

  /** Those of them that are on disk. */
  get spooled(): number {
    return this.spool.events;
  }

  /** Those that have waited for longer than a look and are not on disk. */
  get unspooled(): number {
    return this.spool.unkept;
  }

  offer(outgoing: Outgoing): void {
    this.relay.offer(outgoing);
  }

  /** Takes up what other runs have left, now and later, and keeps the spool current, until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { now } = this.options;
    let lookAt = now();
    while (!signal.aborted) {
      await this.onDisk(async () => {
        if (!this.taking || now() >= lookAt) {
          await this.look(!this.taking);
          lookAt = now() + FLOW_MS;
        }
        const found = onceEach(await this.leftovers.takeUp(), this.outbox.all());
        for (const outgoing of found) this.relay.offer(outgoing);
        if (found.length > 0) await this.look(true);
      });
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Begins to publish. */
  start(bus: Bus): void {
    this.bus = bus;
    this.relay.start(bus);
  }

  /** Brings everything that waits to disk, at once. */
  async secure(): Promise<void> {
    await this.withinReason(this.onDisk(() => this.look(true)));
  }

  /** Resolves when NATS has everything, or after 5 s. */
  async flush(): Promise<void> {
    await this.relay.flush(FLUSH_MS);
  }

  /** Gives what is left a last chance to be stored, where that costs no restart its time. */
  async settle(): Promise<void> {
    if (this.bus === undefined) return;
    if (this.spool.keeps && this.spool.unkept === 0) {
      // Waiting for a NATS that is away, or hangs, would only delay the restart.
      if (this.taking) await this.relay.flush(LAST_FLUSH_MS);
    } else {
      await this.relay.flush(ONLY_FLUSH_MS);
    }
  }

  /** Publishes no more; what NATS does not have is kept for whoever runs next. */
  async close(): Promise<void> {
    this.relay.stop();
    await this.withinReason(
      this.onDisk(async () => {
        await this.look(true);
        await this.spool.leave();
        await this.leftovers.leave();
      }),
    );
  }

  /** Whether NATS takes events at present. */
  private get taking(): boolean {
    return this.bus?.connected() === true && this.relay.troubled === undefined;
  }

  private async look(all: boolean): Promise<void> {
    await this.spool.look(all);
    // What was taken up was in the outbox at this look: NATS has it, or the spool.
    if (this.spool.unkept === 0) await this.leftovers.settle();
    else await this.leftovers.touch();
  }

  private async onDisk(work: () => Promise<void>): Promise<void> {
    this.disk = this.disk.then(work).catch((error: unknown) => {
      this.options.logger.error({ cause: describeError(error) }, "The spool's folder cannot be used");
    });
    await this.disk;
  }

  private async withinReason(work: Promise<void>): Promise<void> {
    const late = Symbol("late");
    if ((await Promise.race([work, sleep(DISK_MS, late, { ref: false })])) === late) {
      const words = "The disk of STATE_DIR hangs: events that wait for NATS may not be kept over this stop";
      this.options.logger.error({ waiting: this.outbox.depth }, words);
    }
  }
}
