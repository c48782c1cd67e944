/** Work that was, under another idle time: hours, starts, waiting. Pure; milliseconds. */
import { creditAfter, type IdleLimits, learnIdleTime } from "./idle-time.ts";
import { medianOf, type Spell } from "./work-spells.ts";

export interface Replayed {
  readonly running: number;
  readonly starts: number;
  /** How long jobs waited for a start: all together, half of them at most, and the longest. */
  readonly waiting: number;
  readonly medianWait: number;
  readonly worstWait: number;
}

/** After a spell: how long to wait for the next. It may look at what comes, where hindsight is played. */
export type IdlePlayer = (past: readonly number[], gap: number) => number;

export const fixed =
  (idle: number): IdlePlayer =>
  () =>
    idle;

/** Who knows each gap before waits only where that costs less than a start. */
export const hindsight =
  (startCost: number): IdlePlayer =>
  (_past, gap) =>
    gap <= startCost ? gap : 0;

/** As `learnIdleTime` decides, from nothing on. */
export function learning(startCost: number, limits: IdleLimits): IdlePlayer {
  let credit = 0;
  return (past, gap) => {
    const { ms } = learnIdleTime(past, startCost, credit, limits);
    credit = creditAfter(credit, gap, ms, startCost);
    return ms;
  };
}

/**
 * One machine, off at first, started by each spell that finds it off. A spell's work takes as long as it took, without
 * the time for which it waited for a start then.
 * @param boot how long a start takes. @param until where the last idle time is cut off.
 */
export function replay(
  spells: readonly Spell[],
  player: IdlePlayer,
  { boot, minRun, until }: { readonly boot: number; readonly minRun: number; readonly until: number },
): Replayed {
  const waits: number[] = [];
  const gaps: number[] = [];
  let running = 0;
  /** The present run: when it began, when its work ends. */
  let run: { readonly from: number; workEnds: number } | undefined;
  let stopsAt = Number.NEGATIVE_INFINITY;
  for (const [index, { from, to, waited }] of spells.entries()) {
    const work = Math.max(0, to - from - waited);
    if (run !== undefined && from > stopsAt) {
      running += stopsAt - run.from;
      run = undefined;
    }
    if (run === undefined) {
      waits.push(boot);
      run = { from, workEnds: from + boot + work };
    } else run.workEnds = Math.max(run.workEnds, from + work);
    const next = spells[index + 1];
    const gap = next === undefined ? Number.POSITIVE_INFINITY : Math.max(0, next.from - run.workEnds);
    stopsAt = Math.max(run.from + boot + minRun, run.workEnds + player(gaps, gap));
    if (next !== undefined) gaps.push(gap);
  }
  if (run !== undefined) running += Math.max(0, Math.min(stopsAt, Math.max(until, run.workEnds)) - run.from);
  return {
    running,
    starts: waits.length,
    waiting: waits.reduce((sum, wait) => sum + wait, 0),
    medianWait: medianOf(waits),
    worstWait: Math.max(0, ...waits),
  };
}
