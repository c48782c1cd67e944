import assert from "node:assert/strict";
import { test } from "node:test";
import { compare, median, quantile } from "./statistics.ts";

test("quantiles are of the sorted values, whatever their order", () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.deepEqual(
    [0, 0.5, 0.99, 1].map((share) => quantile(values, share)),
    [1, 51, 100, 100],
  );
  assert.equal(median([3, 1, 2]), 2);
  assert.ok(Number.isNaN(median([])));
});

test("one round in which the machine was busy does not spoil the ratio", () => {
  const quiet = { floor: [1, 1, 1], ours: [1.2, 1.2, 1.2] };
  const busy = { floor: [1, 1, 1], ours: [40, 40, 40] };
  const compared = compare([quiet, busy, quiet], 0.5);
  assert.deepEqual(compared, { floor: 1, ours: 1.2, ratio: 1.2 });
});
