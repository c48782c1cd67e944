import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { creditAfter, gapCost, hindsightCost, learnIdleTime } from "./idle-time.ts";

const MINUTE = 60_000;
const B = 12 * MINUTE;
const FREE = { min: 0, max: 1_000 * MINUTE };
const minutes = (...values: number[]) => values.map((value) => value * MINUTE);

test("without history it is what a start costs, by which nobody pays more than twice the best", () => {
  assert.equal(learnIdleTime([], B, 0, FREE).ms, B);
  assert.equal(learnIdleTime([], B, 100 * B, FREE).ms, B);
});

test("what was best for the gaps that were seen, as far as the credit reaches", () => {
  const steady = minutes(5, 5, 13, 5, 5, 5, 13, 5, 5, 13, 5);
  assert.equal(learnIdleTime(steady, B, 100 * B, FREE).ms, 13 * MINUTE, "it waits for the next of them");
  assert.equal(learnIdleTime(steady, B, MINUTE / 2, FREE).ms, B + MINUTE / 2);
  assert.equal(learnIdleTime(steady, B, 0, FREE).ms, B);
  const rare = minutes(300, 400, 500);
  assert.equal(learnIdleTime(rare, B, 100 * B, FREE).ms, 0, "nothing is worth waiting for");
  assert.equal(learnIdleTime(rare, B, 5 * MINUTE, FREE).ms, B - 5 * MINUTE);
});

test("never beyond the limits of policy", () => {
  const limits = { min: 10 * MINUTE, max: 30 * MINUTE };
  assert.equal(learnIdleTime(minutes(300, 400), B, 100 * B, limits).ms, 10 * MINUTE);
  assert.equal(learnIdleTime([], 40 * MINUTE, 0, limits).ms, 30 * MINUTE);
});

const anyGap = fc.oneof(
  fc.integer({ min: 0, max: 30 * MINUTE }),
  fc.integer({ min: 0, max: 2_000 * MINUTE }),
  fc.constantFrom(B - 1, B, B + 1, 20 * MINUTE, 20 * MINUTE + 1),
);

test("property: all gaps together never cost more than twice the best in hindsight, whatever comes", () => {
  fc.assert(
    fc.property(
      fc.array(anyGap, { maxLength: 120 }),
      fc.integer({ min: MINUTE, max: 60 * MINUTE }),
      fc.constantFrom(0, 0.5, 1),
      fc.constantFrom(1, 2, 100),
      (gaps, startCost, low, high) => {
        const limits = { min: low * startCost, max: high * startCost };
        let credit = 0;
        let paid = 0;
        let best = 0;
        for (const [index, gap] of gaps.entries()) {
          const { ms } = learnIdleTime(gaps.slice(Math.max(0, index - 50), index), startCost, credit, limits);
          assert.ok(ms >= Math.floor(limits.min) && ms <= Math.ceil(limits.max));
          paid += gapCost(gap, ms, startCost);
          best += hindsightCost(gap, startCost);
          credit = creditAfter(credit, gap, ms, startCost);
          // A millisecond a gap is rounded.
          assert.ok(paid <= 2 * best + index + 1, `${paid} for ${best} after ${index + 1} gaps`);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

test("property: gaps that are chosen against it cannot break the bound", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(-1, 0, 1, 60_000), { maxLength: 200 }), (offsets) => {
      const gaps: number[] = [];
      let credit = 0;
      let paid = 0;
      let best = 0;
      for (const offset of offsets) {
        const { ms } = learnIdleTime(gaps, B, credit, FREE);
        // Just before, at, or just after the stop.
        const gap = Math.max(0, ms + offset);
        paid += gapCost(gap, ms, B);
        best += hindsightCost(gap, B);
        credit = creditAfter(credit, gap, ms, B);
        gaps.push(gap);
      }
      assert.ok(paid <= 2 * best + offsets.length);
    }),
    { numRuns: 500 },
  );
});

test("property: of all fixed times the best for the gaps that were seen is found", () => {
  fc.assert(
    fc.property(fc.array(anyGap, { minLength: 1, maxLength: 20 }), (gaps) => {
      const { best } = learnIdleTime(gaps, B, 0, FREE);
      const cost = (idle: number) => gaps.reduce((sum, gap) => sum + gapCost(gap, idle, B), 0);
      for (const idle of [0, B, ...gaps]) assert.ok(cost(best) <= cost(Math.min(FREE.max, idle)));
    }),
  );
});
