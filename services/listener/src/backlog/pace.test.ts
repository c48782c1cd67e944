import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MOST_SHARE, Pace } from "./pace.ts";

const INTERVAL = 5_000;

test("as often as configured while a reading takes at most 2 % of that, else less often", () => {
  const cases = [
    { readings: [], every: INTERVAL, slowed: false },
    { readings: [5, 7, 4], every: INTERVAL, slowed: false },
    { readings: [100], every: INTERVAL, slowed: false },
    { readings: [600, 600], every: 30_000, slowed: true },
    // One that was slow by accident, among quick ones.
    { readings: [5, 5, 5, 5, 1_000], every: 10_200, slowed: true },
    // It is forgotten after five more.
    { readings: [1_000, 5, 5, 5, 5, 5], every: INTERVAL, slowed: false },
  ];
  for (const { readings, every, slowed } of cases) {
    const pace = new Pace(INTERVAL);
    for (const ms of readings) pace.took(ms);
    assert.deepEqual([Math.round(pace.intervalMs), pace.slowed], [every, slowed], readings.join());
  }
});

test("property: over a long time reading takes no more than its share", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 20_000, noNaN: true }), { minLength: 50, maxLength: 200 }),
      (readings) => {
        const pace = new Pace(INTERVAL);
        let [time, spent] = [0, 0];
        for (const ms of readings) {
          pace.took(ms);
          spent += ms;
          time += pace.intervalMs;
        }
        // The last ones are still to be paid for.
        const debt = 5 * 20_000;
        assert.ok(spent - debt <= MOST_SHARE * time, `${spent} of ${time}`);
      },
    ),
  );
});
