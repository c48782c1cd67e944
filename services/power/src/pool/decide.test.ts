import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  ANSWER_VALID_MS,
  ANSWER_WAIT_MS,
  COMPARISON_VALID_MS,
  decide,
  type InstanceView,
  REASONS,
  type Snapshot,
} from "./decide.ts";
import { Policy } from "./pool.ts";

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const policy = Policy.parse({});

function instance(changes: Partial<InstanceView> = {}): InstanceView {
  return {
    id: "gpu-1",
    priority: 1,
    state: "stopped",
    askedAt: NOW - 1_000,
    stateSince: NOW - 60 * MINUTE,
    apiState: null,
    unknownLooks: 0,
    attempt: null,
    runningSince: changes.state === "running" ? NOW - 120 * MINUTE : null,
    restUntil: 0,
    comparedAt: null,
    ...changes,
  };
}

interface Changes extends Partial<Omit<Snapshot, "demand">> {
  demand?: Partial<Snapshot["demand"]>;
}

function snapshot({ demand, ...changes }: Changes = {}): Snapshot {
  return {
    policy,
    instances: [instance()],
    recentStarts: [],
    onHold: false,
    listeningSince: NOW - 600 * MINUTE,
    pathProvenAt: NOW,
    askedWorkersAt: null,
    ...changes,
    demand: {
      jobsWaiting: false,
      bootRequested: false,
      lastJobAt: null,
      lastServedAt: null,
      lastActivityAt: null,
      lastInactiveAt: null,
      ...demand,
    },
  };
}

const job = { jobsWaiting: true, lastJobAt: NOW };
const running = (changes: Partial<InstanceView> = {}) => instance({ state: "running", ...changes });
/** A running machine that nothing keeps on. */
const stoppable = { instances: [running({ comparedAt: NOW - 1_000 })], askedWorkersAt: NOW - ANSWER_WAIT_MS };
const second = (changes: Partial<InstanceView> = {}) => instance({ id: "gpu-2", priority: 2, ...changes });

