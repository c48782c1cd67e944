/** Looks at the gateway's backlog again and again, and tells power of every job that nobody told us of. */
import { describeError, NeedsHuman } from "@gpu-power-manager/shared/errors";
import type { Outgoing } from "../outbox/outbox.ts";
import type { BurstLog } from "../telemetry/burst-log.ts";
import type { Ledger, Missed } from "./ledger.ts";
import { jobOf, levelOf } from "./news.ts";
import type { Pace } from "./pace.ts";
import type { BacklogReader } from "./reader.ts";
import type { BacklogReading, PartCause } from "./reading.ts";

/** After a reading that failed the next comes this soon: Redis back means jobs found. */
const RETRY_MS = 2_000;
/** Less than so many times as rare as configured is not worth a line. */
const WORTH_TELLING = 1.5;

/** `part`: a limit was reached, and what was seen is true, but not all there is. */
export const CHECK_OUTCOMES = ["ok", "part", "failed"] as const;
export type CheckOutcome = (typeof CHECK_OUTCOMES)[number];

export interface BacklogWatchOptions {
  readonly pool: string;
  readonly pace: Pace;
  /** How long a job may wait for its notice; that of the ledger. */
  readonly graceMs: number;
  readonly reader: BacklogReader;
  readonly ledger: Ledger;
  /** Milliseconds since 1970 on a clock that never goes back. */
  readonly now: () => number;
  readonly log: BurstLog;
  readonly offer: (outgoing: Outgoing) => void;
  /** A job was missed for sure. */
  readonly onMissed: () => void;
  readonly onChecked: (outcome: CheckOutcome, seconds: number) => void;
  /** After each reading of the whole, when its events are on their way. */
  readonly onSettled: () => Promise<void>;
}

interface Waiter {
  readonly since: number;
  /** All of the backlog has to be known, and which jobs of it were missed. */
  readonly whole: boolean;
  readonly done: (known: boolean) => void;
}

export class BacklogWatch {
  private readonly options: BacklogWatchOptions;
  private reading: Pick<BacklogReading, "waiting" | "part" | "aheadMs"> | undefined;
  private trouble: string | undefined;
  private goodAt: number | undefined;
  private missedCount = 0;
  private readonly doubtful = new Set<string>();
  private wake: (() => void) | undefined;
  private wanted: "soon" | "at once" | undefined;
  private ended = false;
  /** The last check, from when to when. */
  private startedAt = 0;
  private endedAt = 0;
  private toldSlow = false;
  private waiters: Waiter[] = [];

  constructor(options: BacklogWatchOptions) {
    this.options = options;
  }

  /** Jobs that wait at the gateway, at least; undefined while that cannot be known. */
  get pending(): number | undefined {
    return this.reading?.waiting;
  }

  /** Why only a part of the backlog was seen; undefined when all was. */
  get part(): PartCause | undefined {
    return this.reading?.part;
  }

  /** How far our clock is ahead of Redis', in milliseconds; undefined while that cannot be known. */
  get aheadMs(): number | undefined {
    return this.reading?.aheadMs;
  }

  /** When the backlog was last read, in milliseconds since 1970; undefined before the first time. */
  get checkedAt(): number | undefined {
    return this.goodAt;
  }

  /** Why the backlog cannot be read, and what to do; undefined while it can. */
  get troubled(): string | undefined {
    return this.trouble;
  }

  /** Jobs found missed so far. */
  get missed(): number {
    return this.missedCount;
  }

  /** Checks as soon as its share of the time allows. */
  soon(): void {
    this.wanted ??= "soon";
    this.wake?.();
  }

  /**
   * Checks soon, and resolves when a job that waits now and was missed would have been found: with true, or with
   * false when that cannot be known, or the listener stops.
   */
  async settled(): Promise<boolean> {
    this.soon();
    return await this.wait(true);
  }

  /** Reads at once, and resolves when what waits now has been told: with true, or with false when that cannot be. */
  async read(): Promise<boolean> {
    this.wanted = "at once";
    this.wake?.();
    return await this.wait(false);
  }

  private async wait(whole: boolean): Promise<boolean> {
    if (this.ended) return false;
    const since = this.options.now();
    return await new Promise<boolean>((done) => {
      this.waiters.push({ since, whole, done });
    });
  }

  /** JetStream has stored an event of ours, or had it already. */
  stored({ messageId, event }: Outgoing, duplicate: boolean): void {
    if (!this.doubtful.delete(messageId) || event.kind !== "job") return;
    if (!duplicate) this.countMissed(event);
    if (this.doubtful.size === 0 && this.waiters.some(({ whole }) => whole)) this.soon();
  }

  async run(signal: AbortSignal): Promise<void> {
    // At once, whatever a reading that is under way still waits for: a stop has a second for its last words.
    const end = new Promise<void>((resolve) => {
      const ends = () => {
        this.ended = true;
        for (const { done } of this.waiters.splice(0)) done(false);
        resolve();
      };
      signal.addEventListener("abort", ends, { once: true });
      if (signal.aborted) ends();
    });
    while (!this.ended) {
      this.wanted = undefined;
      await Promise.race([this.check(), end]);
      this.release();
      for (let ms = this.untilNext(); ms > 0 && !this.ended; ms = this.untilNext())
        await Promise.race([this.pause(ms), end]);
    }
    this.wake?.();
  }

