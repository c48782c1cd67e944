import assert from "node:assert/strict";
import { test } from "node:test";
import { decide } from "./decide.ts";
import { COMPARISON_VALID_MS, GPU_BUSY_MS, type InstanceView } from "./snapshot.ts";
import {
  type Case,
  type Changes,
  inShort,
  MINUTE,
  NOW,
  policy as ordinary,
  running,
  second,
  snapshot,
} from "./snapshot-for-tests.ts";
import { ANSWER_VALID_MS } from "./stops.ts";
import { CONSOLE_LAG_MS } from "./surplus.ts";

const policy = { ...ordinary, minRunTime: 0 };
const own = (minutesAgo: number, givenUp = false) => ({
  at: NOW - minutesAgo * MINUTE,
  ordered: false,
  givenUp,
  forRelease: false,
});
const run = (upMinutesAgo: number): Partial<InstanceView> => ({
  state: "running",
  upFrom: NOW - upMinutesAgo * MINUTE - 1_000,
  runningSince: NOW - upMinutesAgo * MINUTE,
  workerFrom: NOW - upMinutesAgo * MINUTE - 1_000,
  comparedAt: NOW - 500,
});
/** Given up after five minutes, and came up a minute ago, after all. */
const late = (changes: Partial<InstanceView> = {}) =>
  running({ ...run(1), ownStart: own(14, true), ...changes });
/** Was started in its place; its worker has been online for three minutes. */
const inItsPlace = (changes: Partial<InstanceView> = {}) =>
  second({ ...run(7), ownStart: own(9), workerFrom: NOW - 9 * MINUTE, ...changes });
/** The late one is surplus, and all is asked and proven. */
const two = ({ demand, ...changes }: Changes = {}) =>
  snapshot({
    instances: [late(), inItsPlace()],
    policy,
    askedWorkersAt: NOW - 1_000,
    demand: { lastJobAt: NOW - MINUTE, lastWorkerOnlineAt: NOW - 3 * MINUTE, ...demand },
    ...changes,
  });
const K = `keep gpu-2 idle_not_reached ${NOW + 29 * MINUTE}`;
const DOUBT = ["gpu-1", "gpu-2"].map((id) => `keep ${id} surplus_unproven ${NOW + 29 * MINUTE}`);