const CASES: Array<{ what: string; given: Snapshot; told: string[] }> = [
  { what: "nothing wanted, machine off", given: snapshot(), told: ["wait no_demand"] },
  { what: "a job, machine off", given: snapshot({ demand: job }), told: ["start gpu-1 job_waiting"] },
  {
    what: "a boot request, machine off",
    given: snapshot({ demand: { bootRequested: true } }),
    told: ["start gpu-1 boot_requested"],
  },
  {
    what: "a job before the first look",
    given: snapshot({ demand: job, instances: [instance({ askedAt: null, state: "unknown" })] }),
    told: ["look not_observed_yet"],
  },
  {
    what: "a job while starting by our attempt",
    given: snapshot({
      demand: job,
      instances: [instance({ attempt: { action: "start", at: NOW - 1_000 } })],
    }),
    told: ["wait starting"],
  },
  {
    what: "a job while somebody else's start is under way",
    given: snapshot({ demand: job, instances: [instance({ state: "starting", stateSince: NOW - MINUTE })] }),
    told: ["wait starting"],
  },
  {
    what: "a job beside a machine stuck in starting, and a second one",
    given: snapshot({
      demand: job,
      instances: [instance({ state: "starting", stateSince: NOW - 6 * MINUTE }), second()],
    }),
    told: ["start gpu-2 job_waiting"],
  },
  {
    what: "a job beside a machine stuck in starting, and no other",
    given: snapshot({
      demand: job,
      instances: [instance({ state: "starting", stateSince: NOW - 6 * MINUTE })],
    }),
    told: ["wait none_available"],
  },
  {
    what: "a job while the first rests",
    given: snapshot({ demand: job, instances: [instance({ restUntil: NOW + 5_000 }), second()] }),
    told: ["start gpu-2 job_waiting"],
  },
  {
    what: "a job while all rest",
    given: snapshot({
      demand: job,
      instances: [instance({ restUntil: NOW + 9_000 }), second({ restUntil: NOW + 5_000 })],
    }),
    told: [`wait all_resting ${NOW + 5_000}`],
  },
  {
    what: "a job, the lower priority number first whatever the order in the file",
    given: snapshot({ demand: job, instances: [second(), instance()] }),
    told: ["start gpu-1 job_waiting"],
  },
  {
    what: "a job while the machine stops",
    given: snapshot({ demand: job, instances: [instance({ state: "stopping", stateSince: NOW - 5_000 })] }),
    told: ["wait stopping"],
  },
  {
    what: "a job while the machine is stuck in stopping, and a second one",
    given: snapshot({
      demand: job,
      instances: [instance({ state: "stopping", stateSince: NOW - 4 * MINUTE }), second()],
    }),
    told: ["start gpu-2 job_waiting"],
  },
  {
    what: "a job while the state is unknown: look again first",
    given: snapshot({ demand: job, instances: [instance({ state: "unknown", unknownLooks: 1 }), second()] }),
    told: ["look unknown_state"],
  },
  {
    what: "a job while the state stays unknown: the next machine",
    given: snapshot({ demand: job, instances: [instance({ state: "unknown", unknownLooks: 3 }), second()] }),
    told: ["start gpu-2 job_waiting"],
  },
  {
    what: "a job while only the page is in doubt: a start can do no harm",
    given: snapshot({
      demand: job,
      instances: [instance({ state: "unknown", apiState: "stopped", unknownLooks: 3 })],
    }),
    told: ["start gpu-1 job_waiting_unconfirmed"],
  },
  {
    what: "a job while all is unknown",
    given: snapshot({ demand: job, instances: [instance({ state: "unknown", unknownLooks: 9 })] }),
    told: ["wait state_unknown"],
  },
  {
    what: "a job under hold",
    given: snapshot({ demand: job, onHold: true }),
    told: ["wait on_hold"],
  },
  {
    what: "a job at the limit of starts",
    given: snapshot({ demand: job, recentStarts: [1, 2, 3, 4, 5, 6].map((n) => NOW - n * MINUTE) }),
    told: [`wait rate_limited ${NOW - 6 * MINUTE + 60 * MINUTE}`],
  },
  {
    what: "a boot request at the limit of starts",
    given: snapshot({
      demand: { bootRequested: true },
      recentStarts: [1, 2, 3, 4, 5, 6].map((n) => NOW - n * MINUTE),
    }),
    told: [`wait rate_limited ${NOW - 6 * MINUTE + 60 * MINUTE}`],
  },
  {
    what: "starts of more than an hour ago do not count",
    given: snapshot({ demand: job, recentStarts: [1, 2, 3, 4, 5, 61].map((n) => NOW - n * MINUTE) }),
    told: ["start gpu-1 job_waiting"],
  },
  {
    what: "a job while it runs: confirmed by a newer look, and kept",
    given: snapshot({ ...stoppable, demand: { ...job, lastJobAt: NOW } }),
    told: ["look confirm_running", "keep gpu-1 jobs_pending"],
  },
  {
    what: "two wanted, one runs",
    given: snapshot({
      policy: { ...policy, desiredRunning: 2 },
      demand: job,
      instances: [running(), second(), instance({ id: "gpu-3", priority: 3 })],
    }),
    told: ["start gpu-2 job_waiting", "keep gpu-1 jobs_pending"],
  },
  { what: "idle past the limit, everything asked", given: snapshot(stoppable), told: ["stop gpu-1 idle"] },
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
  { what: "idle under hold", given: snapshot({ ...stoppable, onHold: true }), told: ["keep gpu-1 on_hold"] },
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

for (const { what, given, told: expected } of CASES) {
  test(`decide: ${what}`, () => {
    const told = decide(given, NOW).map((decision) =>
      [
        decision.kind,
        "instance" in decision ? decision.instance : undefined,
        decision.reason,
        "until" in decision && decision.until !== null ? decision.until : undefined,
      ]
        .filter((word) => word !== undefined)
        .join(" "),
    );
    assert.deepEqual(told, expected);
  });
}

const time = fc.integer({ min: NOW - 90 * MINUTE, max: NOW });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const anyInstance = (id: string) =>
  fc.record<InstanceView>({
    id: fc.constant(id),
    priority: fc.integer({ min: 1, max: 3 }),
    state: fc.constantFrom("unknown", "stopped", "starting", "running", "stopping"),
    askedAt: fc.option(time, { nil: null, freq: 9 }),
    stateSince: time,
    apiState: fc.constantFrom(null, "stopped", "running"),
    unknownLooks: fc.integer({ min: 0, max: 5 }),
    attempt: maybe(fc.record({ action: fc.constantFrom("start", "stop"), at: time })),
    runningSince: maybe(time),
    restUntil: fc.constantFrom(0, NOW - 1, NOW + 1),
    comparedAt: maybe(fc.constantFrom(NOW, NOW - MINUTE)),
  });
const anySnapshot = fc.record<Snapshot>({
  policy: fc
    .record({
      idleTimeout: fc.constantFrom(MINUTE, 30 * MINUTE),
      minRunTime: fc.constantFrom(0, 5 * MINUTE),
      maxStartsPerHour: fc.integer({ min: 1, max: 6 }),
      desiredRunning: fc.integer({ min: 1, max: 3 }),
    })
    .map((changes) => ({ ...policy, ...changes })),
  demand: fc.record({
    jobsWaiting: fc.boolean(),
    bootRequested: fc.boolean(),
    lastJobAt: maybe(time),
    lastServedAt: maybe(time),
    lastActivityAt: maybe(time),
    lastInactiveAt: maybe(time),
  }),
  instances: fc.tuple(anyInstance("a"), anyInstance("b"), anyInstance("c")),
  recentStarts: fc.array(time, { maxLength: 8 }),
  onHold: fc.boolean(),
  listeningSince: maybe(time),
  pathProvenAt: maybe(time),
  askedWorkersAt: maybe(fc.constantFrom(NOW, NOW - ANSWER_WAIT_MS, NOW - 10 * MINUTE)),
});

test("property: there is always a reason, and only from the closed list", () => {
  fc.assert(
    fc.property(anySnapshot, (given) => {
      const decisions = decide(given, NOW);
      assert.ok(decisions.length > 0);
      for (const { kind, reason } of decisions)
        assert.ok((REASONS[kind] as readonly string[]).includes(reason));
    }),
    { numRuns: 2_000 },
  );
});

test("property: a start is wanted, within the limit, not on hold, never beside an attempt or on a machine that runs", () => {
  fc.assert(
    fc.property(anySnapshot, (given) => {
      const starts = decide(given, NOW).filter((decision) => decision.kind === "start");
      if (starts.length === 0) return;
      assert.ok(given.demand.jobsWaiting || given.demand.bootRequested);
      assert.equal(given.onHold, false);
      const recent = given.recentStarts.filter((at) => at > NOW - 60 * MINUTE).length;
      assert.ok(recent + starts.length <= given.policy.maxStartsPerHour);
      const up = given.instances.filter((each) => each.state === "running" && each.attempt === null).length;
      assert.ok(up + starts.length <= given.policy.desiredRunning);
      for (const start of starts) {
        const target = given.instances.find((each) => each.id === start.instance);
        assert.equal(target?.attempt, null);
        assert.ok((target?.restUntil ?? 0) <= NOW);
        assert.ok(
          target?.state === "stopped" || (target?.state === "unknown" && target.apiState === "stopped"),
        );
      }
    }),
    { numRuns: 5_000 },
  );
});

test("property: a stop means no job, no activity, no doubt, no deafness, no hold, long enough on, both witnesses fresh", () => {
  fc.assert(
    fc.property(anySnapshot, (given) => {
      for (const stop of decide(given, NOW)) {
        if (stop.kind !== "stop") continue;
        const target = given.instances.find((each) => each.id === stop.instance);
        assert.equal(target?.state, "running");
        assert.equal(target?.attempt, null);
        assert.ok(!given.demand.jobsWaiting && !given.demand.bootRequested && !given.onHold);
        const quiet = NOW - given.policy.idleTimeout;
        assert.ok((given.demand.lastJobAt ?? 0) <= quiet);
        assert.ok((given.demand.lastServedAt ?? 0) <= quiet);
        assert.ok((given.demand.lastActivityAt ?? 0) <= quiet);
        assert.ok(given.listeningSince !== null && given.listeningSince <= quiet);
        assert.ok(given.pathProvenAt !== null && given.pathProvenAt >= (given.askedWorkersAt ?? NOW));
        assert.ok((target?.runningSince ?? NOW) <= NOW - given.policy.minRunTime);
        assert.ok(target?.comparedAt !== null && (target?.comparedAt ?? 0) > NOW - COMPARISON_VALID_MS);
        assert.ok(given.askedWorkersAt !== null);
        const lastSign = Math.max(given.demand.lastJobAt ?? 0, given.demand.lastActivityAt ?? 0);
        assert.ok(given.askedWorkersAt >= lastSign + given.policy.idleTimeout, "asked after it became idle");
      }
    }),
    { numRuns: 20_000 },
  );
});