  /** Lets so many milliseconds pass, or fewer when something is wanted. */
  private async pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = undefined;
  }

  private untilNext(): number {
    const { pace, ledger, now } = this.options;
    if (this.wanted === "at once") return 0;
    const least = this.startedAt + pace.leastMs - now();
    if (this.wanted === "soon") return least;
    if (this.trouble !== undefined)
      return Math.max(least, this.endedAt + Math.min(RETRY_MS, pace.intervalMs) - now());
    const regular = this.startedAt + pace.intervalMs - now();
    const due = ledger.dueAt;
    if (due === undefined || this.part !== undefined) return regular;
    return Math.min(regular, Math.max(due - now(), least));
  }

  /** Whoever waits is done when nothing is in doubt any more, or cannot be known. */
  private release(): void {
    const { ledger, graceMs } = this.options;
    const inDoubt = ledger.dueAt !== undefined;
    const answer = ({ since, whole }: Waiter): boolean | undefined => {
      if (this.trouble !== undefined) return false;
      if (whole && this.part !== undefined) return this.startedAt >= since ? false : undefined;
      // Whether these were missed JetStream has yet to say.
      if (whole && this.doubtful.size > 0) return undefined;
      return this.startedAt >= (whole && inDoubt ? since + graceMs : since) ? true : undefined;
    };
    this.waiters = this.waiters.filter((waiter) => {
      const known = answer(waiter);
      if (known !== undefined) waiter.done(known);
      return known === undefined;
    });
  }

  private async check(): Promise<void> {
    const { reader, ledger, pace, now, onChecked, onSettled } = this.options;
    this.startedAt = now();
    ledger.beginRead(this.startedAt);
    // Connecting is no work for the gateway's Redis.
    let began: number | undefined;
    let reading: BacklogReading | undefined;
    let failure: unknown;
    try {
      await reader.open();
      began = now();
      reading = await reader.read((hash) => ledger.recall(hash));
    } catch (error) {
      failure = error;
    }
    if (this.ended) return;
    this.endedAt = now();
    const tookMs = began === undefined ? 0 : this.endedAt - began;
    pace.took(tookMs);
    if (reading === undefined) this.failed(failure);
    else this.take(reading);
    onChecked(reading === undefined ? "failed" : reading.part === undefined ? "ok" : "part", tookMs / 1_000);
    this.tellPace();
    if (reading !== undefined && reading.part === undefined) await onSettled();
  }

  private take(reading: BacklogReading): void {
    const { ledger, log, now, pool, offer } = this.options;
    const { waiting, part, pending, aheadMs } = reading;
    if (this.trouble !== undefined) log.info({}, "the gateway's Redis is read again");
    if (part !== undefined && part !== this.part) {
      const words =
        "Only a part of the gateway's backlog was read; jobs of which no notice came are not counted meanwhile, but those that wait start the GPU";
      log.warn({ limit: part, waiting }, words);
    }
    this.trouble = undefined;
    this.goodAt = now();
    this.reading = { waiting, part, aheadMs };
    for (const outgoing of levelOf(reading, pool, Math.round(now()))) offer(outgoing);
    // Of a part the ledger would take the rest for jobs that are gone, and for new ones at the next reading.
    if (part !== undefined) return;
    for (const missed of ledger.endRead(pending, now())) this.tellMissed(missed);
  }

  private failed(error: unknown): void {
    const trouble =
      error instanceof NeedsHuman ? error.message : `check DSP_REDIS_URL (${describeError(error)})`;
    if (trouble !== this.trouble) {
      const words = "The gateway's Redis cannot be read: missed notices are not recovered meanwhile";
      this.options.log.warn({ cause: describeError(error) }, words);
    }
    this.trouble = trouble;
    this.reading = undefined;
  }

  private tellPace(): void {
    const { pace, log } = this.options;
    const slow = pace.intervalMs > (this.toldSlow ? 1 : WORTH_TELLING) * pace.configuredMs;
    if (slow === this.toldSlow) return;
    this.toldSlow = slow;
    const fields = { readingSeconds: pace.readingMs / 1_000, everySeconds: pace.intervalMs / 1_000 };
    const slower =
      "Reading the gateway's backlog takes long, so it is read less often than BACKLOG_INTERVAL says: it may take 2 % of the time";
    if (slow) log.warn(fields, slower);
    else log.info(fields, "the gateway's backlog is read as often as BACKLOG_INTERVAL says again");
  }

  private tellMissed(missed: Missed): void {
    const { pool, now, offer } = this.options;
    const outgoing = jobOf(missed, pool, Math.round(now()));
    if (missed.doubtful) this.doubtful.add(outgoing.messageId);
    else this.countMissed(outgoing.event);
    offer(outgoing);
  }

  private countMissed({
    eventId,
    type,
    taskType,
    requestId,
  }: Extract<Outgoing["event"], { kind: "job" }>): void {
    this.missedCount += 1;
    this.options.onMissed();
    const words = "A job waits at the gateway of which no notice came; it is passed on from the backlog";
    this.options.log.warn({ jobId: eventId, type, taskType, requestId }, words);
  }
}
