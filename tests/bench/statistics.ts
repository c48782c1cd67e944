/** Numbers out of many measurements. Pure. */

/** The value that `share` (from 0 to 1) of the values lie below; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** What one round measured of the product and of the floor beside it. */
export interface Round {
  readonly floor: readonly number[];
  readonly ours: readonly number[];
}

export interface Compared {
  readonly floor: number;
  readonly ours: number;
  readonly ratio: number;
}

/** The quantile of each round, and of these the medians; the ratio is formed within each round. */
export function compare(rounds: readonly Round[], share: number): Compared {
  const perRound = rounds.map(({ floor, ours }) => ({
    floor: quantile(floor, share),
    ours: quantile(ours, share),
  }));
  return {
    floor: median(perRound.map(({ floor }) => floor)),
    ours: median(perRound.map(({ ours }) => ours)),
    ratio: median(perRound.map(({ floor, ours }) => ours / floor)),
  };
}
