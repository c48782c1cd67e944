/** Events on their way to NATS, wired: the outbox, the relay that empties it, the spool for what a stop leaves over. */
import type { Bus } from "@gpu-power-manager/shared/bus";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { ListenerConfig } from "../config/environment.ts";
import type { BurstLog } from "../telemetry/burst-log.ts";
import type { Recorder } from "../telemetry/recorder.ts";
import { Outbox, type Outgoing } from "./outbox.ts";
import { Relay } from "./relay.ts";
import type { Spool } from "./spool.ts";

/** What is left to publish at a stop is given so long; the rest is kept in the spool. */
const FLUSH_MS = 5_000;

export interface DeliveryOptions {
  readonly config: Pick<ListenerConfig, "OUTBOX_LIMIT">;
  readonly spool: Spool;
  readonly logger: Logger;
  readonly log: BurstLog;
  /** Milliseconds since 1970 on a clock that never jumps. */
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
  private readonly spooled: readonly Outgoing[];
  private bus: Bus | undefined;
  /** Spooled events that NATS does not have yet. */
  private unstored: number;

  constructor(options: DeliveryOptions) {
    const { logger, log, now, recorder, spool } = options;
    const outboxLimit = options.config.OUTBOX_LIMIT;
    this.options = options;
    this.outbox = new Outbox(outboxLimit);
    this.spooled = spool.load();
    this.unstored = this.spooled.length;
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
      onLanded: (count) => this.landed(count),
      onPressure: options.onPressure,
    });
  }

  /** Events that wait for NATS; jobs that were folded together count as one. */
  get depth(): number {
    return this.outbox.depth;
  }

  offer(outgoing: Outgoing): void {
    this.relay.offer(outgoing);
  }

  /** Puts what earlier runs left over in line; to be called before anything new is offered. */
  takeUp(): void {
    for (const outgoing of this.spooled) this.relay.offer(outgoing);
  }

  /** Begins to publish. */
  start(bus: Bus): void {
    this.bus = bus;
    this.relay.start(bus);
  }

  /** Resolves when NATS has everything, or after 5 s. */
  async flush(): Promise<void> {
    await this.relay.flush(FLUSH_MS);
  }

  /** Gives what is left a last chance to be stored, where that costs no restart its time. */
  async settle(): Promise<void> {
    // Waiting for a NATS that is away would only delay the restart, where the spool keeps the events.
    if (this.bus?.connected() === true || (this.bus !== undefined && !this.options.spool.keeps))
      await this.flush();
  }

  /** Publishes no more; what NATS does not have is kept for the next start. */
  close(): void {
    this.relay.stop();
    if (this.outbox.depth > 0) this.options.spool.save(this.outbox.all());
  }

  private landed(count: number): void {
    // The spool was first in line.
    if (this.unstored > 0 && this.unstored <= count) this.options.spool.clear();
    this.unstored = Math.max(0, this.unstored - count);
  }
}
