import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addToRanges, type Ranges, raiseFloor } from "./sequence-ranges.ts";

const sequences = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 80 });

function members(ranges: Ranges): number[] {
  return ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, index) => from + index));
}

test("ranges hold exactly what was added, sorted and merged, in whatever order it came", () => {
  fc.assert(
    fc.property(sequences, (added) => {
      const ranges = added.reduce<Ranges>(addToRanges, []);
      assert.deepEqual(
        members(ranges),
        [...new Set(added)].sort((a, b) => a - b),
      );
      ranges.slice(1).forEach((range, index) => {
        assert.ok(range[0] > (ranges[index]?.[1] ?? 0) + 1, "neighbours are merged");
      });
    }),
  );
});

test("adding what is there returns the same value, which is how a redelivery is known", () => {
  const ranges = [1, 2, 3, 7].reduce<Ranges>(addToRanges, []);
  assert.equal(addToRanges(ranges, 2), ranges);
  assert.equal(addToRanges(ranges, 7), ranges);
  assert.notEqual(addToRanges(ranges, 5), ranges);
});

test("a raised floor swallows what is below and keeps what is above", () => {
  fc.assert(
    fc.property(sequences, fc.integer({ min: 0, max: 60 }), (added, floor) => {
      const ranges = raiseFloor(added.reduce<Ranges>(addToRanges, []), floor);
      const expected = new Set(added.filter((sequence) => sequence > floor));
      for (let sequence = 1; sequence <= floor; sequence += 1) expected.add(sequence);
      assert.deepEqual(
        members(ranges),
        [...expected].sort((a, b) => a - b),
      );
    }),
  );
});
