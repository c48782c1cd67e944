/**
 * Which stream sequences have been handled, as sorted, disjoint, inclusive ranges. A high-water mark would
 * not do: after a crash, events that were delivered but not folded come back behind newer ones, and a mark
 * would take them for done and forget them.
 */
import { z } from "zod";

export const SequenceRanges = z.array(z.tuple([z.number().int().positive(), z.number().int().positive()]));
export type Ranges = z.infer<typeof SequenceRanges>;

/** Adds a sequence; returns the very same value when it was there already. */
export function addToRanges(ranges: Ranges, sequence: number): Ranges {
  // Events mostly come in order, so the place is looked for from the end.
  let index = ranges.length;
  while (index > 0) {
    const range = ranges[index - 1];
    if (range === undefined || range[0] <= sequence) break;
    index -= 1;
  }
  const before = ranges[index - 1];
  const after = ranges[index];
  if (before !== undefined && sequence <= before[1]) return ranges;
  const joinsBefore = before !== undefined && before[1] === sequence - 1;
  const joinsAfter = after !== undefined && after[0] === sequence + 1;
  const merged: [number, number] = [joinsBefore ? before[0] : sequence, joinsAfter ? after[1] : sequence];
  return [
    ...ranges.slice(0, joinsBefore ? index - 1 : index),
    merged,
    ...ranges.slice(joinsAfter ? index + 1 : index),
  ];
}

/** Takes everything up to `floor` as one handled range: what the server has seen acknowledged never comes again. */
export function raiseFloor(ranges: Ranges, floor: number): Ranges {
  if (floor < 1) return ranges;
  const above = ranges.filter((range) => range[1] > floor);
  const first = above[0];
  if (first !== undefined && first[0] <= floor + 1) return [[1, first[1]], ...above.slice(1)];
  return [[1, floor], ...above];
}
