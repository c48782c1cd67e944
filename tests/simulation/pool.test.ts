/**
 * The pure core (demand, instance, decide, cadence) with a simulated console, bus and clock, under random
 * faults from a seed. After every step it is checked that nothing was done that must never be done. A failing
 * seed is printed; SEED=n plays it alone.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GatewayEvent } from "@gpu-power-manager/shared/events";
import { emptyDemand, foldEvents, pendingJobs, serve } from "../../services/power/src/demand/demand.ts";
import { pauseBetweenLooks } from "../../services/power/src/pool/cadence.ts";
import { decide } from "../../services/power/src/pool/decide/decide.ts";
import type { Snapshot } from "../../services/power/src/pool/decide/snapshot.ts";
import { afterLook } from "../../services/power/src/pool/instance/after-look.ts";
import { afterAction, beginAttempt } from "../../services/power/src/pool/instance/attempt.ts";
import { NO_LOOKS } from "../../services/power/src/pool/instance/looks.ts";
import { newRecord } from "../../services/power/src/pool/instance/record.ts";
import { viewOf } from "../../services/power/src/pool/instance/view.ts";
import { Policy } from "../../services/power/src/pool/pool.ts";
import { type Faults, HOUR, Machine, randomFrom, SECOND } from "./world.ts";

const SEEDS =
  process.env.SEED === undefined
    ? Array.from({ length: 150 }, (_, index) => index + 1)
    : [Number(process.env.SEED)];
const DAYS = 3;
/** At the end the faults cease for so long: whatever can be served must be served by then. */
const CALM = 8 * HOUR;
const PATIENT = Policy.parse({});
/** Stops so soon that the limit of starts is reached. */
const HASTY = Policy.parse({ idleTimeout: "2m", minRunTime: "0s" });

