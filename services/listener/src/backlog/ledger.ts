/**
 * Which waiting jobs has a notice told of? Pure but for its own state; no I/O, no clock.
 *
 * A job that comes over the socket is queued first and then notified, and its notice names no request. So jobs and
 * notices are matched as multisets: of each signature (type, task type, license) as many waiting jobs are accounted
 * for as notices have come. A notice that names its request accounts for that very request alone. Each notice is
 * used once, and only for a job that was first seen by the read that follows it, or by an earlier one: a job that
 * was queued before the notice and is still there must be in that read, so a notice that is left over belongs to a
 * job that is gone (handed to a worker, replaced, dropped) and is thrown away.
 *
 * A job that is still there after the grace and has no notice was missed.
 *
 * What it cannot see: a job that came and went between two reads or within the grace; a job whose missing notice is
 * hidden by that of another of its signature which has gone in the same interval; a job equal to the letter to one
 * that left its list in the same interval. All err towards counting too few, never too many, and no job is lost by
 * it: that anything waits at all is told to power at every read (`BacklogEvent`).
 *
 * Across a crash: notices are numbered a signature within an epoch, and the number is the message id in JetStream.
 * State and epoch are kept in KV together, at a moment when NATS has everything that was heard. Whoever comes after
 * a crash knows the state of that moment; of a job that has appeared since it cannot know whether its predecessor
 * heard of it, so it publishes the job under the number that the notice would have had, and JetStream tells: a
 * duplicate was heard, anything else was missed.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { JobSignature, PendingJob } from "./pending.ts";

/** Signatures beyond this are not remembered, so that a flood of license keys cannot fill the memory. */
const MAX_SIGNATURES = 50_000;

const Count = z.number().int().positive();

/** What a successor has to know. */
export const LedgerState = z.object({
  version: z.literal(1),
  epoch: z.string().min(1).max(64),
  /** Waiting jobs that are dealt with, by hash. */
  accounted: z.record(z.string(), Count),
  /** Notices whose job has not been looked for yet, by what they account for. */
  credits: z.record(z.string(), Count),
  /** Waiting jobs that an even earlier listener may have heard of: by its epoch, by hash. */
  doubts: z.record(z.string(), z.record(z.string(), Count)),
});
export type LedgerState = z.infer<typeof LedgerState>;

/** A waiting job that no notice of ours accounts for. */
export interface Missed {
  readonly job: PendingJob;
  /** The id to publish it under; unset for one whose request names it. */
  readonly messageId: string | undefined;
  /** A predecessor may have heard of it: it was only missed if JetStream does not know it yet. */
  readonly doubtful: boolean;
}

interface Open {
  readonly since: number;
  /** The epoch in which a predecessor may have heard of it; unset for one that came in our own time. */
  readonly heardIn: string | undefined;
}

interface Entry {
  readonly job: PendingJob;
  accounted: number;
  /** Newest last. */
  open: Open[];
}

function signatureOf({ type, taskType, keyHash }: JobSignature): string {
  return JSON.stringify([type === "gpu_task" ? "gpu.job.submit" : type, taskType ?? "", keyHash ?? ""]);
}

function creditOf(job: JobSignature, requestId: string | undefined): string {
  return requestId === undefined ? signatureOf(job) : `${signatureOf(job)}${requestId}`;
}

/** Counts by name that are used up one by one. */
class Tally {
  private readonly counts: Map<string, number>;

  constructor(counts: Readonly<Record<string, number>> = {}) {
    this.counts = new Map(Object.entries(counts));
  }

  /** The new count; undefined where there are too many names for one more. */
  add(name: string, count = 1): number | undefined {
    const sum = (this.counts.get(name) ?? 0) + count;
    if (sum === count && this.counts.size >= MAX_SIGNATURES) return undefined;
    this.counts.set(name, sum);
    return sum;
  }

  addAll(others: Tally): void {
    for (const [name, count] of others.counts) this.add(name, count);
  }

  use(name: string): boolean {
    const count = this.counts.get(name);
    if (count === undefined) return false;
    if (count === 1) this.counts.delete(name);
    else this.counts.set(name, count - 1);
    return true;
  }

  all(): Record<string, number> {
    return Object.fromEntries(this.counts);
  }
}

export class Ledger {
  private readonly graceMs: number;
  private entries = new Map<string, Entry>();
  /** Notices from before the read that is under way or was the last, and since it began. */
  private older = new Tally();
  private newer = new Tally();
  private epoch: string;
  private numbers = new Tally();
  private predecessor: LedgerState | undefined;
  private readonly predecessorsNumbers = new Tally();
  private readStartedAt = 0;
  private unnumbered = 0;
  private touched = true;

  /** @param epoch a name that no other ledger of this pool ever had. */
  constructor(graceMs: number, epoch: string) {
    this.graceMs = graceMs;
    this.epoch = epoch;
  }

  /** Takes over what the listener before left behind; before the first read. */
  inherit(predecessor: LedgerState): void {
    this.older.addAll(new Tally(predecessor.credits));
    this.predecessor = predecessor;
  }

  /** Whether there is anything that was not handed over yet. */
  get changed(): boolean {
    return this.touched;
  }

  /** A notice came. Returns the id to publish it under, unless the notice names its request. */
  heard(job: JobSignature, requestId: string | undefined): string | undefined {
    this.touched = true;
    this.newer.add(creditOf(job, requestId));
    return requestId === undefined ? this.nextId(job) : undefined;
  }

  /** A read of the backlog begins now. */
  beginRead(now: number): void {
    // Added, not put in its place: what a read that failed had put aside is still unmatched.
    this.older.addAll(this.newer);
    this.newer = new Tally();
    this.readStartedAt = now;
  }

