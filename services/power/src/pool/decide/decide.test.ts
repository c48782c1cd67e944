/** What holds for every snapshot there can be. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decide } from "./decide.ts";
import { REASONS } from "./decision.ts";
import {
  busyUntil,
  COMPARISON_VALID_MS,
  GPU_BUSY_MS,
  type InstanceView,
  isOfUse,
  type Snapshot,
} from "./snapshot.ts";
import { MINUTE, NOW, policy } from "./snapshot-for-tests.ts";
import { ANSWER_WAIT_MS, UNREPORTED_MS } from "./stops.ts";
import { CONSOLE_LAG_MS } from "./surplus.ts";

const time = fc.integer({ min: NOW - 90 * MINUTE, max: NOW });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const anyInstance = (id: string) =>
  fc.record<InstanceView>({
    id: fc.constant(id),
    priority: fc.integer({ min: 1, max: 3 }),
    forgotten: fc.boolean(),
    state: fc.constantFrom("unknown", "stopped", "starting", "running", "stopping"),
    askedAt: fc.option(time, { nil: null, freq: 9 }),
    stateSince: time,
    apiState: fc.constantFrom(null, "stopped", "running"),
    unknownLooks: fc.integer({ min: 0, max: 5 }),
    attempt: maybe(fc.record({ action: fc.constantFrom("start", "stop"), at: time })),
    runningSince: maybe(time),
    ownStart: maybe(
      fc.record({ at: time, ordered: fc.boolean(), givenUp: fc.boolean(), forRelease: fc.boolean() }),
    ),
    upFrom: maybe(time),
    workerFrom: maybe(time),
    withoutGpu: fc.integer({ min: 0, max: 9 }).map((n) => n === 9),
    gpuBusyAt: maybe(time),
    releaseAt: maybe(fc.constantFrom(NOW + 30 * MINUTE, NOW + 26 * 60 * MINUTE)),
    keptFromReleaseAt: maybe(time),
    plannedStop: fc.constant(null),
    plan: fc.constant(null),
    soldOutSince: maybe(time),
    restsSoldOut: fc.boolean(),
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
      stopUnproven: fc.constantFrom(undefined, MINUTE, 45 * MINUTE),
      keepFromRelease: fc.constantFrom(undefined, 24 * 60 * MINUTE),
    })
    .map((changes) => ({ ...policy, ...changes })),
  demand: fc.record({
    jobsWaiting: fc.boolean(),
    bootRequested: fc.boolean(),
    lastJobAt: maybe(time),
    lastServedAt: maybe(time),
    lastActivityAt: maybe(time),
    lastInactiveAt: maybe(time),
    neededUntil: maybe(fc.constantFrom(NOW + 1, NOW + 60 * MINUTE)),
    lastNeededAt: maybe(time),
    lastWorkerOnlineAt: maybe(time),
    lastBacklogAt: maybe(time),
    clockJumpedAt: maybe(time),
  }),
  instances: fc.tuple(anyInstance("a"), anyInstance("b"), anyInstance("c")),
  recentStarts: fc.array(time, { maxLength: 8 }),
  hold: maybe(
    fc.record({
      mode: fc.constantFrom("as_is", "on", "off"),
      until: maybe(fc.constantFrom(NOW + 1, NOW + 60 * MINUTE)),
    }),
  ),
  schedule: fc.record({
    keepOn: fc.option(
      fc.record({
        rule: fc.constant("office"),
        warming: fc.boolean(),
        until: fc.constant(NOW + 60 * MINUTE),
      }),
      { nil: null, freq: 3 },
    ),
    quiet: maybe(
      fc.record({
        rule: fc.constant("night"),
        idleTimeout: fc.constantFrom(null, MINUTE / 2, 10 * MINUTE),
        noStarts: fc.boolean(),
        until: fc.constant(NOW + 60 * MINUTE),
      }),
    ),
    warmedAt: maybe(time),
    nextChangeAt: fc.constant(NOW + 60 * MINUTE),
  }),
  learned: fc.constant(null),
  budget: fc.option(
    fc.record({
      action: fc.constantFrom("no_new_starts", "stop_when_idle_at_once"),
      period: fc.constantFrom("day", "month"),
      until: fc.constant(NOW + 60 * MINUTE),
    }),
    { nil: null, freq: 3 },
  ),
  operatorControls: fc.integer({ min: 0, max: 9 }).map((n) => n === 9),
  listeningSince: maybe(time),
  pathProvenAt: maybe(time),
  attendedSince: maybe(time),
  askedWorkersAt: maybe(fc.constantFrom(NOW, NOW - ANSWER_WAIT_MS, NOW - 10 * MINUTE)),
});
/** Those in which several machines run, by whoever's start. */
const anyPair = anySnapshot.map((given) => ({
  ...given,
  policy: { ...given.policy, desiredRunning: 1 },
  instances: given.instances.map((each) => ({
    ...each,
    state: "running" as const,
    askedAt: NOW,
    comparedAt: NOW,
    attempt: null,
    restUntil: 0,
  })),
  askedWorkersAt: given.askedWorkersAt ?? NOW,
  pathProvenAt: NOW,
}));

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

