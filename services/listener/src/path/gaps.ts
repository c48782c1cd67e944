/**
 * Gaps in the notification path: noticed, measured, recorded in history, and made good. What was missed in one is
 * looked for in the gateway's backlog; where that cannot be read, the configuration says what a gap means.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bus } from "@gpu-power-manager/shared/bus";
import { formatDuration } from "@gpu-power-manager/shared/duration";
import { describeError } from "@gpu-power-manager/shared/errors";
import type { JobEvent } from "@gpu-power-manager/shared/events";
import type { GapCause } from "@gpu-power-manager/shared/history-entries";
import { followListeners, Listening } from "@gpu-power-manager/shared/listening";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { Outbound } from "@gpu-power-manager/shared/outbound";
import { z } from "zod";
import type { BacklogWatch } from "../backlog/watch.ts";
import type { Outgoing } from "../outbox/outbox.ts";
import type { Gap, GapTracker } from "./gap-tracker.ts";

/** How often the path is looked at between events, and its state kept for whoever comes after a crash. */
const LOOK_MS = 1_000;
const KEEP_MS = 5_000;
/** Listeners tell every 2 s that they live: after this one that overlaps with us has been heard. */
const OTHERS_MS = 2_500;

/** The path as it was when this was written; times in milliseconds since 1970. */
const PathMark = z.object({
  version: z.literal(1),
  at: z.number().nonnegative(),
  /** When the gap began that was open then; null while the path was proven. */
  openSince: z.number().nonnegative().nullable(),
});
type PathMark = z.infer<typeof PathMark>;

export interface GapsOptions {
  readonly pool: string;
  /** This listener's name. */
  readonly listener: string;
  readonly tracker: GapTracker;
  /** What is wrong with the path at this moment. */
  readonly cause: () => GapCause | undefined;
  /** The last moment at which the path is known to have worked, by what is said to be wrong with it. */
  readonly workedAt: (cause: GapCause) => number | undefined;
  readonly onGap: "alert" | "assume-demand";
  readonly assumeAfterMs: number;
  readonly now: () => number;
  readonly logger: Logger;
  readonly offer: (outgoing: Outgoing) => void;
  /** A gap was taken for a job. */
  readonly onAssumed: () => void;
}

/** What is there only once NATS is. */
export interface GapsParts {
  readonly bus: Bus;
  readonly outbound: Outbound;
  /** Unset where the gateway's Redis is not known. */
  readonly backlog: BacklogWatch | undefined;
}

export class Gaps {
  private readonly options: GapsOptions;
  private readonly others = new Listening();
  private readonly key: string;
  private parts: GapsParts | undefined;
  private stopping: AbortSignal | undefined;
  private firstProvenAt: number | undefined;
  private provenOnce: () => void = () => {};
  /** Closed before NATS was there to be told. */
  private early: Gap[] = [];
  private missedBefore = 0;
  private readonly recording = new Set<Promise<void>>();

  constructor(options: GapsOptions) {
    this.options = options;
    this.key = `listener.${options.pool}.path`;
  }

  /** Whether notices could be missed right now. */
  get open(): boolean {
    return this.firstProvenAt === undefined || this.options.tracker.openSince !== null;
  }

  /** Our clock has jumped: how long ago others were heard, nobody knows. */
  forgetOthers(): void {
    this.others.forgetAll();
  }

  /** Something about the path may have changed. */
  look(): void {
    const { cause, tracker, workedAt, now } = this.options;
    const at = now();
    const wrong = cause();
    if (this.firstProvenAt === undefined) {
      // Until then the gap is that of the time when nobody listened.
      if (wrong !== undefined) return;
      this.firstProvenAt = at;
      this.provenOnce();
      if (this.parts !== undefined) void this.keep(this.parts.bus);
      return;
    }
    const wasOpen = tracker.openSince !== null;
    const gap = tracker.update(wrong, at, wrong === undefined ? at : (workedAt(wrong) ?? at));
    if (!wasOpen && tracker.openSince !== null) this.missedBefore = this.parts?.backlog?.missed ?? 0;
    if (gap === undefined) return;
    if (this.parts === undefined) this.early.push(gap);
    else this.record(this.parts, gap, this.missedBefore);
  }

  /** Follows the path from now on; ends when the signal does. */
  async start(parts: GapsParts, signal: AbortSignal): Promise<void> {
    const { pool, listener, now } = this.options;
    followListeners(parts.bus, pool, this.others, now, { except: listener });
    const mark = await this.readMark(parts.bus);
    this.stopping = signal;
    this.parts = parts;
    await this.keep(parts.bus);
    for (const gap of this.early.splice(0)) this.record(parts, gap, 0);
    const timers = [
      setInterval(() => this.look(), LOOK_MS),
      setInterval(() => void this.keep(parts.bus), KEEP_MS),
    ];
    signal.addEventListener("abort", () => timers.forEach(clearInterval), { once: true });
    await sleep(OTHERS_MS, undefined, { signal }).catch(() => undefined);
    const provenAt = await this.whenProven(signal);
    if (provenAt !== undefined && mark !== undefined) await this.noteAbsence(parts, mark, provenAt);
  }