const CASES: Case[] = [
  {
    what: "it came up after it was given up, another does its work",
    given: two(),
    told: ["stop gpu-1 surplus", K],
  },
  {
    what: "steady work is no reason to pay for it twice",
    given: two({ demand: { jobsWaiting: true } }),
    told: ["look confirm_running", "stop gpu-1 surplus", "keep gpu-2 jobs_pending"],
  },
  {
    what: "the machine that was given up was there first: the one started in its place is too much",
    given: two({ instances: [late(run(7)), inItsPlace(run(1))] }),
    told: [`keep gpu-1 idle_not_reached ${NOW + 29 * MINUTE}`, "stop gpu-2 surplus"],
  },
  {
    what: "the other runs without its GPU: it does nobody's work",
    given: two({ instances: [late(), inItsPlace({ withoutGpu: true })] }),
    told: [K.replace("gpu-2", "gpu-1"), K],
  },
  {
    what: "its GPU computes: nobody knows at what",
    given: two({ instances: [late({ gpuBusyAt: NOW - MINUTE }), inItsPlace()] }),
    told: [`keep gpu-1 gpu_busy ${NOW - MINUTE + GPU_BUSY_MS}`, K],
  },
  {
    what: "beside one that a person started, and whose worker was there first, ours is the surplus one",
    given: two({ instances: [late(), inItsPlace({ ownStart: null })] }),
    told: ["stop gpu-1 surplus", K],
  },
  {
    what: "it was not given up and was started before the other: a person has a reason",
    given: two({ instances: [late({ ownStart: own(14) }), inItsPlace({ ownStart: null })] }),
    told: [
      `keep gpu-1 idle_not_reached ${NOW + 29 * MINUTE}`,
      `keep gpu-2 surplus_by_hand ${NOW + 29 * MINUTE}`,
    ],
  },
  {
    what: "a person started it: left alone, and told of",
    given: two({ instances: [late({ ownStart: null }), inItsPlace()] }),
    told: [`keep gpu-1 surplus_by_hand ${NOW + 29 * MINUTE}`, K],
  },
  {
    what: "a person ordered its start: left alone, and told of",
    given: two({ instances: [late({ ownStart: { ...own(4), ordered: true } }), inItsPlace()] }),
    told: [`keep gpu-1 surplus_by_hand ${NOW + 29 * MINUTE}`, K],
  },
  {
    what: "held on: one machine is what that means",
    given: two({ hold: { mode: "on", until: null } }),
    told: ["stop gpu-1 surplus", "keep gpu-2 held_on"],
  },
  {
    what: "the one whose worker was there first is listed no more: ours stays, it is to take over",
    given: two({ instances: [late(), inItsPlace({ forgotten: true })] }),
    told: DOUBT,
  },
  {
    what: "it is listed no more itself",
    given: two({ instances: [late({ forgotten: true }), inItsPlace()] }),
    told: ["stop gpu-1 surplus", K],
  },
  {
    what: "as many as policy wants are not too many",
    given: two({ policy: { ...policy, desiredRunning: 2 } }),
    told: [`keep gpu-1 idle_not_reached ${NOW + 29 * MINUTE}`, K],
  },
  {
    what: "no worker is online yet: nobody knows which will have what waits",
    given: two({ demand: { lastWorkerOnlineAt: NOW - 20 * MINUTE } }),
    told: DOUBT,
  },
  {
    what: "a worker came online since it came up: it may be this one's, with jobs of its own",
    given: two({ demand: { lastWorkerOnlineAt: NOW - 30_000 } }),
    told: DOUBT,
  },
  {
    what: "the worker came so shortly before that a slow console may have hidden that it was up",
    given: two({ demand: { lastWorkerOnlineAt: NOW - MINUTE - 1_000 - CONSOLE_LAG_MS } }),
    told: DOUBT,
  },
  {
    what: "when it came up is not known",
    given: two({ instances: [late({ upFrom: null }), inItsPlace()] }),
    told: DOUBT,
  },
  {
    what: "nobody heard for a moment since: its worker may have been missed",
    given: two({ listeningSince: NOW - MINUTE }),
    told: DOUBT,
  },
  {
    what: "the clock has jumped since: a worker's coming may still be on its way",
    given: two({ demand: { clockJumpedAt: NOW - MINUTE } }),
    told: DOUBT,
  },
  {
    what: "the path is deaf",
    given: two({ listeningSince: null }),
    told: ["keep gpu-1 path_unproven", "keep gpu-2 path_unproven"],
  },
  {
    what: "the path is proven with a question since it came up",
    given: two({ askedWorkersAt: NOW - 2 * MINUTE }),
    told: ["ask ask_before_stop", K],
  },
  {
    what: "no proof since the question yet",
    given: two({ pathProvenAt: NOW - 2_000 }),
    told: [`keep gpu-1 path_unproven ${NOW - 1_000 + ANSWER_VALID_MS}`, K],
  },
  {
    what: "jobs wait at the gateway although a worker is online: the next worker gets them",
    given: two({ demand: { lastBacklogAt: NOW - 900 } }),
    told: [`keep gpu-1 surplus_unproven ${NOW - 1_000 + ANSWER_VALID_MS}`, K],
  },
  {
    what: "the other was not compared of late: it may be gone",
    given: two({ instances: [late(), inItsPlace({ comparedAt: NOW - COMPARISON_VALID_MS })] }),
    told: ["look compare_before_stop", K],
  },
  {
    what: "the other is unknown",
    given: two({ instances: [late(), inItsPlace({ state: "unknown" })] }),
    told: [`keep gpu-1 idle_not_reached ${NOW + 29 * MINUTE}`],
  },
  {
    what: "the other is being stopped",
    given: two({ instances: [late(), inItsPlace({ attempt: { action: "stop", at: NOW } })] }),
    told: [`keep gpu-1 idle_not_reached ${NOW + 29 * MINUTE}`, "keep gpu-2 action_in_flight"],
  },
  {
    what: "an operator holds",
    given: two({ hold: { mode: "as_is", until: null } }),
    told: ["keep gpu-1 on_hold", "keep gpu-2 on_hold"],
  },
  {
    what: "its stop failed a moment ago",
    given: two({ instances: [late({ restUntil: NOW + 9_000 }), inItsPlace()] }),
    told: [`keep gpu-1 resting ${NOW + 9_000}`, K],
  },
  {
    what: "two of three are too many, the last first",
    given: two({
      instances: [late(), inItsPlace(), running({ ...run(0.5), id: "gpu-3", ownStart: own(8) })],
    }),
    told: ["stop gpu-1 surplus", K, "stop gpu-3 surplus"],
  },
  {
    what: "one of three is too many where two are wanted",
    given: two({
      policy: { ...policy, desiredRunning: 2 },
      instances: [late(), inItsPlace(), running({ ...run(0.5), id: "gpu-3", ownStart: own(8) })],
    }),
    told: [`keep gpu-1 idle_not_reached ${NOW + 29 * MINUTE}`, K, "stop gpu-3 surplus"],
  },
];

for (const { what, given, told } of CASES) {
  test(`surplus: ${what}`, () => {
    assert.deepEqual(inShort(decide(given, NOW)), told);
  });
}
