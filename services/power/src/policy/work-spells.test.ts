import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { gapsOf, noWorkSeen, seeWork, usualBoot, type WorkSign } from "./work-spells.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const T = 1_800_000_000_000;
const nothing = { waiting: false, starting: false };

/** Folds signs in, told as minutes after the beginning. */
function fold(signs: ReadonlyArray<Omit<WorkSign, "at"> & { readonly minute: number }>) {
  const gaps: number[] = [];
  let seen = noWorkSeen(T);
  for (const { minute, ...sign } of signs) {
    const at = T + minute * MINUTE;
    seen = seeWork(seen, { ...sign, at }, at, (gap) => {
      gaps.push(gap);
      return seen.credit + 1;
    });
  }
  return { ...seen, gaps };
}

test("a job that waits for a start, works, and the next after a gap", () => {
  const seen = fold([
    { minute: 1, waiting: true, starting: false },
    { minute: 1.5, waiting: true, starting: true },
    { minute: 3, waiting: true, starting: true },
    { minute: 3.5, ...nothing },
    { minute: 5, ...nothing },
    { minute: 30, ...nothing },
  ]);
  assert.deepEqual(
    seen.spells.map(({ from, to, waited, boot }) => [
      (from - T) / MINUTE,
      (to - T) / MINUTE,
      waited / MINUTE,
      boot / MINUTE,
    ]),
    [
      [1, 5, 2, 2],
      [30, 30, 0, 0],
    ],
  );
  assert.deepEqual(seen.gaps, [25 * MINUTE]);
  assert.equal(seen.credit, 1);
  assert.deepEqual(gapsOf(seen.spells, T), [25 * MINUTE]);
  assert.deepEqual(gapsOf(seen.spells, T + 31 * MINUTE), []);
  assert.equal(usualBoot(seen.spells, T), 2 * MINUTE);
  assert.equal(usualBoot(seen.spells, T + 2 * MINUTE), null, "none was seen since");
});

test("a wait that policy asks for is no start", () => {
  const barred = { waiting: true, starting: false };
  const minutes = Array.from({ length: 60 }, (_, minute) => ({ minute, ...barred }));
  const seen = fold([...minutes, { minute: 60, waiting: true, starting: true }, { minute: 61, ...nothing }]);
  assert.equal(seen.spells[0]?.waited, 60 * MINUTE);
  assert.equal(usualBoot(seen.spells, T), MINUTE);
});

test("what tells nothing new changes nothing", () => {
  const seen = fold([{ minute: 1, ...nothing }]);
  const again = (at: number | null) =>
    seeWork(seen, { at, ...nothing }, T + 10 * MINUTE, () => assert.fail());
  assert.equal(again(T + MINUTE), seen);
  assert.equal(again(null), seen);
  assert.equal(again(T - MINUTE), seen, "before it was kept");
  assert.equal(again(T + 11 * MINUTE), seen, "of a clock that is ahead");
});

test("property: spells are in order and apart, whatever the signs", () => {
  const sign = fc.record({
    after: fc.integer({ min: 0, max: 300 * SECOND }),
    waiting: fc.boolean(),
    starting: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(sign), (signs) => {
      let now = T;
      let seen = noWorkSeen(T);
      for (const { after, ...rest } of signs) {
        now += after;
        seen = seeWork(seen, { at: now, ...rest }, now, () => 0);
      }
      for (const [index, { from, to, waited, boot }] of seen.spells.entries()) {
        assert.ok(from <= to && waited <= to - from && boot <= waited);
        const before = seen.spells[index - 1];
        assert.ok(before === undefined || from > before.to + 120 * SECOND);
      }
    }),
  );
});