function play(seed: number): { starts: number; stops: number; jobs: number } {
  const random = randomFrom(seed);
  const hasty = seed % 3 === 0;
  const policy = hasty ? HASTY : PATIENT;
  const jobLength = hasty ? HOUR / 60 : HOUR;
  const chance = () => (random() < 0.5 ? 0 : random() * 0.4);
  const wild: Faults = {
    refused: chance(),
    ignored: chance(),
    uncertain: chance(),
    stuck: chance() / 4,
    blind: chance(),
    doubtful: chance(),
    diesEachHour: chance(),
  };
  const calm: Faults = {
    refused: 0,
    ignored: 0,
    uncertain: 0,
    stuck: 0,
    blind: 0,
    doubtful: 0,
    diesEachHour: 0,
  };
  const members = ["a", "b"].slice(0, 1 + Math.floor(random() * 2)).map((id, index) => ({
    instance: { id, providerId: id, priority: index, currency: "CNY" },
    machine: new Machine(id, random),
    record: newRecord({ providerId: id }),
    looks: NO_LOOKS,
  }));
  const starts: number[] = [];
  let demand = emptyDemand("s");
  let sequence = 0;
  let [stops, jobs] = [0, 0];
  let now = 1_800_000_000_000;
  const end = now + DAYS * 24 * HOUR;
  let nextLookAt = now;
  let nextJobAt = now + random() * HOUR;
  let nextActiveAt = now;
  let listeningSince: number | null = now;
  let askedWorkersAt: number | null = null;
  let compareWanted = true;
  let troubles = 0;

  const fold = (
    event:
      | Omit<Extract<GatewayEvent, { kind: "job" }>, "eventId" | "pool" | "at">
      | Omit<Extract<GatewayEvent, { kind: "activity" }>, "eventId" | "pool" | "at">,
  ) => {
    sequence += 1;
    demand = foldEvents(
      demand,
      [{ sequence, event: { ...event, eventId: `e${sequence}`, pool: "default", at: now } }],
      now,
    );
  };

  while (now < end) {
    const faults = now > end - CALM ? calm : wild;
    const elapsed = random() < 0.05 ? 20 * SECOND * random() : SECOND;
    now += Math.max(1, Math.round(elapsed));
    for (const { machine } of members) {
      machine.pass(now, elapsed, faults);
      // In the calm somebody at the provider frees what was stuck.
      if (faults === calm && machine.doneAt === Number.POSITIVE_INFINITY && machine.state !== "running")
        machine.turnOff();
    }
    // The gateway and the listener: jobs, signs of work, times of deafness.
    if (faults === wild && random() < 0.0002) listeningSince = listeningSince === null ? now : null;
    if (faults === calm) listeningSince ??= now;
    const working = () =>
      members.some(({ machine }) => machine.state === "running" && machine.busyUntil > now);
    if (now >= nextJobAt && now < end - CALM / 2) {
      nextJobAt = now + random() * (hasty ? HOUR / 4 : 3 * HOUR);
      const runner = members.find(({ machine }) => machine.state === "running");
      // A job that nobody heard is the listener's to recover; here it is only work on the machine.
      if (listeningSince !== null) {
        fold({ kind: "job", type: "url", source: "notice", count: 1 });
        jobs += 1;
      }
      if (runner !== undefined)
        runner.machine.busyUntil = Math.max(runner.machine.busyUntil, now) + random() * jobLength;
    }
    if (now >= nextActiveAt) {
      nextActiveAt = now + 30 * SECOND;
      if (working() && listeningSince !== null)
        fold({ kind: "activity", source: "task_active", active: true });
    }

    // The reconciler's pass: look, serve, decide, act.
    if (now >= nextLookAt) {
      const compared = compareWanted && members.every(({ record }) => record.attempt === null);
      if (compared) compareWanted = false;
      let trouble = false;
      for (const member of members) {
        const sighting = member.machine.show(compared, faults);
        trouble ||= sighting.state === "unknown" && sighting.reason === "console_error";
        const before = member.record;
        const progress = afterLook(
          member.record,
          member.looks,
          { sighting, askedAt: now, answeredAt: now, compared },
          policy,
          1,
          false,
        );
        Object.assign(member, { record: progress.record, looks: progress.looks });
        if (progress.ended !== null) {
          compareWanted = true;
          assert.notEqual(before.attempt, null);
          if (progress.ended.outcome === "succeeded") {
            assert.equal(
              member.machine.state,
              progress.ended.attempt.action === "start" ? "running" : "stopped",
              "success is what is true",
            );
          }
        }
        if (sighting.state === "running" && member.record.attempt?.action !== "stop") {
          const served = serve(demand, now);
          if (served.served > 0) member.machine.busyUntil = now + random() * jobLength;
          demand = served.demand;
        }
      }
      troubles = trouble ? troubles + 1 : 0;
      nextLookAt =
        now +
        pauseBetweenLooks(
          members.map(({ instance, record, looks }) => viewOf(instance, record, looks)),
          policy,
          troubles,
          random(),
        );
    }
    const snapshot: Snapshot = {
      policy,
      demand: {
        jobsWaiting: demand.waiting.length > 0,
        bootRequested: false,
        neededUntil: null,
        lastNeededAt: null,
        ...demand,
      },
      instances: members.map(({ instance, record, looks }) => viewOf(instance, record, looks)),
      recentStarts: members.flatMap(({ record }) => record.starts),
      hold: null,
      listeningSince,
      pathProvenAt: listeningSince === null ? null : now,
      attendedSince: listeningSince,
      askedWorkersAt,
    };
    for (const decision of decide(snapshot, now)) {
      if (decision.kind === "look") {
        compareWanted ||= decision.compare;
        nextLookAt = Math.min(nextLookAt, now + policy.observe.changing * 2 ** Math.min(troubles, 4));
      } else if (decision.kind === "ask") {
        askedWorkersAt = now;
        // Half of the gateways are old and say nothing.
        if (seed % 2 === 0) fold({ kind: "activity", source: "task_query", active: working() });
      } else if (decision.kind === "start" || decision.kind === "stop") {
        const member = members.find(({ instance }) => instance.id === decision.instance);
        assert.ok(
          member !== undefined && member.record.attempt === null,
          "one attempt at a time on a machine",
        );
        const { machine } = member;
        if (decision.kind === "start") {
          starts.push(now);
          assert.ok(demand.waiting.length > 0, "a start is wanted");
        } else {
          stops += 1;
          assert.equal(
            machine.busyUntil > now && machine.state === "running",
            false,
            "a working machine is never stopped",
          );
          assert.equal(demand.waiting.length, 0, "no stop while a job waits");
        }
        const attemptId = `${decision.kind}-${now}`;
        const intent = {
          attemptId,
          action: decision.kind,
          reason: decision.reason,
          at: now,
          demandSince: null,
        };
        const intended = beginAttempt(member.record, intent);
        const answer = afterAction(intended, attemptId, machine.act(decision.kind, now, faults), now, policy);
        member.record = answer.record;
        if (answer.ended !== null) compareWanted = true;
        nextLookAt = Math.min(nextLookAt, now + policy.observe.changing);
        const counted = members.flatMap(({ record }) => record.starts).filter((at) => at > now - HOUR);
        assert.ok(counted.length <= policy.maxStartsPerHour, "the limit of starts holds");
      }
    }
  }
  assert.equal(pendingJobs(demand.waiting), 0, "in the calm every job was served");
  assert.equal(demand.served, jobs, "none was counted twice or forgotten");
  assert.ok(
    members.every(({ machine }) => machine.state === "stopped"),
    "in the calm every idle machine was stopped",
  );
  return { starts: starts.length, stops, jobs };
}

test(`${SEEDS.length * DAYS} virtual days under random faults: no job forgotten, no working machine stopped, no limit broken`, (t) => {
  const sum = { starts: 0, stops: 0, jobs: 0 };
  for (const seed of SEEDS) {
    try {
      const { starts, stops, jobs } = play(seed);
      sum.starts += starts;
      sum.stops += stops;
      sum.jobs += jobs;
    } catch (error) {
      throw new Error(`SEED=${seed} replays it`, { cause: error });
    }
  }
  assert.ok(sum.jobs > SEEDS.length && sum.starts > 0 && sum.stops > 0, "the days were not empty");
  t.diagnostic(`${sum.jobs} jobs, ${sum.starts} starts, ${sum.stops} stops`);
});
