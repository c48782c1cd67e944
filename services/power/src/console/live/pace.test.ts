import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Pace, paced } from "./pace.ts";

/** @param sent times on the sender's clock; @param late how long each was on its way. */
function dues(sent: readonly number[], late: readonly number[]): number[] {
  let pace: Pace | undefined;
  let arrivedAt = 0;
  return sent.map((at, index) => {
    arrivedAt = Math.max(arrivedAt, at + 5_000 + (late[index] ?? 0));
    pace = paced(pace, at, arrivedAt);
    return pace.lastDue;
  });
}

test("moves that came evenly are done when they come", () => {
  assert.deepEqual(dues([0, 16, 32], [20, 20, 20]), [5_020, 5_036, 5_052]);
});

test("a stall of the line shifts what follows, and the time between two moves stays", () => {
  assert.deepEqual(dues([0, 16, 32, 48, 64], [20, 20, 120, 104, 88]), [5_020, 5_036, 5_152, 5_168, 5_184]);
});

test("a new gesture does not wait for how slow the line was in the one before", () => {
  assert.deepEqual(dues([0, 16, 1_016], [20, 320, 20]), [5_020, 5_336, 6_036]);
});

test("property: nothing is done before it came, nor out of order; after the slowest the time between two is the hand's", () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 300 })), {
    minLength: 2,
  });
  fc.assert(
    fc.property(steps, (given) => {
      let at = 0;
      const sent = given.map(([pause]) => {
        at += pause;
        return at;
      });
      const late = given.map(([, ms]) => ms);
      const done = dues(sent, late);
      const slowest = late.indexOf(Math.max(...late));
      for (const [index, due] of done.entries()) {
        assert.ok(due >= (sent[index] ?? 0) + 5_000 + (late[index] ?? 0));
        assert.ok(index === 0 || due >= (done[index - 1] ?? 0));
        if (index > slowest)
          assert.equal(due - (done[index - 1] ?? 0), (sent[index] ?? 0) - (sent[index - 1] ?? 0));
      }
    }),
  );
});
