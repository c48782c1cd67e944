import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fixed, hindsight, learning, replay } from "./replay.ts";

const MINUTE = 60_000;
const boot = 2 * MINUTE;
const B = 12 * MINUTE;
const spell = (from: number, length: number, waited = 0) => ({
  from: from * MINUTE,
  to: (from + length + waited) * MINUTE,
  waited: waited * MINUTE,
  boot: 0,
});

test("hours, starts and waiting of a day under a fixed idle time", () => {
  const day = [spell(0, 5, 2), spell(20, 5), spell(200, 5, 3)];
  const settings = { boot, minRun: 0, until: 1_000 * MINUTE };
  assert.deepEqual(replay(day, fixed(30 * MINUTE), settings), {
    // 0 to 25 and 30 more; 200 to 207 and 30 more.
    running: (55 + 37) * MINUTE,
    starts: 2,
    waiting: 2 * boot,
    medianWait: boot,
    worstWait: boot,
  });
  const short = replay(day, fixed(10 * MINUTE), settings);
  assert.deepEqual([short.starts, short.running], [3, 3 * 17 * MINUTE]);
  const long = replay(day, fixed(30 * MINUTE), { ...settings, until: 210 * MINUTE });
  assert.equal(long.running, (55 + 10) * MINUTE, "what is not over yet is not counted");
  assert.equal(replay([], fixed(MINUTE), settings).starts, 0);
});

test("property: nobody costs less than hindsight, and what learns never more than twice its gaps", () => {
  const work = fc.array(
    fc.record({ gap: fc.integer({ min: 3, max: 200 }), length: fc.integer({ min: 1, max: 20 }) }),
    { minLength: 1, maxLength: 60 },
  );
  fc.assert(
    fc.property(work, fc.integer({ min: 0, max: 120 }), (given, idle) => {
      let at = 0;
      const spells = given.map(({ gap, length }) => {
        at += gap;
        const next = spell(at, length);
        at += length;
        return next;
      });
      const settings = { boot, minRun: 0, until: at * MINUTE };
      // A start costs its own running time, and five times the wait.
      const cost = (player: Parameters<typeof replay>[1]) => {
        const { running, waiting } = replay(spells, player, settings);
        return running + (waiting * (B - boot)) / boot;
      };
      const work = given.reduce((sum, { length }) => sum + length * MINUTE, 0);
      const best = cost(hindsight(B));
      // A start moves what follows by the time that it takes: a gap at B may be on either side of it.
      const slack = given.length * boot;
      assert.ok(cost(fixed(idle * MINUTE)) >= best - slack);
      const learned = cost(learning(B, { min: 0, max: 1_000 * MINUTE }));
      assert.ok(
        learned - work <= 2 * (best - work) + B + slack,
        `${learned} for ${best}, ${work} of it work`,
      );
    }),
  );
});
