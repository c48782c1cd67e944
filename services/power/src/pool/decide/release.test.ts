import assert from "node:assert/strict";
import { test } from "node:test";
import { decide } from "./decide.ts";
import { AGAIN_MS } from "./release.ts";
import {
  type Case,
  inShort,
  instance,
  job,
  MINUTE,
  NOW,
  policy as ordinary,
  running,
  second,
  snapshot,
} from "./snapshot-for-tests.ts";
import { ANSWER_WAIT_MS, UNREPORTED_MS } from "./stops.ts";
import { explain } from "./why.ts";

const HOUR = 60 * MINUTE;
const policy = { ...ordinary, keepFromRelease: 48 * HOUR };
const near = { releaseAt: NOW + 47 * HOUR };
const kept = (at: number, changes = {}) => ({
  ownStart: { at, ordered: false, givenUp: false, forRelease: true },
  ...changes,
});
const START = "start gpu-1 keep_from_release";

const CASES: Case[] = [
  {
    what: "off, and to be deleted soon",
    given: snapshot({ policy, instances: [instance(near)] }),
    told: [START],
  },
  { what: "not by default", given: snapshot({ instances: [instance(near)] }), told: ["wait no_demand"] },
  {
    what: "its deletion is far",
    given: snapshot({ policy, instances: [instance({ releaseAt: NOW + 49 * HOUR })] }),
    told: ["wait no_demand"],
  },
  {
    what: "nobody tells when: nothing is guessed",
    given: snapshot({ policy, instances: [instance({ releaseAt: null })] }),
    told: ["wait no_demand"],
  },
  {
    what: "it was started for that today, and the provider's time has not moved",
    given: snapshot({
      policy,
      instances: [instance({ ...near, keptFromReleaseAt: NOW - AGAIN_MS + 1 })],
    }),
    told: ["wait no_demand"],
  },
  {
    what: "and the day is over",
    given: snapshot({ policy, instances: [instance({ ...near, keptFromReleaseAt: NOW - AGAIN_MS })] }),
    told: [START],
  },
  {
    what: "it rests after a failed start",
    given: snapshot({ policy, instances: [instance({ ...near, restUntil: NOW + 1 })] }),
    told: ["wait no_demand"],
  },
  {
    what: "an operator keeps everything off",
    given: snapshot({ policy, hold: { mode: "off", until: null }, instances: [instance(near)] }),
    told: ["wait no_demand"],
  },
  {
    what: "an operator leaves everything as it is",
    given: snapshot({ policy, hold: { mode: "as_is", until: null }, instances: [instance(near)] }),
    told: ["wait no_demand"],
  },
  {
    what: "a person has the console's page: nothing is begun",
    given: snapshot({ policy, operatorControls: true, instances: [instance(near)] }),
    told: ["wait operator_controls"],
  },
  {
    what: "no start is left in this hour",
    given: snapshot({
      policy: { ...policy, maxStartsPerHour: 1 },
      recentStarts: [NOW - MINUTE],
      instances: [instance(near)],
    }),
    told: ["wait no_demand"],
  },
  {
    what: "the pool file lists it no more",
    given: snapshot({ policy, instances: [instance({ ...near, forgotten: true })] }),
    told: ["wait no_demand"],
  },
  {
    what: "two of them: one after the other",
    given: snapshot({ policy, instances: [instance(near), second(near)] }),
    told: [START],
  },
  {
    what: "another is on its way for that",
    given: snapshot({
      policy,
      instances: [instance(near), second(kept(NOW - MINUTE, { state: "starting", stateSince: NOW }))],
    }),
    told: ["wait no_demand"],
  },
  {
    what: "a job starts it anyway",
    given: snapshot({ policy, demand: job, instances: [instance(near)] }),
    told: ["start gpu-1 job_waiting"],
  },
  {
    what: "another does the work",
    given: snapshot({
      policy,
      demand: { lastJobAt: NOW },
      instances: [instance(near), second({ state: "running", runningSince: NOW - HOUR })],
    }),
    told: [START, `keep gpu-2 idle_not_reached ${NOW + 30 * MINUTE}`],
  },
];
for (const { what, given, told } of CASES) {
  test(`keepFromRelease: ${what}`, () => assert.deepEqual(inShort(decide(given, NOW)), told));
}

const upFor = (ms: number) =>
  running({
    runningSince: NOW - ms,
    comparedAt: NOW - 1_000,
    ...kept(NOW - ms - MINUTE, { keptFromReleaseAt: NOW - ms }),
  });

test("what is on only for that is stopped when its least run time is over, and not before what may be at work has told", () => {
  const asked = NOW - ANSWER_WAIT_MS;
  const over = snapshot({
    policy,
    instances: [upFor(UNREPORTED_MS + ANSWER_WAIT_MS)],
    askedWorkersAt: asked,
  });
  assert.deepEqual(inShort(decide(over, NOW)), ["stop gpu-1 idle"]);
  const early = snapshot({ policy, instances: [upFor(policy.minRunTime - 1)], askedWorkersAt: asked });
  assert.deepEqual(inShort(decide(early, NOW)), [`keep gpu-1 min_run_time ${NOW + 1}`]);
  const worked = snapshot({
    policy,
    instances: [upFor(UNREPORTED_MS + ANSWER_WAIT_MS)],
    askedWorkersAt: asked,
    demand: { lastActivityAt: NOW - MINUTE },
  });
  assert.deepEqual(inShort(decide(worked, NOW)), [`keep gpu-1 idle_not_reached ${NOW + 29 * MINUTE}`]);
});

test("beside a machine at work it is no surplus before its least run time is over", () => {
  const since = NOW - 2 * MINUTE;
  const beside = {
    ...upFor(2 * MINUTE),
    upFrom: since - 1_000,
    workerFrom: since,
  };
  const worker = NOW - HOUR;
  const other = second({
    state: "running",
    runningSince: worker,
    workerFrom: worker,
    comparedAt: NOW,
    ownStart: { at: worker, ordered: false, givenUp: false, forRelease: false },
  });
  const given = snapshot({
    policy,
    instances: [beside, other],
    askedWorkersAt: NOW - 1_000,
    demand: { lastJobAt: NOW - MINUTE, lastWorkerOnlineAt: worker + MINUTE },
  });
  assert.equal(inShort(decide(given, NOW))[0], `keep gpu-1 min_run_time ${since + policy.minRunTime}`);
  const later = { ...beside, runningSince: NOW - policy.minRunTime };
  assert.equal(inShort(decide({ ...given, instances: [later, other] }, NOW))[0], "stop gpu-1 surplus");
});

test("why tells each condition of it, and from when it holds", () => {
  const far = instance({ releaseAt: NOW + 49 * HOUR });
  const [told] = explain(snapshot({ policy, instances: [far] }), NOW).releases;
  assert.deepEqual(told?.conditions[0], {
    name: "release_near",
    holds: false,
    from: NOW + HOUR,
    value: `deleted at ${new Date(NOW + 49 * HOUR).toISOString()}, started 48 h 0 m before`,
  });
  assert.deepEqual(
    explain(snapshot({ instances: [far] }), NOW).releases,
    [],
    "not where policy does not ask for it",
  );
});
