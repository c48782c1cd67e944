/** Judges the way of a slider as captchas do: not where it ends alone, but how a hand has led it there. */
import { z } from "zod";

/** The slider's end may lie so far from the track's, in pixels. */
const END_PX = 6;
const MIN_POINTS = 12;
const MIN_MS = 250;
const MAX_MS = 15_000;
/** A hand speeds up and slows down; what moves evenly is a machine. */
const MIN_UNEVENNESS = 0.15;

const Point = z.tuple([z.number(), z.number(), z.number()]);
/** Where the pointer was on its way, and when, in pixels and milliseconds. */
export const Slide = z.array(Point).max(5_000);
export type Slide = z.output<typeof Slide>;

/** @param length of the way in pixels. @returns why it was no hand's; undefined when it was one. */
export function notByHand(slide: Slide, length: number): string | undefined {
  const [first, last] = [slide[0], slide.at(-1)];
  if (first === undefined || last === undefined || slide.length < MIN_POINTS)
    return `too few points: ${slide.length}`;
  const ms = last[2] - first[2];
  if (ms < MIN_MS || ms > MAX_MS) return `it took ${Math.round(ms)} ms`;
  if (Math.abs(last[0] - first[0] - length) > END_PX)
    return `it ended ${Math.round(last[0] - first[0])} px along`;
  const speeds = slide.slice(1).flatMap(([x, , at], index) => {
    const before = slide[index];
    return before === undefined || at <= before[2] ? [] : (x - before[0]) / (at - before[2]);
  });
  if (speeds.length < MIN_POINTS / 2) return "its points have no times of their own";
  const mean = speeds.reduce((sum, each) => sum + each, 0) / speeds.length;
  const spread = Math.sqrt(speeds.reduce((sum, each) => sum + (each - mean) ** 2, 0) / speeds.length);
  if (spread < Math.abs(mean) * MIN_UNEVENNESS) return "it moved as evenly as a machine";
  const heights = new Set(slide.map(([, y]) => Math.round(y)));
  return heights.size < 2 ? "it kept to a line as no hand does" : undefined;
}
