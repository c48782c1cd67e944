/** When a delivery that failed is tried again. Pure. */

const FIRST_MS = 1_000;
/** Whoever comes back hears within so long. */
const LONGEST_MS = 300_000;

/** Doubling up to five minutes; jittered, so that several hooks of one receiver do not come together. @param random 0 to 1. */
export function backOffMs(failures: number, random: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, failures - 1));
  return Math.round(full * (0.5 + random / 2));
}
