import assert from "node:assert/strict";
import { test } from "node:test";
import { JUDGED_BY, levelAt, levelFor } from "./picture-quality.ts";

const all = (ms: number, count = JUDGED_BY) => Array.from({ length: count }, () => ms);

for (const [what, current, waits, wanted] of [
  ["a slow line", 0, all(900), 1],
  ["a slow line at the worst", 3, all(900), 3],
  ["a quick line", 2, all(20), 1],
  ["a quick line at the best", 0, all(20), 0],
  ["a line between", 1, all(200), 1],
  ["too few pictures", 0, all(900, JUDGED_BY - 1), 0],
  ["one slow picture among quick ones", 1, [5_000, ...all(20)], 0],
] as const)
  test(`pictures on ${what}: from level ${current} to ${wanted}`, () =>
    assert.equal(levelFor(current, waits), wanted));

test("a worse level is smaller", () => {
  const weights = [0, 1, 2, 3].map((index) => levelAt(index).quality * levelAt(index).scale);
  assert.deepEqual(
    weights,
    [...weights].sort((a, b) => b - a),
  );
});
