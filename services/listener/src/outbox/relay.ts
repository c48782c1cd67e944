/**
 * Events → JetStream: every acknowledgement awaited, the order kept, many in flight, bounded while NATS is away.
 *
 * After a failure everything from the first unacknowledged event on is sent again, in order: the server knows
 * each by its message id and keeps one copy. It remembers ids for half an hour, so an event whose
 * acknowledgement was lost and whose server stayed away for longer can be stored twice, never zero times.
 */
import type { Bus } from "@gpu-power-manager/shared/bus";
import { describeError } from "@gpu-power-manager/shared/errors";
import { jobSubject } from "@gpu-power-manager/shared/events";
import type { Logger } from "@gpu-power-manager/shared/logger";
import { NATS_WORDS } from "@gpu-power-manager/shared/nats-health";
import { ErrorCode, NatsError } from "nats";
import type { Outbox, Outgoing } from "./outbox.ts";
import { Publisher } from "./publisher.ts";

/** Publishes in flight at once: enough to keep the server busy, few enough to send again after a failure. */
const WINDOW = 512;
/** An ack that takes longer means that JetStream is stuck or electing a leader. */
const ACK_TIMEOUT_MS = 5_000;
const RETRY_MS = 250;
/**
 * The outbox's depth at which the gateway is slowed down, and at which it may go on. What is above takes what one
 * read of the socket (64 KiB) still brings, even of the shortest frames. Not deeper: events that wait for long outlive
 * the young generation, and in a container's 256 MB their collection was a third of a burst's time.
 */
const PAUSE_AT = 0.2;
const RESUME_AT = 0.1;
/** Nobody waits for the answer to a question about the state any longer than this. */
const QUERY_VALID_MS = 30_000;

export interface RelayOptions {
  readonly outbox: Outbox;
  readonly outboxLimit: number;
  readonly logger: Logger;
  /** Milliseconds since 1970 on a clock that never goes back. */
  readonly now: () => number;
  /** NATS has stored it, after so many seconds; called in order, once an event. */
  readonly onPublished: (outgoing: Outgoing, seconds: number, duplicate: boolean) => void;
  readonly onFolded: () => void;
  /** A question or an older activity was not passed on. */
  readonly onDropped: () => void;
  /** Asks the gateway to wait (true) or go on (false). */
  readonly onPressure: (wait: boolean) => void;
}

interface Flight {
  readonly outgoing: Outgoing;
  readonly sentAt: number;
  /** Seconds until the ack; undefined while it is awaited, null for one that was not sent. */
  seconds: number | null | undefined;
  /** NATS had an event of this id already. */
  duplicate: boolean;
}

export class Relay {
  private readonly options: RelayOptions;
  private bus: Bus | undefined;
  private publisher: Publisher | undefined;
  /** What was sent and is not yet taken out; the first belongs to the outbox's first. */
  private flights: Flight[] = [];
  /** The number of the first of them; those of before a failure are below it, and their acks are ignored. */
  private firstFlight = 0;
  private retry: NodeJS.Timeout | undefined;
  private overdue: NodeJS.Timeout | undefined;
  private trouble: string | undefined;
  private pressed = false;
  private held = false;
  private overflow = { folded: 0, dropped: 0 };
  private emptied: Array<() => void> = [];

  constructor(options: RelayOptions) {
    this.options = options;
  }

  /** Why NATS takes no events at present; undefined while it does. */
  get troubled(): string | undefined {
    return this.trouble;
  }

  /** Takes an event; it is published, or kept until NATS is there. */
  offer(outgoing: Outgoing): void {
    const { outbox, onFolded, onDropped, logger } = this.options;
    const offer = outbox.offer(outgoing);
    if (offer !== "kept") {
      if (this.overflow.folded + this.overflow.dropped === 0) {
        const words =
          "The outbox is full: jobs are counted together, and of questions and activity only the newest is kept";
        logger.warn({ waiting: outbox.depth }, words);
      }
      this.overflow[offer] += 1;
      if (offer === "folded") onFolded();
      else onDropped();
    }
    this.pump();
    this.press();
  }

  /** Begins to publish, and goes on through everything NATS does until its connection is closed. */
  start(bus: Bus): void {
    this.bus = bus;
    this.publisher = new Publisher(bus, {
      onStored: (number, duplicate) => this.stored(number, duplicate),
      onRefused: (number, error) => {
        if (number >= this.firstFlight) this.fail(describeError(error), error);
      },
    });
    bus.health.onChange((state) => {
      if (state === "connected") this.resume();
      else this.fail(NATS_WORDS[state].what);
    });
    this.resume();
  }

