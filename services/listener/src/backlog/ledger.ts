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
import { hash } from "node:crypto";
import { brief, briefCredit, type LedgerState } from "./ledger-state.ts";
import type { JobSignature, PendingJob } from "./pending.ts";
import { Tally } from "./tally.ts";

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

/** All waiting jobs that are equal to the letter. */
interface Entry {
  readonly job: PendingJob;
  /** How many of them the last reading saw. */
  seen: number;
  accounted: number;
  /** Newest last. */
  open: readonly Open[];
}

/** Most entries have nothing open; that 100,000 of them share one list saves a tenth of their memory. */
const NONE: readonly Open[] = [];

function signatureOf({ type, taskType, keyHash }: JobSignature): string {
  return JSON.stringify([type === "gpu_task" ? "gpu.job.submit" : type, taskType ?? "", keyHash ?? ""]);
}

function creditOf(job: JobSignature, requestId: string | undefined): string {
  return briefCredit(requestId === undefined ? signatureOf(job) : `${signatureOf(job)}${requestId}`);
}

export class Ledger {
  private readonly graceMs: number;
  private readonly entries = new Map<string, Entry>();
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
    this.older.addAll(predecessor.credits);
    this.predecessor = predecessor;
  }

  /** Whether there is anything that was not handed over yet. */
  get changed(): boolean {
    return this.touched;
  }

  /** A waiting job that was there at the last reading, by its hash: it need not be understood anew. */
  recall(hash: string): PendingJob | undefined {
    return this.entries.get(hash)?.job;
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
   * What the read found, the whole of it. Returns the jobs that are missed by now, each one once.
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
   * What a successor has to know from now on, if `handedOver` follows before anything else happens.
   * @param epoch the next one: a name that no other ledger of this pool ever had.
   */
  stateFor(epoch: string): LedgerState {
    const credits = new Tally(this.older);
    credits.addAll(this.newer);
    const accounted = new Map<string, number>();
    const doubts = new Map<string, Map<string, number>>();
    for (const [hash, entry] of this.entries) {
      const name = brief(hash);
      if (entry.accounted > 0) add(accounted, name, entry.accounted);
      for (const { heardIn } of entry.open) {
        if (heardIn === undefined) continue;
        const counts = doubts.get(heardIn) ?? new Map<string, number>();
        add(counts, name, 1);
        doubts.set(heardIn, counts);
      }
    }
    return { epoch, accounted, credits: new Map(credits), doubts };
  }

  /**
   * The state is about to be kept: notices are numbered anew. Only to be called while NATS has everything that was
   * heard, and nothing may be published before the state is kept.
   */
  handedOver({ epoch }: LedgerState): void {
    this.epoch = epoch;
    this.numbers = new Tally();
    this.touched = false;
  }

  /** The state could not be kept: it is to be handed over again, however little happens. */
  notKept(): void {
    this.touched = true;
  }

  /** Takes over what is there now: equal entries are told apart by nothing but their number. */
  private recount(pending: readonly PendingJob[]): void {
    for (const entry of this.entries.values()) entry.seen = 0;
    for (const job of pending) {
      const entry = this.entries.get(job.hash) ?? this.atFirstSight(job);
      entry.seen += 1;
    }
    for (const [hash, entry] of this.entries) {
      const { seen } = entry;
      const before = entry.accounted + entry.open.length;
      if (seen !== before) this.touched = true;
      if (seen === 0) this.entries.delete(hash);
      // Lists are worked off from their old end, and what is accounted for is older than what is not.
      entry.accounted = Math.min(entry.accounted, Math.max(0, seen - entry.open.length));
      if (entry.open.length > seen) entry.open = entry.open.slice(0, seen);
      const added = seen - entry.accounted - entry.open.length;
      if (added === 0) continue;
      const open = { since: this.readStartedAt, heardIn: this.predecessor?.epoch };
      entry.open = [...entry.open, ...Array.from({ length: added }, () => ({ ...open }))];
    }
  }

  private atFirstSight(job: PendingJob): Entry {
    this.touched = true;
    const { predecessor } = this;
    const name = brief(job.hash);
    const open = [...(predecessor?.doubts ?? [])].flatMap(([heardIn, doubts]) =>
      Array.from({ length: doubts.get(name) ?? 0 }, () => ({ since: this.readStartedAt, heardIn })),
    );
    const accounted = predecessor?.accounted.get(name) ?? 0;
    const entry = { job, seen: 0, accounted, open: open.length === 0 ? NONE : open };
    this.entries.set(job.hash, entry);
    return entry;
  }

  /**
   * The oldest first: their grace ends first. Those that a predecessor may have heard of come last, because a
   * notice that came to us is most likely of a job that came to us.
   */
  private match(): void {
    const doubts: Array<{ readonly entry: Entry; readonly open: Open }> = [];
    for (const entry of this.entries.values()) for (const open of entry.open) doubts.push({ entry, open });
    doubts.sort(
      (a, b) =>
        Number(a.open.heardIn !== undefined) - Number(b.open.heardIn !== undefined) ||
        a.open.since - b.open.since,
    );
    const used = new Set<Open>();
    const entries = new Set<Entry>();
    for (const { entry, open } of doubts) {
      if (this.older.empty && this.newer.empty) break;
      if (!this.useCredit(entry.job)) continue;
      used.add(open);
      entries.add(entry);
    }
    for (const entry of entries) this.account(entry, (open) => used.has(open));
  }

  private useCredit(job: PendingJob): boolean {
    const names = [creditOf(job, undefined)];
    if (job.requestId !== undefined) names.unshift(creditOf(job, job.requestId));
    return names.some((name) => this.older.use(name) || this.newer.use(name));
  }

  private collectMissed(now: number): Missed[] {
    const missed: Missed[] = [];
    const isDue = ({ since }: Open) => now >= since + this.graceMs;
    for (const entry of this.entries.values()) {
      if (!entry.open.some(isDue)) continue;
      for (const { heardIn } of entry.open.filter(isDue)) missed.push(this.missed(entry.job, heardIn));
      this.account(entry, isDue);
    }
    return missed;
  }

  /** Those of the open ones are dealt with. */
  private account(entry: Entry, dealtWith: (open: Open) => boolean): void {
    const open = entry.open.filter((each) => !dealtWith(each));
    entry.accounted += entry.open.length - open.length;
    entry.open = open.length === 0 ? NONE : open;
    this.touched = true;
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

function add(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}

function idOf(epoch: string, signature: string, number: number): string {
  return hash("sha256", `${epoch}\n${signature}\n${number}`, "hex").slice(0, 32);
}
