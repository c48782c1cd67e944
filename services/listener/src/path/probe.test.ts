import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { createLogger } from "@gpu-power-manager/shared/logger";
import type { Meaning } from "../gateway/frames.ts";
import { Probe } from "./probe.ts";

/** A probe whose questions come back after `delayMs`, or never; timers are virtual. */
function play(t: { after: (end: () => void) => void }, delayMs: () => number | undefined) {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  t.after(() => mock.timers.reset());
  const outcomes: Array<[string, number | undefined]> = [];
  let broken = 0;
  let registered = true;
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
    onOutcome: (outcome, seconds) => outcomes.push([outcome, seconds]),
    onBroken: () => {
      broken += 1;
    },
  });
  t.after(() => probe.stop());
  return { probe, outcomes, asked, broken: () => broken, deregister: () => (registered = false) };
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
