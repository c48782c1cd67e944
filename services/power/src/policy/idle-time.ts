/**
 * The idle time that costs least, learned from the gaps between jobs. Pure; all times in milliseconds.
 *
 * After each spell of work the machine either waits for the next job (and costs by the minute), or is stopped, and the
 * next job waits for a start. This is the ski-rental problem: rent by the day, or buy. Let
 *
 *   B   the cost of a start, told as time of running: the start itself, and the wait of whoever needs it, a minute of
 *       which is worth `waitingWorth` minutes of running: B = boot · (1 + waitingWorth);
 *   g   a gap, τ the idle time: it costs g where g ≤ τ, and τ + B where the machine is stopped.
 *
 * Who knew each gap before would pay min(g, B). With τ = B nobody pays more than twice that, whatever comes: g ≤ B costs
 * g, and g > B costs 2B. No fixed τ promises less, and no other promises as little: a gap just above τ costs τ + B
 * against min(τ, B).
 *
 * What came before tells more than the worst case. Of the last two weeks' gaps the best fixed τ is one of them, or 0, or
 * B: between two gaps the cost only grows with τ. This is the expected cost for days like those.
 *
 * The two are joined by a credit. Each gap that cost less than twice its best adds the difference. Another τ than B can
 * cost at most |τ − B| more than twice the best of one gap:
 *
 *   g ≤ τ:  g − 2·min(g, B) ≤ max(0, τ − 2B) ≤ |τ − B|
 *   g > τ:  τ + B − 2·min(g, B) ≤ τ + B − 2·min(τ, B) = |τ − B|
 *
 * so τ goes from B towards the best as far as the credit reaches, and no further. The credit therefore never falls below
 * 0, which is to say: all gaps together never cost more than twice what they would have in hindsight. Where the limits
 * that policy sets leave B out, the nearest of them takes its place, and the bound is 1 + max(τ/B, B/τ).
 */

/** More credit than for this many starts is not kept: what was saved last year is no reason to waste now. */
const MOST_STARTS = 50;

export interface IdleLimits {
  readonly min: number;
  readonly max: number;
}

export interface Learned {
  /** The idle time. */
  readonly ms: number;
  /** What a start costs, as time of running. */
  readonly startCost: number;
  /** What would have been best for the gaps that were seen. */
  readonly best: number;
  readonly gaps: number;
}

/** What one gap costs with an idle time. */
export function gapCost(gap: number, idle: number, startCost: number): number {
  return gap <= idle ? gap : idle + startCost;
}

/** The same for who knew it before. */
export function hindsightCost(gap: number, startCost: number): number {
  return Math.min(gap, startCost);
}

/** @param credit what the gaps so far cost less than twice the best; see above. */
export function learnIdleTime(
  gaps: readonly number[],
  startCost: number,
  credit: number,
  { min, max }: IdleLimits,
): Learned {
  const within = (ms: number) => Math.min(max, Math.max(min, ms));
  const best = bestIdleTime(gaps, startCost, { min, max });
  const reached = startCost + Math.sign(best - startCost) * Math.min(Math.abs(best - startCost), credit);
  return { ms: Math.round(within(reached)), startCost, best, gaps: gaps.length };
}

/** The fixed idle time within the limits that costs least over these gaps; the shorter of equals. */
function bestIdleTime(gaps: readonly number[], startCost: number, { min, max }: IdleLimits): number {
  const within = (ms: number) => Math.min(max, Math.max(min, ms));
  const sorted = [...gaps].sort((a, b) => a - b);
  let best = within(startCost);
  let least = gaps.reduce((sum, gap) => sum + gapCost(gap, best, startCost), 0);
  let below = 0;
  let sum = 0;
  const tries = [min, ...sorted.filter((gap) => gap > min && gap <= max)];
  for (const idle of gaps.length === 0 ? [] : tries) {
    while (below < sorted.length && (sorted[below] ?? Number.POSITIVE_INFINITY) <= idle) {
      sum += sorted[below] ?? 0;
      below += 1;
    }
    const cost = sum + (sorted.length - below) * (idle + startCost);
    if (cost < least || (cost === least && idle < best)) {
      best = idle;
      least = cost;
    }
  }
  return best;
}

/** The credit after a gap that was met with this idle time. */
export function creditAfter(credit: number, gap: number, idle: number, startCost: number): number {
  const saved = 2 * hindsightCost(gap, startCost) - gapCost(gap, idle, startCost);
  return Math.min(MOST_STARTS * startCost, Math.max(0, credit + saved));
}