test("property: while a person controls the console nothing is begun, and the reason is told", () => {
  fc.assert(
    fc.property(anySnapshot, (given) => {
      const decisions = decide({ ...given, operatorControls: true }, NOW);
      const begun = decisions.filter(({ kind }) => kind === "start" || kind === "stop" || kind === "ask");
      assert.deepEqual(begun, []);
      assert.ok(!decisions.some((decision) => decision.kind === "look" && decision.compare));
      const observed = given.instances.every(({ askedAt }) => askedAt !== null);
      const idle = decisions.every(({ kind, reason }) => kind === "wait" && reason === "no_demand");
      assert.ok(!observed || !idle, "a reason that is so");
    }),
    { numRuns: 5_000 },
  );
});

test("property: a start is wanted, within the limit, not on hold, never beside an attempt or on a machine that runs", () => {
  fc.assert(
    fc.property(anySnapshot, (given) => {
      const starts = decide(given, NOW).filter((decision) => decision.kind === "start");
      if (starts.length === 0) return;
      const { demand, hold, schedule } = given;
      const kept = starts.filter(({ reason }) => reason === "keep_from_release");
      const wanted =
        (given.budget === null && demand.jobsWaiting && schedule.quiet?.noStarts !== true) ||
        (given.budget === null &&
          (demand.bootRequested || demand.neededUntil !== null || schedule.keepOn !== null)) ||
        hold?.mode === "on";
      if (!wanted) assert.equal(starts.length, kept.length, "nothing wants it but its release");
      assert.ok(kept.length === 0 || starts.length === 1, "one at a time");
      assert.ok(hold === null || hold.mode === "on");
      const recent = given.recentStarts.filter((at) => at > NOW - 60 * MINUTE).length;
      assert.ok(recent + starts.length <= given.policy.maxStartsPerHour);
      const up = given.instances.filter(
        (each) => each.state === "running" && each.attempt === null && !each.withoutGpu && !each.forgotten,
      ).length;
      assert.ok(kept.length > 0 || up + starts.length <= given.policy.desiredRunning);
      for (const { instance } of kept) {
        const { releaseAt = null } = given.instances.find(({ id }) => id === instance) ?? {};
        const { keepFromRelease = 0 } = given.policy;
        assert.ok(releaseAt !== null && releaseAt - keepFromRelease <= NOW, "its release is near");
      }
      for (const start of starts) {
        const target = given.instances.find((each) => each.id === start.instance);
        assert.equal(target?.attempt, null);
        assert.equal(target?.forgotten, false);
        assert.ok((target?.restUntil ?? 0) <= NOW);
        const soldOut = (target?.soldOutSince ?? 0) > NOW - given.policy.quarantine;
        assert.ok(!soldOut || target?.state === "unknown", "no start is wasted on what is sold out");
        assert.ok(
          target?.state === "stopped" || (target?.state === "unknown" && target.apiState === "stopped"),
        );
      }
    }),
    { numRuns: 5_000 },
  );
});