  /** The last word: what is open is recorded as it stands. */
  async close(): Promise<void> {
    const { tracker, now } = this.options;
    const { parts } = this;
    if (parts === undefined) return;
    if (this.firstProvenAt !== undefined) {
      const gap = tracker.update(undefined, now(), now());
      if (gap !== undefined) this.record(parts, gap, this.missedBefore);
      await Promise.all([this.keep(parts.bus), ...this.recording]);
    }
  }

  private async whenProven(signal: AbortSignal): Promise<number | undefined> {
    if (this.firstProvenAt === undefined && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.provenOnce = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    return this.firstProvenAt;
  }

  /** The stretch between the last listener and us, unless one that overlaps with us listened all the while. */
  private async noteAbsence(parts: GapsParts, mark: PathMark, provenAt: number): Promise<void> {
    const from = mark.openSince ?? mark.at;
    if (provenAt <= from || (await this.othersHeard(from, provenAt))) return;
    const heardAgain = this.others.since(this.options.now()) ?? provenAt;
    const to = heardAgain > from ? Math.min(provenAt, heardAgain) : provenAt;
    const gap: Gap = { from, to, cause: "listener_down" };
    this.options.tracker.note(gap);
    this.record(parts, gap, 0);
  }

  private async othersHeard(from: number, to: number): Promise<boolean> {
    // What they heard until the end they tell by their next sign.
    if (!this.others.covers(from, to) && this.others.since(this.options.now()) !== null)
      await sleep(OTHERS_MS, undefined, { signal: this.stopping }).catch(() => undefined);
    return this.others.covers(from, to);
  }

  private record(parts: GapsParts, gap: Gap, missedBefore: number): void {
    const task: Promise<void> = this.makeGood(parts, gap, missedBefore).finally(() =>
      this.recording.delete(task),
    );
    this.recording.add(task);
  }

  private async makeGood({ backlog, outbound }: GapsParts, gap: Gap, missedBefore: number): Promise<void> {
    const { pool, listener, onGap, assumeAfterMs, logger } = this.options;
    const { cause } = gap;
    const [covered, known] = await Promise.all([
      this.othersHeard(gap.from, gap.to),
      backlog?.settled() ?? false,
    ]);
    const recovered = known && backlog !== undefined ? backlog.missed - missedBefore : null;
    const lengthMs = gap.to - gap.from;
    const from = Math.round(gap.from);
    const to = Math.round(gap.to);
    outbound.gap({ kind: "gap", pool, listener, from, to, cause, covered, recovered });
    const fields = {
      cause,
      from: new Date(from).toISOString(),
      length: formatDuration(lengthMs),
      covered,
      recovered,
    };
    if (backlog !== undefined && !known && this.stopping?.aborted) {
      // Not taken for a job even with ON_GAP: whoever comes next looks for what was missed.
      const words =
        "The listener stops after a gap; what was missed in it is left to the next one's look at the backlog";
      logger.warn(fields, words);
    } else if (covered || known) {
      logger.warn(fields, "The notification path had a gap; what was missed in it is known");
    } else if (onGap === "assume-demand" && lengthMs > assumeAfterMs) {
      this.assume(gap);
      logger.warn(fields, "The notification path had a gap that may hide a job; one is assumed (ON_GAP)");
    } else {
      const words =
        "The notification path had a gap, and whether a job came in it cannot be known: set DSP_REDIS_URL, or look at the gateway";
      logger.warn(fields, words);
    }
  }

  private assume({ from }: Gap): void {
    const { pool, listener, now, offer, onAssumed } = this.options;
    const at = Math.round(now());
    const base = { eventId: randomUUID(), pool, at };
    // No notice says what it would have been; the plainest kind stands for it.
    const event: JobEvent = { ...base, kind: "job", type: "gpu.job.submit", source: "gap", count: 1 };
    offer({ event, messageId: `gap ${listener} ${Math.round(from)}`, receivedAt: at });
    onAssumed();
  }

  private async readMark(bus: Bus): Promise<PathMark | undefined> {
    try {
      const entry = await bus.kv.get(this.key);
      return entry === null || entry.operation !== "PUT" ? undefined : PathMark.parse(entry.json());
    } catch (error) {
      const words = "When the last listener stopped listening cannot be read; that gap is not recorded";
      this.options.logger.warn({ cause: describeError(error) }, words);
      return undefined;
    }
  }

  private async keep(bus: Bus): Promise<void> {
    // Before the first proof the mark is still that of the listener before.
    if (this.firstProvenAt === undefined || !bus.connected()) return;
    const { tracker, now } = this.options;
    const mark: PathMark = { version: 1, at: now(), openSince: tracker.openSince };
    // The bucket tells of a failure, and the next mark is seconds away.
    await bus.kv.put(this.key, JSON.stringify(mark)).catch(() => undefined);
  }
}
