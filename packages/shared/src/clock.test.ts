import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { beginTimeline, Clock, followWall, JUMP_MS, type Jump, type Reading, timeAt } from "./clock.ts";

const WALL = 1_800_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A machine whose clocks are at hand, and a clock on it. */
function machine() {
  let [mono, wall, boot] = [5_000, WALL, 90_000];
  const clock = new Clock(
    () => ({ mono, wall, boot }),
    () => mono,
  );
  return {
    clock,
    wall: () => wall,
    run: (ms: number) => {
      mono += ms;
      wall += ms;
      boot += ms;
    },
    /** The machine sleeps: only the boot clock and the wall clock know. */
    sleep: (ms: number) => {
      wall += ms;
      boot += ms;
    },
    /** Set by hand, or by NTP after a virtual machine was paused. */
    set: (ms: number) => {
      wall += ms;
    },
  };
}

test("it begins with the wall clock, and is moved on without readings", () => {
  const { clock, run } = machine();
  assert.equal(clock.now(), WALL);
  run(1_234);
  assert.equal(clock.now(), WALL + 1_234);
  assert.equal(clock.follow(), null);
});

test("a small difference is made up for slowly, in both directions, and then followed no further", () => {
  for (const off of [1_000, -1_000]) {
    const { clock, run, set, wall } = machine();
    set(off);
    assert.equal(clock.follow(), null);
    assert.equal(clock.now(), WALL, "no jump");
    run(10_000);
    assert.ok(Math.abs(clock.now() - WALL - 10_000) <= 5, "durations do not notice");
    run(HOUR);
    assert.equal(clock.now(), wall());
    assert.equal(clock.follow(), null);
  }
});

const AHEAD: Array<{ what: string; by: "sleep" | "set"; sleptMs: number }> = [
  { what: "the machine slept", by: "sleep", sleptMs: HOUR },
  { what: "it was paused, or its clock was set", by: "set", sleptMs: 0 },
];
for (const { what, by, sleptMs } of AHEAD) {
  test(`far ahead (${what}): nothing changes until it is looked at, then it is told once`, () => {
    const on = machine();
    on.run(MINUTE);
    on[by](HOUR);
    assert.equal(on.clock.now(), WALL + MINUTE);
    assert.deepEqual(on.clock.follow(), { direction: "ahead", ms: HOUR, sleptMs });
    assert.equal(on.clock.now(), WALL + MINUTE + HOUR);
    on.run(MINUTE);
    assert.equal(on.clock.follow(), null);
  });
}

test("set back: time goes on, slower, until the wall clock has caught up; told once, and again when set back further", () => {
  const { clock, run, set, wall } = machine();
  set(-HOUR);
  assert.deepEqual(clock.follow(), { direction: "behind", ms: HOUR });
  assert.equal(clock.now(), WALL);
  let last = clock.now();
  for (let minutes = 0; minutes < 60; minutes += 1) {
    run(MINUTE);
    assert.equal(clock.follow(), null);
    assert.ok(clock.now() - last >= 0.9 * MINUTE - 1 && clock.now() - last <= MINUTE);
    last = clock.now();
  }
  set(-HOUR);
  const again = clock.follow();
  assert.equal(again?.direction, "behind");
  for (let hours = 0; hours < 20; hours += 1) {
    run(HOUR);
    assert.equal(clock.follow(), null);
  }
  assert.ok(Math.abs(clock.now() - wall()) < JUMP_MS);
});

test("readings that the process was torn away from are not compared", () => {
  const torn = new Clock(
    () => undefined,
    () => 0,
  );
  const before = torn.now();
  assert.equal(torn.follow(), null);
  assert.equal(torn.now(), before);
});

test("property: time never goes back, never runs fast but in a jump that is told, and comes to the wall clock", () => {
  const step = fc.record({
    ms: fc.integer({ min: 1, max: 10 * MINUTE }),
    set: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: -2 * HOUR, max: 2 * HOUR })),
    slept: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 2 * HOUR })),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let reading: Reading = { mono: 0, wall: WALL, boot: 0 };
      let timeline = beginTimeline(reading);
      const follow = (next: Reading): Jump | null => {
        const before = timeAt(timeline, next.mono);
        const followed = followWall(timeline, next);
        timeline = followed.timeline;
        const after = timeAt(timeline, next.mono);
        if (followed.jump?.direction === "ahead") assert.ok(Math.abs(after - next.wall) < 1);
        else assert.equal(after, before);
        return followed.jump;
      };
      for (const { ms, set, slept } of steps) {
        const { mono, wall, boot } = reading;
        for (const part of [0.25, 0.5, 1]) {
          const elapsed = timeAt(timeline, mono + ms * part) - timeAt(timeline, mono);
          assert.ok(elapsed >= 0.899 * ms * part && elapsed <= 1.001 * ms * part);
        }
        reading = { mono: mono + ms, wall: wall + ms + set + slept, boot: boot + ms + slept };
        const lead = reading.wall - timeAt(timeline, reading.mono);
        const jump = follow(reading);
        assert.equal(jump?.direction === "ahead", lead > JUMP_MS);
      }
      // Left alone it is right within ten times of what it is behind.
      for (let left = 0; left < 60; left += 1) {
        const { mono, wall, boot } = reading;
        reading = { mono: mono + 24 * HOUR, wall: wall + 24 * HOUR, boot: boot + 24 * HOUR };
        assert.equal(follow(reading), null);
      }
      assert.ok(Math.abs(timeAt(timeline, reading.mono) - reading.wall) < 1);
    }),
    { numRuns: 500 },
  );
});
