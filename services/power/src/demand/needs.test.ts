import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { endNeed, lastNeededAt, livingNeeds, type Needs, NO_NEEDS, neededUntil, sayNeed } from "./needs.ts";

const said = (until: number) => ({ until, reason: "training", by: "anna" });

test("a need lives until its time, and longer when it is said again", () => {
  let needs = sayNeed(NO_NEEDS, "a", said(100), 10);
  assert.equal(neededUntil(needs, 50), 100);
  assert.equal(neededUntil(needs, 100), null, "its owner may have died");
  needs = sayNeed(needs, "a", said(200), 90);
  assert.equal(neededUntil(needs, 150), 200);
  assert.deepEqual(
    livingNeeds(needs, 150).map(([id, { since }]) => [id, since]),
    [["a", 10]],
    "it is the same need",
  );
  assert.equal(sayNeed(needs, "a", said(400), 300).living.a?.since, 300, "after its end it is a new one");
});

test("several needs hold the machine for the longest of them, and each ends by itself", () => {
  const needs = sayNeed(sayNeed(NO_NEEDS, "a", said(100), 0), "b", said(300), 0);
  assert.equal(neededUntil(needs, 50), 300);
  assert.equal(neededUntil(endNeed(needs, "b", 50), 60), 100);
  assert.equal(endNeed(needs, "c", 50), needs, "what never was cannot end");
  assert.equal(endNeed(needs, "a", 150), needs, "what has ended cannot end again");
});

test("idleness is counted from the end of the last need", () => {
  assert.equal(lastNeededAt(NO_NEEDS, 500), null);
  const needs = sayNeed(NO_NEEDS, "a", said(100), 0);
  assert.equal(lastNeededAt(needs, 40), 40);
  assert.equal(lastNeededAt(needs, 500), 100, "ended by itself");
  assert.equal(lastNeededAt(endNeed(needs, "a", 60), 500), 60, "ended by its owner");
});

type Step = { act: "say" | "end"; id: string; ttl: number; pause: number };
const step: fc.Arbitrary<Step> = fc.record({
  act: fc.constantFrom("say", "end"),
  id: fc.constantFrom("a", "b", "c"),
  ttl: fc.integer({ min: 1, max: 50 }),
  pause: fc.integer({ min: 0, max: 40 }),
});

test("whatever is said and ended, it is needed exactly while somebody's last word holds", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let now = 1;
      let needs: Needs = NO_NEEDS;
      // The oracle: of each owner the end of what he said last.
      const ends = new Map<string, number>();
      let lastMoment: number | null = null;
      for (const { act, id, ttl, pause } of steps) {
        for (const end of ends.values()) lastMoment = Math.max(lastMoment ?? 0, Math.min(end, now + pause));
        now += pause;
        if (act === "say") {
          needs = sayNeed(needs, id, said(now + ttl), now);
          ends.set(id, now + ttl);
        } else {
          needs = endNeed(needs, id, now);
          if ((ends.get(id) ?? 0) > now) ends.set(id, now);
        }
        const living = [...ends.values()].filter((end) => end > now);
        assert.equal(neededUntil(needs, now), living.length === 0 ? null : Math.max(...living));
        if (living.length > 0) lastMoment = now;
        for (const end of ends.values()) lastMoment = Math.max(lastMoment ?? 0, Math.min(end, now));
        assert.equal(lastNeededAt(needs, now), lastMoment);
      }
    }),
  );
});
