/** Keeps account of the stretches in which the notification path was not proven. Pure but for its own state. */
import { GAP_CAUSES, type GapCause } from "@gpu-power-manager/shared/history-entries";

/** Times in milliseconds since 1970. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  /** What broke the path first; what followed from it (a reconnection, say) belongs to the same gap. */
  readonly cause: GapCause;
}

interface OpenGap {
  readonly from: number;
  readonly cause: GapCause;
  /** What keeps it open at present, and since when. */
  current: GapCause;
  currentSince: number;
}

export class GapTracker {
  private open: OpenGap | undefined;
  private readonly closedMs = new Map<GapCause, number>(GAP_CAUSES.map((cause) => [cause, 0]));
  private readonly counts = new Map<GapCause, number>(GAP_CAUSES.map((cause) => [cause, 0]));

  /** When the open gap began; null while the path is proven. */
  get openSince(): number | null {
    return this.open?.from ?? null;
  }

  /**
   * Takes note of what is wrong with the path now (undefined: nothing).
   * @param provenAt the last moment at which the path is known to have worked: there the gap begins.
   * @returns the gap that has just come to its end, if one has.
   */
  update(cause: GapCause | undefined, now: number, provenAt: number): Gap | undefined {
    const { open } = this;
    if (cause === undefined) {
      if (open === undefined) return undefined;
      this.open = undefined;
      this.add(open.current, now - open.currentSince);
      return { from: open.from, to: now, cause: open.cause };
    }
    if (open === undefined) {
      const from = Math.min(provenAt, now);
      this.open = { from, cause, current: cause, currentSince: from };
      this.count(cause);
    } else if (open.current !== cause) {
      this.add(open.current, now - open.currentSince);
      open.current = cause;
      open.currentSince = now;
    }
    return undefined;
  }

  /** A gap that was found out about when it was over: nobody was there to see it. */
  note({ from, to, cause }: Gap): void {
    this.count(cause);
    this.add(cause, to - from);
  }

  /** Seconds that the path was not proven because of this, the open gap included. */
  seconds(cause: GapCause, now: number): number {
    const { open } = this;
    const running = open?.current === cause ? Math.max(0, now - open.currentSince) : 0;
    return ((this.closedMs.get(cause) ?? 0) + running) / 1_000;
  }

  /** Gaps that began with this cause. */
  gaps(cause: GapCause): number {
    return this.counts.get(cause) ?? 0;
  }

  private add(cause: GapCause, ms: number): void {
    this.closedMs.set(cause, (this.closedMs.get(cause) ?? 0) + Math.max(0, ms));
  }

  private count(cause: GapCause): void {
    this.counts.set(cause, this.gaps(cause) + 1);
  }
}