  /** Resolves when NATS has everything, or after `timeoutMs`. */
  async flush(timeoutMs: number): Promise<void> {
    if (this.options.outbox.depth === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.emptied.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Publishes nothing until `release`; what is offered meanwhile waits. */
  hold(): void {
    this.held = true;
  }

  release(): void {
    this.held = false;
    this.pump();
  }

  stop(): void {
    clearTimeout(this.retry);
    clearTimeout(this.overdue);
    this.publisher?.close();
    this.bus = undefined;
    this.forget();
  }

  /** Whatever is on its way will be sent again, or not at all. */
  private forget(): void {
    this.firstFlight += this.flights.length;
    this.flights = [];
  }

  private resume(): void {
    clearTimeout(this.retry);
    this.retry = undefined;
    // With nothing to send, no ack would ever tell that the trouble is over.
    if (this.options.outbox.depth === 0 && this.bus?.connected() === true) this.recovered();
    this.pump();
    this.press();
  }

  /** Sends what is waiting, as far as the window allows. */
  private pump(): void {
    if (this.bus?.connected() !== true || this.retry !== undefined || this.held) return;
    do {
      // After a failure one event feels the way, or a full stream would be hammered with windows of them.
      const window = this.trouble === undefined ? WINDOW : 1;
      while (this.flights.length < window) {
        const outgoing = this.options.outbox.at(this.flights.length);
        if (outgoing === undefined) break;
        if (!this.send(outgoing)) return;
      }
    } while (this.land());
    if (this.flights.length > 0) this.overdue ??= setTimeout(() => this.checkOverdue(), ACK_TIMEOUT_MS);
  }

  /** False when it could not be sent, and all has failed by it. */
  private send(outgoing: Outgoing): boolean {
    const { event, messageId, receivedAt } = outgoing;
    const sentAt = this.options.now();
    const stale = event.kind === "status_query" && sentAt - receivedAt > QUERY_VALID_MS;
    const number = this.firstFlight + this.flights.length;
    this.flights.push({ outgoing, sentAt, seconds: stale ? null : undefined, duplicate: false });
    if (stale) return true;
    try {
      this.publisher?.publish(number, jobSubject(event), JSON.stringify(event), messageId);
      return true;
    } catch (error) {
      this.fail(describeError(error), error);
      return false;
    }
  }

  private stored(number: number, duplicate: boolean): void {
    const flight = this.flights[number - this.firstFlight];
    if (flight === undefined || flight.seconds !== undefined) return;
    flight.duplicate = duplicate;
    flight.seconds = (this.options.now() - flight.sentAt) / 1_000;
    if (number !== this.firstFlight) return;
    this.land();
    this.pump();
    this.press();
  }

  /** Acks come in order, so the first in line tells whether one is overdue. */
  private checkOverdue(): void {
    this.overdue = undefined;
    const [oldest] = this.flights;
    if (oldest === undefined) return;
    const left = oldest.sentAt + ACK_TIMEOUT_MS - this.options.now();
    if (left <= 0) this.fail("JetStream does not answer");
    else this.overdue = setTimeout(() => this.checkOverdue(), left);
  }

  /** Takes out, in order, what NATS has; false when that was nothing. */
  private land(): boolean {
    const { outbox, onPublished, onDropped } = this.options;
    let landed = 0;
    let stored = false;
    for (let first = this.flights[0]; first?.seconds !== undefined; first = this.flights[0]) {
      const { outgoing, seconds, duplicate } = first;
      this.flights.shift();
      this.firstFlight += 1;
      landed += 1;
      if (seconds === null) onDropped();
      else {
        stored = true;
        onPublished(outgoing, seconds, duplicate);
      }
    }
    if (landed === 0) return false;
    outbox.take(landed);
    if (stored) this.recovered();
    if (outbox.depth === 0) for (const resolve of this.emptied.splice(0)) resolve();
    return true;
  }

  private recovered(): void {
    const { logger, outbox } = this.options;
    if (this.trouble !== undefined) {
      this.trouble = undefined;
      logger.info({ waiting: outbox.depth }, "NATS takes events again");
    }
    if (outbox.depth === 0 && this.overflow.folded + this.overflow.dropped > 0) {
      logger.info(this.overflow, "The outbox is empty again");
      this.overflow = { folded: 0, dropped: 0 };
    }
  }

  private fail(cause: string, error?: unknown): void {
    const { logger, outbox } = this.options;
    this.forget();
    if (this.trouble === undefined) {
      logger.warn({ cause, waiting: outbox.depth }, "NATS does not take events; they wait here");
    }
    this.trouble = cause;
    this.press();
    if (this.bus?.connected() !== true) return;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => void this.tryAgain(error), RETRY_MS);
  }

  private async tryAgain(error: unknown): Promise<void> {
    // Nobody answers on the subject: the stream is gone, and only we or power can make it again.
    if (error instanceof NatsError && error.code === ErrorCode.NoResponders) {
      await this.bus?.ensureStreams().catch(() => undefined);
    }
    this.resume();
  }

  /**
   * While NATS takes events, a flood is slowed at its source. While it does not, the gateway is listened to
   * all the same: jobs fold, so nothing is lost and memory stays bounded.
   */
  private press(): void {
    const { outbox, outboxLimit, onPressure } = this.options;
    const taking = this.bus?.connected() === true && this.trouble === undefined;
    const pressed = taking && outbox.depth > outboxLimit * (this.pressed ? RESUME_AT : PAUSE_AT);
    if (pressed === this.pressed) return;
    this.pressed = pressed;
    onPressure(pressed);
  }
}