  /**
   * What the read found. Returns the jobs that are missed by now, each one once.
   * @param now milliseconds on the clock of `beginRead`.
   */
  endRead(pending: readonly PendingJob[], now: number): Missed[] {
    this.recount(pending);
    this.match();
    this.older = new Tally();
    this.predecessor = undefined;
    return this.collectMissed(now);
  }

  /** When the next job becomes missed unless its notice comes; undefined when none is in doubt. */
  get dueAt(): number | undefined {
    let due: number | undefined;
    for (const { open } of this.entries.values()) {
      const [oldest] = open;
      if (oldest !== undefined) due = Math.min(due ?? Number.POSITIVE_INFINITY, oldest.since + this.graceMs);
    }
    return due;
  }

  /**
   * The state as of now, under a new epoch: only to be called while NATS has everything that was heard, and
   * nothing may be published before the state is kept.
   */
  handOver(epoch: string): LedgerState {
    this.touched = false;
    this.epoch = epoch;
    this.numbers = new Tally();
    const credits = new Tally(this.older.all());
    credits.addAll(this.newer);
    const accounted: Record<string, number> = {};
    const doubts: Record<string, Record<string, number>> = {};
    for (const [hash, entry] of this.entries) {
      if (entry.accounted > 0) accounted[hash] = entry.accounted;
      for (const { heardIn } of entry.open) {
        if (heardIn === undefined) continue;
        doubts[heardIn] ??= {};
        doubts[heardIn][hash] = (doubts[heardIn][hash] ?? 0) + 1;
      }
    }
    return { version: 1, epoch, accounted, credits: credits.all(), doubts };
  }

  /** Takes over what is there now: equal entries are told apart by nothing but their number. */
  private recount(pending: readonly PendingJob[]): void {
    const counts = new Map<string, { job: PendingJob; count: number }>();
    for (const job of pending) {
      const seen = counts.get(job.hash);
      if (seen === undefined) counts.set(job.hash, { job, count: 1 });
      else seen.count += 1;
    }
    const next = new Map<string, Entry>();
    for (const [hash, { job, count }] of counts) {
      const entry = this.entries.get(hash) ?? this.atFirstSight(job);
      const before = this.entries.has(hash) ? entry.accounted + entry.open.length : -1;
      // Lists are worked off from their old end, and what is accounted for is older than what is not.
      entry.accounted = Math.min(entry.accounted, Math.max(0, count - entry.open.length));
      entry.open = entry.open.slice(0, count);
      for (let index = entry.accounted + entry.open.length; index < count; index += 1)
        entry.open.push({ since: this.readStartedAt, heardIn: this.predecessor?.epoch });
      if (entry.accounted + entry.open.length !== before) this.touched = true;
      next.set(hash, entry);
    }
    if (next.size !== this.entries.size) this.touched = true;
    this.entries = next;
  }

  /** What is known of an entry that we see for the first time. */
  private atFirstSight(job: PendingJob): Entry {
    const { predecessor } = this;
    const open = Object.entries(predecessor?.doubts ?? {}).flatMap(([heardIn, doubts]) =>
      Array.from({ length: doubts[job.hash] ?? 0 }, () => ({ since: this.readStartedAt, heardIn })),
    );
    return { job, accounted: predecessor?.accounted[job.hash] ?? 0, open };
  }

  /**
   * The oldest first: their grace ends first. Those that a predecessor may have heard of come last, because a
   * notice that came to us is most likely of a job that came to us.
   */
  private match(): void {
    const doubts = [...this.entries.values()].flatMap((entry) => entry.open.map((open) => ({ entry, open })));
    doubts.sort(
      (a, b) =>
        Number(a.open.heardIn !== undefined) - Number(b.open.heardIn !== undefined) ||
        a.open.since - b.open.since,
    );
    for (const { entry, open } of doubts) {
      if (!this.useCredit(entry.job)) continue;
      this.touched = true;
      entry.open = entry.open.filter((each) => each !== open);
      entry.accounted += 1;
    }
  }

  private useCredit(job: PendingJob): boolean {
    const names = [creditOf(job, undefined)];
    if (job.requestId !== undefined) names.unshift(creditOf(job, job.requestId));
    return names.some((name) => this.older.use(name) || this.newer.use(name));
  }

  private collectMissed(now: number): Missed[] {
    const missed: Missed[] = [];
    for (const entry of this.entries.values()) {
      const due = entry.open.filter(({ since }) => now >= since + this.graceMs);
      if (due.length === 0) continue;
      this.touched = true;
      entry.open = entry.open.filter((open) => !due.includes(open));
      entry.accounted += due.length;
      for (const { heardIn } of due) missed.push(this.missed(entry.job, heardIn));
    }
    return missed;
  }

  private missed(job: PendingJob, heardIn: string | undefined): Missed {
    const doubtful = heardIn !== undefined;
    if (job.overHttp) return { job, messageId: undefined, doubtful };
    if (heardIn === undefined) return { job, messageId: this.nextId(job), doubtful };
    const signature = signatureOf(job);
    const number = this.predecessorsNumbers.add(`${heardIn} ${signature}`);
    if (number === undefined) return { job, messageId: this.nextId(job), doubtful: false };
    return { job, messageId: idOf(heardIn, signature, number), doubtful };
  }

  private nextId(job: JobSignature): string {
    const signature = signatureOf(job);
    const number = this.numbers.add(signature);
    if (number !== undefined) return idOf(this.epoch, signature, number);
    // Two jobs under one id would be one job to JetStream.
    this.unnumbered += 1;
    return idOf(this.epoch, "unnumbered", this.unnumbered);
  }
}

function idOf(epoch: string, signature: string, number: number): string {
  return createHash("sha256").update(`${epoch}\n${signature}\n${number}`).digest("hex").slice(0, 32);
}
