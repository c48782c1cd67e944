import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { createLogger } from "@gpu-power-manager/shared/logger";
import type { Meaning } from "../gateway/frames.ts";
import { Probe } from "./probe.ts";

/**
 * A probe whose questions come back after `delayMs`, or never; timers are virtual. What the gateway sends is read at
 * once, unless `behind` keeps it.
 */
function play(t: { after: (end: () => void) => void }, delayMs: () => number | undefined) {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  t.after(() => mock.timers.reset());
  const outcomes: Array<[string, number | undefined]> = [];
  let broken = 0;
  let registered = true;
  let heardAt = -1;
  let behind: Array<() => void> | undefined;
  const asked: string[] = [];
  const probe = new Probe({
    intervalMs: 30_000,
    timeoutMs: 5_000,
    logger: createLogger({ service: "test", level: "fatal", secrets: [] }),
    now: () => Date.now(),
    random: () => 0.5,
    send: (frame) => {
      const requestId = String(frame.request_id);
      asked.push(requestId);
      const delay = delayMs();
      if (delay !== undefined) setTimeout(() => probe.hears(question(requestId)), delay);
      return true;
    },
    monitorRegistered: () => registered,
    heardSince: (at) => heardAt > at,
    onceRead: (done) => {
      if (behind === undefined) done();
      else behind.push(done);
    },
    onOutcome: (outcome, seconds) => outcomes.push([outcome, seconds]),
    onBroken: () => {
      broken += 1;
    },
  });
  t.after(() => probe.stop());
  return {
    probe,
    outcomes,
    asked,
    broken: () => broken,
    deregister: () => (registered = false),
    hear: () => (heardAt = Date.now()),
    /** Nothing that the gateway sends from now on is read before `catchUp`. */
    fallBehind: () => (behind = []),
    catchUp: () => {
      const waiting = behind ?? [];
      behind = undefined;
      for (const done of waiting) done();
    },
  };
}

const question = (requestId: string): Meaning => ({ kind: "status_query", requestId, sender: "2" });

test("a probe that is heard proves the path, and the next follows at the interval", (t) => {
  const { probe, outcomes, asked, broken } = play(t, () => 20);
  probe.now();
  mock.timers.tick(20);
  assert.deepEqual(outcomes, [["proven", 0.02]]);
  mock.timers.tick(30_000);
  assert.equal(asked.length, 2);
  assert.equal(new Set(asked).size, 2);
  assert.equal(broken(), 0);
});

test("two misses in a row break the path within twice the timeout; one does not", (t) => {
  const delays = [undefined, 20, undefined, undefined];
  const { probe, outcomes, broken } = play(t, () => delays.shift());
  probe.now();
  mock.timers.tick(5_000);
  mock.timers.tick(20);
  assert.deepEqual(
    outcomes.map(([outcome]) => outcome),
    ["timeout", "proven"],
  );
  mock.timers.tick(30_000);
  assert.equal(broken(), 0);
  mock.timers.tick(5_000);
  mock.timers.tick(5_000);
  assert.equal(broken(), 1);
});

test("where registering anew does not help it is tried less and less often, until a probe is heard again", (t) => {
  let delay: number | undefined;
  const { probe, broken } = play(t, () => delay);
  const misses = (count: number) => {
    for (let index = 0; index < count; index += 1) mock.timers.tick(5_000);
  };
  probe.now();
  let expected = 0;
  for (const needed of [2, 4, 8, 16, 32, 32]) {
    misses(needed - 1);
    assert.equal(broken(), expected, `after ${needed - 1}`);
    misses(1);
    expected += 1;
    assert.equal(broken(), expected, `after ${needed}`);
    // The registration that follows.
    probe.now();
  }
  delay = 20;
  probe.now();
  mock.timers.tick(20);
  delay = undefined;
  probe.now();
  misses(2);
  assert.equal(broken(), expected + 1, "two are enough again");
});

test("probes go no further, whoever sent them; real questions do", (t) => {
  const { probe } = play(t, () => undefined);
  assert.equal(probe.hears(question("gpu-power-probe-of-another-listener")), true);
  assert.equal(probe.hears(question("q1")), false);
  assert.equal(probe.hears({ kind: "status_query", requestId: undefined, sender: undefined }), false);
});

test("a late answer to a probe that was given up proves nothing", (t) => {
  const { probe, outcomes } = play(t, () => 6_000);
  probe.now();
  mock.timers.tick(5_000);
  mock.timers.tick(1_000);
  assert.deepEqual(
    outcomes.map(([outcome]) => outcome),
    ["timeout"],
  );
});

test("a monitor that is not registered is not probed: it is known to be deaf", (t) => {
  const { probe, asked, deregister } = play(t, () => 20);
  deregister();
  probe.now();
  mock.timers.tick(60_000);
  assert.equal(asked.length, 0);
});

test("in a flood a probe waits its turn: as long as nothing later was read it is not missed", (t) => {
  const { probe, outcomes, asked, broken, fallBehind, catchUp } = play(t, () => undefined);
  fallBehind();
  probe.now();
  mock.timers.tick(20_000);
  assert.deepEqual(outcomes, []);
  probe.hears(question(asked[0] ?? ""));
  assert.deepEqual(outcomes, [["proven", 20]]);
  catchUp();
  assert.deepEqual([outcomes.length, broken()], [1, 0]);
});

test("in a long flood a newer probe takes the place of the one that waits, and decides", (t) => {
  const { probe, outcomes, asked, broken, fallBehind, catchUp } = play(t, () => undefined);
  fallBehind();
  probe.now();
  mock.timers.tick(5_000);
  mock.timers.tick(30_000);
  assert.equal(asked.length, 2);
  probe.hears(question(asked[0] ?? ""));
  assert.deepEqual(outcomes, [], "the first proves nothing any more");
  mock.timers.tick(5_000);
  catchUp();
  assert.deepEqual(
    outcomes,
    [["timeout", undefined]],
    "only what was sent after the second can say that it is missed",
  );
  assert.equal(broken(), 0);
});

test("whoever hears notices is registered, whatever became of the probe", (t) => {
  const { probe, outcomes, asked, broken, hear } = play(t, () => undefined);
  probe.now();
  for (let round = 1; round <= 10; round += 1) {
    mock.timers.tick(1_000);
    hear();
    mock.timers.tick(4_000);
    assert.equal(outcomes.length, round);
    mock.timers.tick(30_000);
    assert.equal(asked.length, round + 1, "the next comes at the interval");
  }
  assert.ok(outcomes.every(([outcome]) => outcome === "unclear"));
  assert.equal(broken(), 0);
  mock.timers.tick(5_000);
  mock.timers.tick(5_000);
  assert.equal(broken(), 1, "two in silence break the path");
});

test("a connection that is cut off while a probe waits is no verdict about it", (t) => {
  const { probe, outcomes, fallBehind } = play(t, () => undefined);
  fallBehind();
  probe.now();
  mock.timers.tick(5_000);
  // The new connection probes at once.
  probe.now();
  mock.timers.tick(4_000);
  assert.deepEqual(outcomes, []);
});
