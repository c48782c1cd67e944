import assert from "node:assert/strict";
import { test } from "node:test";
import { decide } from "./decide.ts";
import { COMPARISON_VALID_MS, GPU_BUSY_MS, type InstanceView } from "./snapshot.ts";
import {
  type Case,
  inShort,
  instance,
  MINUTE,
  NOW,
  policy,
  running,
  snapshot,
  stoppable,
} from "./snapshot-for-tests.ts";
import { ANSWER_VALID_MS, ANSWER_WAIT_MS } from "./stops.ts";

const longRunning = (changes: Partial<InstanceView> = {}) =>
  running({ runningSince: NOW - 590 * MINUTE, comparedAt: NOW - 1_000, ...changes });
/** Nothing proves the path, and policy has the patience that has passed. */
const unproven = {
  policy: { ...policy, stopUnproven: 360 * MINUTE },
  instances: [longRunning()],
  listeningSince: null,
  pathProvenAt: null,
};

const CASES: Case[] = [
  {
    what: "one that is listed no more is idle past the limit, everything asked",
    given: snapshot({ ...stoppable, instances: [running({ comparedAt: NOW - 1_000, forgotten: true })] }),
    told: ["stop gpu-1 idle"],
  },
  { what: "idle past the limit, everything asked", given: snapshot(stoppable), told: ["stop gpu-1 idle"] },
  {
    what: "idle by all that was told, and its GPU computed a minute ago",
    given: snapshot({ ...stoppable, instances: [longRunning({ gpuBusyAt: NOW - MINUTE })] }),
    told: [`keep gpu-1 gpu_busy ${NOW - MINUTE + GPU_BUSY_MS}`],
  },
  {
    what: "its GPU computes, and an operator wants it off",
    given: snapshot({
      ...stoppable,
      hold: { mode: "off", until: null },
      instances: [longRunning({ gpuBusyAt: NOW })],
    }),
    told: [`keep gpu-1 gpu_busy ${NOW + GPU_BUSY_MS}`],
  },
  {
    what: "its GPU computed six minutes ago: that was work, from which idleness counts",
    given: snapshot({ ...stoppable, instances: [longRunning({ gpuBusyAt: NOW - 6 * MINUTE })] }),
    told: [`keep gpu-1 idle_not_reached ${NOW + 24 * MINUTE}`],
  },
  {
    what: "its GPU computed longer ago than the idle time",
    given: snapshot({ ...stoppable, instances: [longRunning({ gpuBusyAt: NOW - 31 * MINUTE })] }),
    told: ["stop gpu-1 idle"],
  },
  {
    what: "idle: workers are asked first",
    given: snapshot({ ...stoppable, askedWorkersAt: null }),
    told: ["ask ask_before_stop"],
  },
  {
    what: "idle: the answer is waited for",
    given: snapshot({ ...stoppable, askedWorkersAt: NOW - 1_000 }),
    told: [`keep gpu-1 waiting_for_answer ${NOW - 1_000 + ANSWER_WAIT_MS}`],
  },
  {
    what: "idle: an answer that came ends the wait",
    given: snapshot({ ...stoppable, askedWorkersAt: NOW - 1_000, demand: { lastInactiveAt: NOW - 500 } }),
    told: ["stop gpu-1 idle"],
  },
  {
    what: "idle again since an answer that named a task: asked anew",
    given: snapshot({
      ...stoppable,
      policy: { ...policy, idleTimeout: 1_000 },
      askedWorkersAt: NOW - 10_000,
      demand: { lastActivityAt: NOW - 9_500 },
    }),
    told: ["ask ask_before_stop"],
  },
  {
    what: "idle: both witnesses are asked before a stop",
    given: snapshot({ ...stoppable, instances: [running({ comparedAt: NOW - COMPARISON_VALID_MS })] }),
    told: ["look compare_before_stop"],
  },
  {
    what: "a job 29 minutes ago",
    given: snapshot({ ...stoppable, demand: { lastJobAt: NOW - 29 * MINUTE } }),
    told: [`keep gpu-1 idle_not_reached ${NOW + MINUTE}`],
  },
  {
    what: "a job that was served a minute ago, after it had waited long",
    given: snapshot({
      ...stoppable,
      demand: { lastJobAt: NOW - 90 * MINUTE, lastServedAt: NOW - MINUTE },
    }),
    told: [`keep gpu-1 idle_not_reached ${NOW + 29 * MINUTE}`],
  },
  {
    what: "a worker active a minute ago",
    given: snapshot({ ...stoppable, demand: { lastJobAt: NOW - 90 * MINUTE, lastActivityAt: NOW - MINUTE } }),
    told: [`keep gpu-1 idle_not_reached ${NOW + 29 * MINUTE}`],
  },
  {
    what: "the clock jumped a minute ago: how long it has been idle, nobody knows",
    given: snapshot({ ...stoppable, demand: { clockJumpedAt: NOW - MINUTE } }),
    told: [`keep gpu-1 idle_not_reached ${NOW + 29 * MINUTE}`],
  },
  {
    what: "the path was deaf until a minute ago",
    given: snapshot({ ...stoppable, listeningSince: NOW - MINUTE }),
    told: [`keep gpu-1 idle_not_reached ${NOW + 29 * MINUTE}`],
  },
  {
    what: "the path is deaf",
    given: snapshot({ ...stoppable, listeningSince: null }),
    told: ["keep gpu-1 path_unproven"],
  },
  {
    what: "idle, nobody busy, but no proof of the path since the question",
    given: snapshot({
      ...stoppable,
      askedWorkersAt: NOW - ANSWER_WAIT_MS,
      pathProvenAt: NOW - ANSWER_WAIT_MS - 1,
    }),
    told: [`keep gpu-1 path_unproven ${NOW - ANSWER_WAIT_MS + ANSWER_VALID_MS}`],
  },
  {
    what: "the path is deaf, and policy allows a stop without proof after longer",
    given: snapshot({
      ...stoppable,
      policy: { ...policy, stopUnproven: 360 * MINUTE },
      listeningSince: null,
      demand: { lastJobAt: NOW - 80 * MINUTE },
    }),
    told: [`keep gpu-1 path_unproven ${NOW - 80 * MINUTE + 390 * MINUTE}`],
  },
  {
    what: "the path is deaf for longer than policy asks for",
    given: snapshot({ ...stoppable, ...unproven }),
    told: ["stop gpu-1 idle_unproven"],
  },
  {
    what: "no proof came after the question, for longer than policy asks for",
    given: snapshot({ ...stoppable, ...unproven, listeningSince: NOW - 600 * MINUTE }),
    told: ["stop gpu-1 idle_unproven"],
  },
  {
    what: "idle by a proven path, whatever policy would allow without",
    given: snapshot({ ...stoppable, ...unproven, listeningSince: NOW - 600 * MINUTE, pathProvenAt: NOW }),
    told: ["stop gpu-1 idle"],
  },
  {
    what: "no listener is registered: idleness without ears is none, however long",
    given: snapshot({ ...stoppable, ...unproven, attendedSince: null }),
    told: ["keep gpu-1 path_unproven"],
  },
  {
    what: "a listener is registered only since an hour",
    given: snapshot({ ...stoppable, ...unproven, attendedSince: NOW - 60 * MINUTE }),
    told: [`keep gpu-1 path_unproven ${NOW + 330 * MINUTE}`],
  },
  {
    what: "without proof the gateway is asked all the same, and its answer waited for",
    given: snapshot({ ...stoppable, ...unproven, askedWorkersAt: NOW - 1_000 }),
    told: [`keep gpu-1 waiting_for_answer ${NOW - 1_000 + ANSWER_WAIT_MS}`],
  },
  {
    what: "without proof both witnesses are asked all the same",
    given: snapshot({ ...stoppable, ...unproven, instances: [longRunning({ comparedAt: null })] }),
    told: ["look compare_before_stop"],
  },
  {
    what: "idle under hold",
    given: snapshot({ ...stoppable, hold: { mode: "as_is", until: null } }),
    told: ["keep gpu-1 on_hold"],
  },
  {
    what: "it runs since two minutes",
    given: snapshot({
      policy: { ...policy, idleTimeout: MINUTE },
      ...stoppable,
      instances: [running({ comparedAt: NOW, runningSince: NOW - 2 * MINUTE })],
    }),
    told: [`keep gpu-1 min_run_time ${NOW + 3 * MINUTE}`],
  },
  {
    what: "a stop is under way",
    given: snapshot({ instances: [running({ attempt: { action: "stop", at: NOW } })] }),
    told: ["keep gpu-1 action_in_flight"],
  },
  {
    what: "a stop failed a moment ago",
    given: snapshot({ ...stoppable, instances: [running({ comparedAt: NOW, restUntil: NOW + 1_000 })] }),
    told: [`keep gpu-1 resting ${NOW + 1_000}`],
  },
  {
    what: "unknown and idle: never stopped",
    given: snapshot({ instances: [instance({ state: "unknown", apiState: "running", unknownLooks: 9 })] }),
    told: ["wait no_demand"],
  },
];

for (const { what, given, told } of CASES) {
  test(`decide: ${what}`, () => {
    assert.deepEqual(inShort(decide(given, NOW)), told);
  });
}
