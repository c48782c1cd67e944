/** Events → JetStream: the ack awaited, the order kept, many in flight, bounded while NATS is away. */
import type { Bus } from "@gpu-power-manager/shared/bus";
import { describeError } from "@gpu-power-manager/shared/errors";
import { jobSubject } from "@gpu-power-manager/shared/events";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { Outbox, Outgoing } from "./outbox.ts";

/** Publishes in flight at once: enough to keep the server busy, few enough to send again after a failure. */
const WINDOW = 1_024;
/** An ack that takes longer means that NATS is away, full or electing a leader. */
const ACK_TIMEOUT_MS = 5_000;
const RETRY_MS = 250;
/** The outbox's depth at which the gateway is slowed down, and at which it may go on. */
const PAUSE_AT = 0.8;
const RESUME_AT = 0.3;

export interface RelayOptions {
  readonly outbox: Outbox;
  readonly outboxLimit: number;
  readonly logger: Logger;
  readonly now: () => number;
  readonly onPublished: (outgoing: Outgoing, seconds: number) => void;
  readonly onFolded: () => void;
  readonly onDropped: () => void;
  /** Asks the gateway to wait (true) or go on (false). */
  readonly onPressure: (wait: boolean) => void;
  readonly signal: AbortSignal;
}

export class Relay {
  private readonly options: RelayOptions;
  private bus: Bus | undefined;
  private wake: (() => void) | undefined;
  private inFlight: Array<Promise<boolean>> = [];
  private pressed = false;

  constructor(options: RelayOptions) {
    this.options = options;
  }

  get depth(): number {
    return this.options.outbox.depth;
  }

  /** Takes an event; it is published, or kept until NATS is there. */
  offer(outgoing: Outgoing): void {
    const { outbox, onFolded, onDropped, logger } = this.options;
    const offer = outbox.offer(outgoing);
    if (offer === "folded") onFolded();
    else if (offer === "dropped") {
      onDropped();
      logger.warn(
        { kind: outgoing.event.kind },
        "NATS is away and the outbox is full; a question is not passed on",
      );
    }
    this.press();
    this.wake?.();
  }

  /**
   * While NATS takes events, a flood is slowed at its source. While NATS is away the gateway is listened to
   * all the same: jobs fold, so nothing is lost and memory stays bounded.
   */
  private press(): void {
    const { outbox, outboxLimit, onPressure } = this.options;
    const away = this.bus?.connected() !== true;
    const pressed = !away && outbox.depth > outboxLimit * (this.pressed ? RESUME_AT : PAUSE_AT);
    if (pressed === this.pressed) return;
    this.pressed = pressed;
    onPressure(pressed);
  }

  /** Publishes until the signal, and then what is left, for as long as NATS takes it. */
  async run(bus: Bus): Promise<void> {
    this.bus = bus;
    const { signal, outbox, logger } = this.options;
    const ended = () => this.wake?.();
    signal.addEventListener("abort", ended, { once: true });
    let troubled = false;
    while (!signal.aborted || outbox.depth > 0) {
      if (outbox.depth === 0) {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
        this.wake = undefined;
        continue;
      }
      const failure = await this.pump(bus);
      this.press();
      if (failure === undefined) {
        troubled = false;
        continue;
      }
      if (!troubled)
        logger.warn({ cause: failure, waiting: outbox.depth }, "NATS does not take events; they wait here");
      troubled = true;
      if (signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /**
   * Keeps a window of publishes in flight and takes out, in order, what is acknowledged. At the first failure
   * everything behind it is settled and sent again later: the server drops what it had already.
   */
  private async pump(bus: Bus): Promise<string | undefined> {
    const { outbox } = this.options;
    let failure: string | undefined;
    this.inFlight = [];
    for (;;) {
      if (failure === undefined) {
        for (const outgoing of outbox.peek(this.inFlight.length, WINDOW - this.inFlight.length)) {
          this.inFlight.push(
            this.publish(bus, outgoing).catch((error: unknown) => {
              failure ??= describeError(error);
              return false;
            }),
          );
        }
      }
      const oldest = this.inFlight[0];
      if (oldest === undefined) return failure;
      if (await oldest) {
        outbox.take(1);
        this.inFlight.shift();
        this.press();
      } else {
        await Promise.all(this.inFlight);
        this.inFlight = [];
        return failure;
      }
    }
  }

  private async publish(bus: Bus, outgoing: Outgoing): Promise<boolean> {
    const started = this.options.now();
    await bus.js.publish(jobSubject(outgoing.event), JSON.stringify(outgoing.event), {
      msgID: outgoing.messageId,
      timeout: ACK_TIMEOUT_MS,
    });
    this.options.onPublished(outgoing, (this.options.now() - started) / 1_000);
    return true;
  }
}
