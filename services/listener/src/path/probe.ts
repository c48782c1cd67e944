/**
 * Proves the path client → gateway → monitor. A second connection, registered as a client, asks for the state
 * as any client may; the monitor's connection must hear the question. It costs nothing and starts nothing.
 * Probes are never passed on, so they are never answered and real clients see nothing of them.
 *
 * A probe that is not heard in time is not missed yet. In a flood it waits behind the notices, and behind our own
 * pause: it was only missed when something was read that the gateway sent later. And whoever hears notices meanwhile
 * is registered, whatever became of the probe.
 */
import { randomUUID } from "node:crypto";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { Meaning } from "../gateway/frames.ts";

/** Marks the questions of probes, ours and those of a listener that overlaps with us. */
const PREFIX = "gpu-power-probe-";
/** Failures in a row after which the monitor's registration is taken for lost. */
const FAILURES_TO_REPLACE = 2;
/**
 * Where registering anew does not help, the next time is twice as long off, up to so many failures: a gateway that
 * passes no probe on must not cost a listener its connection, and the notices of that moment, every few seconds.
 */
const MAX_FAILURES_TO_REPLACE = 32;
/** Where in the interval's range of plus or minus this share the next probe falls. */
const JITTER = 0.1;

export const PROBE_OUTCOMES = ["proven", "timeout", "unclear", "not_sent"] as const;
export type ProbeOutcome = (typeof PROBE_OUTCOMES)[number];

export interface ProbeOptions {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly logger: Logger;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  readonly random: () => number;
  /** Sends a frame as a client; false when the client's connection is not registered. */
  readonly send: (frame: Readonly<Record<string, unknown>>) => boolean;
  /** Whether the monitor is registered at all; a probe of one that is not proves nothing new. */
  readonly monitorRegistered: () => boolean;
  /** Whether a frame that only a registered monitor gets was read after this moment. */
  readonly heardSince: (at: number) => boolean;
  /** Calls back when everything was read that the gateway has sent the monitor by now; not at all, if it is cut off. */
  readonly onceRead: (done: () => void) => void;
  readonly onOutcome: (outcome: ProbeOutcome, seconds: number | undefined) => void;
  /** The path is broken although everything looks well: the registration has to be made anew. */
  readonly onBroken: () => void;
}

interface Question {
  readonly requestId: string;
  readonly sentAt: number;
}

export class Probe {
  private readonly options: ProbeOptions;
  private readonly name = `${PREFIX}${randomUUID()}`;
  private serial = 0;
  private open: Question | undefined;
  private timer: NodeJS.Timeout | undefined;
  private failures = 0;
  private failuresToReplace = FAILURES_TO_REPLACE;
  private stopped = false;

  constructor(options: ProbeOptions) {
    this.options = options;
  }

  /** The license that the probing client registers with; nobody's. */
  get key(): string {
    return this.name;
  }

  /** Probes now, and then at the interval. */
  now(): void {
    if (this.stopped) return;
    this.open = undefined;
    this.serial += 1;
    const requestId = `${this.name}-${this.serial}`;
    const { monitorRegistered, send, onOutcome, timeoutMs, now } = this.options;
    if (!monitorRegistered()) {
      this.next(this.pause());
    } else if (send({ type: "gpu.status.query", request_id: requestId })) {
      const question = { requestId, sentAt: now() };
      this.open = question;
      this.next(timeoutMs, () => this.late(question));
    } else {
      onOutcome("not_sent", undefined);
      this.next(this.pause());
    }
  }

  /** True for a frame that is a probe, ours or another's: it goes no further. */
  hears(meaning: Meaning): boolean {
    if (meaning.kind !== "status_query" || meaning.requestId?.startsWith(PREFIX) !== true) return false;
    if (this.open !== undefined && meaning.requestId === this.open.requestId) {
      const { now, onOutcome } = this.options;
      const seconds = (now() - this.open.sentAt) / 1_000;
      this.open = undefined;
      this.failures = 0;
      this.failuresToReplace = FAILURES_TO_REPLACE;
      onOutcome("proven", seconds);
      this.next(this.pause());
    }
    return true;
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private pause(): number {
    const { intervalMs, random } = this.options;
    return intervalMs * (1 - JITTER + 2 * JITTER * random());
  }

  private next(ms: number, then = () => this.now()): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(then, ms);
  }

  private late(question: Question): void {
    const { onceRead } = this.options;
    // Asked anew where that takes long: what waits in a flood may as well be a newer question.
    this.next(this.pause());
    onceRead(() => {
      if (this.open === question && !this.stopped) this.judge(question);
    });
  }

  private judge({ sentAt }: Question): void {
    const { heardSince, onOutcome } = this.options;
    this.open = undefined;
    if (heardSince(sentAt)) {
      this.failures = 0;
      onOutcome("unclear", undefined);
      this.next(this.pause());
    } else this.missed();
  }

  private missed(): void {
    const { logger, onOutcome, onBroken } = this.options;
    this.failures += 1;
    onOutcome("timeout", undefined);
    logger.warn({ failures: this.failures }, "A probe of the notification path was not heard");
    if (this.failures < this.failuresToReplace) {
      this.now();
      return;
    }
    this.failures = 0;
    this.failuresToReplace = Math.min(2 * this.failuresToReplace, MAX_FAILURES_TO_REPLACE);
    logger.error("The notification path is broken although the connection lives; registering anew");
    // The registration that follows probes again at once.
    this.next(this.pause());
    onBroken();
  }
}