test("property: a stop for idleness means no job, no activity, no doubt, no deafness, no hold, long enough on, both witnesses fresh", () => {
  fc.assert(
    fc.property(anySnapshot, (given) => {
      for (const stop of decide(given, NOW)) {
        if (stop.kind !== "stop" || stop.reason === "surplus") continue;
        const target = given.instances.find((each) => each.id === stop.instance);
        assert.equal(target?.state, "running");
        assert.equal(target?.attempt, null);
        assert.ok(!given.demand.jobsWaiting && !given.demand.bootRequested);
        assert.equal(given.demand.neededUntil, null);
        const off = given.hold?.mode === "off";
        assert.ok(given.hold === null || off);
        const overspent = given.budget?.action === "stop_when_idle_at_once";
        assert.ok(given.schedule.keepOn === null || off || overspent, "what a schedule keeps on stays");
        const proven = stop.reason !== "idle_unproven";
        // Without a proof of the path, idleness has to be so much longer, under a listener's eyes all the while.
        const kept = target?.ownStart?.forRelease === true;
        const least = off || overspent ? UNREPORTED_MS : Math.max(given.policy.minRunTime, UNREPORTED_MS);
        const idle = Math.min(
          given.policy.idleTimeout,
          given.schedule.quiet?.idleTimeout ?? Number.POSITIVE_INFINITY,
          off || overspent || kept ? least : Number.POSITIVE_INFINITY,
        );
        const quiet = NOW - idle - (proven ? 0 : (given.policy.stopUnproven ?? NOW));
        assert.ok((given.demand.lastJobAt ?? 0) <= quiet);
        assert.ok((given.demand.lastServedAt ?? 0) <= quiet);
        assert.ok((given.demand.lastActivityAt ?? 0) <= quiet);
        assert.ok((given.demand.lastNeededAt ?? 0) <= quiet);
        assert.ok((target?.gpuBusyAt ?? 0) <= Math.min(quiet, NOW - GPU_BUSY_MS));
        assert.ok((given.demand.clockJumpedAt ?? 0) <= quiet);
        assert.ok((given.schedule.warmedAt ?? 0) <= quiet);
        const since = proven ? given.listeningSince : given.attendedSince;
        assert.ok(since !== null && since <= quiet);
        if (proven)
          assert.ok(given.pathProvenAt !== null && given.pathProvenAt >= (given.askedWorkersAt ?? NOW));
        assert.ok((target?.runningSince ?? NOW) <= NOW - (off || overspent ? 0 : given.policy.minRunTime));
        assert.ok(target?.comparedAt !== null && (target?.comparedAt ?? 0) > NOW - COMPARISON_VALID_MS);
        assert.ok(given.askedWorkersAt !== null);
        const lastSign = Math.max(given.demand.lastJobAt ?? 0, given.demand.lastActivityAt ?? 0);
        assert.ok(given.askedWorkersAt >= lastSign + idle, "asked after it became idle");
      }
    }),
    { numRuns: 20_000 },
  );
});

test("property: a surplus stop means a start of ours, no worker since, a worker elsewhere, and enough that stay", () => {
  let seen = 0;
  fc.assert(
    fc.property(anyPair, (given) => {
      const stops = decide(given, NOW).filter((decision) => decision.kind === "stop");
      const surplus = stops.filter(({ reason }) => reason === "surplus");
      if (surplus.length === 0) return;
      seen += 1;
      const { demand, policy, listeningSince, askedWorkersAt, pathProvenAt } = given;
      const up = given.instances.filter(isOfUse);
      const left = up.filter(({ id }) => !surplus.some((stop) => stop.instance === id));
      const listed = (each: InstanceView) => !each.forgotten;
      const wanted = Math.min(policy.desiredRunning, up.filter(listed).length);
      assert.ok(left.filter(listed).length >= wanted, "what is wanted stays");
      for (const { instance } of surplus) {
        const target = given.instances.find(({ id }) => id === instance);
        assert.ok(target !== undefined && busyUntil(target, NOW) === null, "what computes stays");
      }
      const workerAt = demand.lastWorkerOnlineAt ?? NOW;
      assert.ok(left.filter(listed).some(({ workerFrom }) => workerFrom !== null && workerFrom <= workerAt));
      assert.ok(up.every(({ comparedAt }) => comparedAt !== null && comparedAt > NOW - COMPARISON_VALID_MS));
      assert.notEqual(given.hold?.mode, "as_is");
      for (const { instance } of surplus) {
        const target = up.find(({ id }) => id === instance);
        assert.ok(target !== undefined && target.ownStart?.ordered === false && target.upFrom !== null);
        const from = target.upFrom - CONSOLE_LAG_MS;
        assert.ok(workerAt < from, "no worker can be on it");
        assert.ok(listeningSince !== null && listeningSince <= from, "and none was missed");
        assert.ok(askedWorkersAt !== null && pathProvenAt !== null);
        assert.ok(target.upFrom <= askedWorkersAt && askedWorkersAt <= pathProvenAt);
        assert.ok((demand.lastBacklogAt ?? 0) < askedWorkersAt, "and none gets what waits");
      }
    }),
    { numRuns: 20_000 },
  );
  assert.ok(seen > 100, `only ${seen} snapshots had a surplus machine`);
});
