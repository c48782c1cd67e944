/** Looks at the gateway's backlog again and again, and tells power of every job that nobody told us of. */
import { randomUUID } from "node:crypto";
import { describeError } from "@gpu-power-manager/shared/errors";
import type { ActivityEvent, BacklogEvent, JobEvent } from "@gpu-power-manager/shared/events";
import { requestMessageId } from "../gateway/notices.ts";
import type { Outgoing } from "../outbox/outbox.ts";
import type { BurstLog } from "../telemetry/burst-log.ts";
import type { Ledger, Missed } from "./ledger.ts";
import type { BacklogReader, BacklogReading } from "./reader.ts";

/** After a reading that failed the next comes this soon: Redis back means jobs found. */
const RETRY_MS = 2_000;

export interface BacklogWatchOptions {
  readonly pool: string;
  readonly intervalMs: number;
  /** How long a job may wait for its notice; that of the ledger. */
  readonly graceMs: number;
  readonly reader: BacklogReader;
  readonly ledger: Ledger;
  /** Milliseconds since 1970 on a clock that never jumps. */
  readonly now: () => number;
  readonly log: BurstLog;
  readonly offer: (outgoing: Outgoing) => void;
  /** A job was missed for sure. */
  readonly onMissed: () => void;
  readonly onChecked: (outcome: "ok" | "failed", seconds: number) => void;
  /** After each reading that worked, when its events are on their way. */
  readonly onSettled: () => Promise<void>;
}

interface Waiter {
  readonly since: number;
  /** Jobs of which it is not known yet whether they were missed have to be settled, too. */
  readonly whole: boolean;
  readonly done: (known: boolean) => void;
}

export class BacklogWatch {
  private readonly options: BacklogWatchOptions;
  private reading: BacklogReading | undefined;
  private trouble: string | undefined;
  private goodAt: number | undefined;
  private missedCount = 0;
  private readonly doubtful = new Set<string>();
  private wake: (() => void) | undefined;
  private poked = false;
  private ended = false;
  private startedAt = 0;
  private waiters: Waiter[] = [];

  constructor(options: BacklogWatchOptions) {
    this.options = options;
  }

  /** Jobs that wait at the gateway; undefined while that cannot be known. */
  get pending(): number | undefined {
    return this.reading === undefined ? undefined : this.reading.pending.length + this.reading.unreadable;
  }

  /** When the backlog was last read, in milliseconds since 1970; undefined before the first time. */
  get checkedAt(): number | undefined {
    return this.goodAt;
  }

  /** Why the backlog cannot be read; undefined while it can. */
  get troubled(): string | undefined {
    return this.trouble;
  }

  /** Jobs found missed so far. */
  get missed(): number {
    return this.missedCount;
  }

  /** Checks as soon as possible. */
  now(): void {
    this.poked = true;
    this.wake?.();
  }

  /**
   * Checks now, and resolves when a job that waits now and was missed would have been found: with true, or with
   * false when the backlog cannot be read, or the listener stops.
   */
  async settled(): Promise<boolean> {
    return await this.wait(true);
  }

  /** Reads now, and resolves when what waits now has been told: with true, or with false when that cannot be. */
  async read(): Promise<boolean> {
    return await this.wait(false);
  }

  private async wait(whole: boolean): Promise<boolean> {
    if (this.ended) return false;
    const since = this.options.now();
    this.now();
    return await new Promise<boolean>((done) => {
      this.waiters.push({ since, whole, done });
    });
  }

  /** JetStream has stored an event of ours, or had it already. */
  stored({ messageId, event }: Outgoing, duplicate: boolean): void {
    if (!this.doubtful.delete(messageId) || event.kind !== "job") return;
    if (!duplicate) this.countMissed(event);
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
      this.poked = false;
      await Promise.race([this.check(), end]);
      this.release();
      if (!this.poked && !this.ended) await Promise.race([this.pause(), end]);
    }
    this.wake?.();
  }

  private async pause(): Promise<void> {
    const { intervalMs, ledger, now } = this.options;
    const due = ledger.dueAt;
    const untilDue = due === undefined ? intervalMs : Math.max(0, due - now());
    const ms = this.trouble === undefined ? Math.min(intervalMs, untilDue) : Math.min(intervalMs, RETRY_MS);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = undefined;
  }

  /** Whoever waits is done when nothing is in doubt any more, or cannot be known. */
  private release(): void {
    const { ledger, graceMs } = this.options;
    const inDoubt = ledger.dueAt !== undefined;
    const isDone = ({ since, whole }: Waiter) =>
      this.trouble !== undefined || this.startedAt >= (whole && inDoubt ? since + graceMs : since);
    for (const waiter of this.waiters) if (isDone(waiter)) waiter.done(this.trouble === undefined);
    this.waiters = this.waiters.filter((waiter) => !isDone(waiter));
  }

  private async check(): Promise<void> {
    const { reader, ledger, now, log, onChecked, onSettled } = this.options;
    const startedAt = now();
    this.startedAt = startedAt;
    ledger.beginRead(startedAt);
    try {
      this.reading = await reader.read();
    } catch (error) {
      if (this.ended) return;
      const cause = describeError(error);
      if (cause !== this.trouble) {
        const words =
          "The gateway's Redis cannot be read: missed notices are not recovered meanwhile. Check DSP_REDIS_URL";
        log.warn({ cause }, words);
      }
      this.trouble = cause;
      this.reading = undefined;
      onChecked("failed", (now() - startedAt) / 1_000);
      return;
    }
    if (this.trouble !== undefined) log.info({}, "the gateway's Redis is read again");
    this.trouble = undefined;
    this.goodAt = now();
    onChecked("ok", (now() - startedAt) / 1_000);
    this.tellLevel(this.reading);
    for (const missed of ledger.endRead(this.reading.pending, now())) this.tellMissed(missed);
    await onSettled();
  }

  private tellLevel({ activeTasks }: BacklogReading): void {
    const pending = this.pending ?? 0;
    const at = Math.round(this.options.now());
    const base = () => ({ eventId: randomUUID(), pool: this.options.pool, at });
    if (pending > 0) this.offer({ ...base(), kind: "backlog", pending });
    if (activeTasks > 0) {
      this.offer({
        ...base(),
        kind: "activity",
        source: "task_status",
        active: true,
        activeCount: activeTasks,
      });
    }
  }

  private tellMissed({ job, messageId, doubtful }: Missed): void {
    const { pool, now } = this.options;
    const { type, taskType, requestId, keyHash } = job;
    const at = Math.round(now());
    const event: JobEvent = {
      eventId: randomUUID(),
      pool,
      at,
      kind: "job",
      type,
      taskType,
      requestId,
      keyHash,
      source: "backlog",
      count: 1,
    };
    const id =
      messageId ??
      (requestId === undefined ? event.eventId : requestMessageId(pool, type, keyHash, requestId));
    if (doubtful) this.doubtful.add(id);
    else this.countMissed(event);
    this.options.offer({ event, messageId: id, receivedAt: at });
  }

  private countMissed({ eventId, type, taskType, requestId }: JobEvent): void {
    this.missedCount += 1;
    this.options.onMissed();
    const words = "A job waits at the gateway of which no notice came; it is passed on from the backlog";
    this.options.log.warn({ jobId: eventId, type, taskType, requestId }, words);
  }

  private offer(event: ActivityEvent | BacklogEvent): void {
    this.options.offer({ event, messageId: event.eventId, receivedAt: event.at });
  }
}
