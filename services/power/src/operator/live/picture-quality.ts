/** How good the pictures are that a line can carry in time. Pure. */
import type { Level } from "../../console/live/picture.ts";

const BEST: Level = { quality: 80, scale: 1 };
/** The best first. */
const LEVELS: readonly Level[] = [
  BEST,
  { quality: 60, scale: 1 },
  { quality: 40, scale: 1 },
  { quality: 30, scale: 0.6 },
];
/** From a picture's leaving to its being drawn: slower than this a hand no longer feels what it does. */
const SLOW_MS = 350;
/** So quick that a better picture would be in time, too. */
const QUICK_MS = 120;
/** A level is judged by so many pictures. */
export const JUDGED_BY = 12;

/** @param waits of the last pictures, in milliseconds. @returns the index of the level from now on. */
export function levelFor(current: number, waits: readonly number[]): number {
  if (waits.length < JUDGED_BY) return current;
  const median = [...waits].sort((a, b) => a - b)[Math.floor(waits.length / 2)] ?? 0;
  if (median > SLOW_MS) return Math.min(current + 1, LEVELS.length - 1);
  return median < QUICK_MS ? Math.max(current - 1, 0) : current;
}

export function levelAt(index: number): Level {
  return LEVELS[index] ?? BEST;
}
