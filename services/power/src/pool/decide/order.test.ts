/** Starts and stops by hand: what is done, and what is refused with which words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { judgeOrder, type Order, type Verdict } from "./order.ts";
import type { Snapshot } from "./snapshot.ts";
import { instance, job, MINUTE, NOW, running, snapshot } from "./snapshot-for-tests.ts";

const start: Order = { action: "start", instance: "gpu-1", at: NOW - 1_000, force: false };
const stop: Order = { ...start, action: "stop" };
const forced: Order = { ...stop, force: true };
const on = { instances: [running({ comparedAt: NOW - 1_000 })] };
/** Asked after the order, answered that nothing is active, and the path proven after that. */
const confirmed = {
  ...on,
  askedWorkersAt: NOW - 900,
  pathProvenAt: NOW - 100,
  demand: { lastInactiveAt: NOW - 500 },
};

const CASES: ReadonlyArray<{
  what: string;
  order: Order;
  given: Snapshot;
  told: Verdict["kind"];
  words?: RegExp;
}> = [
  { what: "a machine that is off", order: start, given: snapshot(), told: "do" },
  {
    what: "a machine that rests after a failure",
    order: start,
    given: snapshot({ instances: [instance({ restUntil: NOW + MINUTE })] }),
    told: "do",
  },
  {
    what: "a machine under a hold that leaves all as it is",
    order: start,
    given: snapshot({ hold: { mode: "as_is", until: null } }),
    told: "do",
  },
  {
    what: "a machine held off",
    order: start,
    given: snapshot({ hold: { mode: "off", until: null } }),
    told: "refuse",
    words: /held off/,
  },
  {
    what: "a machine that runs",
    order: start,
    given: snapshot(on),
    told: "refuse",
    words: /running already/,
  },
  {
    what: "a machine that stops",
    order: start,
    given: snapshot({ instances: [instance({ state: "stopping", stateSince: NOW })] }),
    told: "refuse",
    words: /stopping/,
  },
  {
    what: "a machine whose state is unknown",
    order: start,
    given: snapshot({ instances: [instance({ state: "unknown", apiState: "stopped" })] }),
    told: "refuse",
    words: /not known/,
  },
  {
    what: "a machine with an attempt under way",
    order: start,
    given: snapshot({ instances: [instance({ attempt: { action: "start", at: NOW } })] }),
    told: "refuse",
    words: /under way/,
  },
  {
    what: "the limit of starts is reached",
    order: start,
    given: snapshot({ recentStarts: [1, 2, 3, 4, 5, 6].map((n) => NOW - n * MINUTE) }),
    told: "refuse",
    words: /maxStartsPerHour \(6\)/,
  },
  {
    what: "no such machine",
    order: { ...start, instance: "x" },
    given: snapshot(),
    told: "refuse",
    words: /no machine x/,
  },

  {
    what: "a machine that is off already",
    order: stop,
    given: snapshot(),
    told: "refuse",
    words: /stopped already/,
  },
  {
    what: "a machine that starts",
    order: stop,
    given: snapshot({ instances: [instance({ state: "starting" })] }),
    told: "refuse",
    words: /starting, so it cannot/,
  },
  {
    what: "its GPU computes, whoever told of work or not",
    order: stop,
    given: snapshot({ instances: [running({ comparedAt: NOW, gpuBusyAt: NOW - MINUTE })] }),
    told: "refuse",
    words: /GPU computed more than 10 %/,
  },
  {
    what: "its GPU computes, and a person forces it",
    order: { ...stop, force: true },
    given: snapshot({ instances: [running({ comparedAt: NOW, gpuBusyAt: NOW })] }),
    told: "do",
  },
  {
    what: "a job waits",
    order: stop,
    given: snapshot({ ...confirmed, demand: job }),
    told: "refuse",
    words: /A job waits/,
  },
  {
    what: "a client waits",
    order: stop,
    given: snapshot({ ...confirmed, demand: { bootRequested: true } }),
    told: "refuse",
    words: /client/,
  },
  {
    what: "a need lives",
    order: stop,
    given: snapshot({ ...confirmed, demand: { neededUntil: NOW + MINUTE } }),
    told: "refuse",
    words: /needed for 1 m more/,
  },
  {
    what: "a task was active 20 s ago",
    order: stop,
    given: snapshot({ ...confirmed, demand: { lastActivityAt: NOW - 20_000 } }),
    told: "refuse",
    words: /active 20\.0 s ago/,
  },
  {
    what: "nobody hears notices",
    order: stop,
    given: snapshot({ ...confirmed, listeningSince: null }),
    told: "refuse",
    words: /unknown/,
  },
  {
    what: "the gateway was not asked since the order",
    order: stop,
    given: snapshot({ ...confirmed, askedWorkersAt: NOW - 2_000 }),
    told: "ask",
  },
  {
    what: "the gateway has not answered yet",
    order: stop,
    given: snapshot({ ...confirmed, demand: {} }),
    told: "wait",
  },
  {
    what: "an older gateway does not answer, and a job was served five minutes ago",
    order: { ...stop, at: NOW - 7_000 },
    given: snapshot({
      ...confirmed,
      askedWorkersAt: NOW - 6_000,
      demand: { lastServedAt: NOW - 5 * MINUTE },
    }),
    told: "refuse",
    words: /unknown until it is 10 m old/,
  },
  {
    what: "an older gateway does not answer, and there was no work for an hour",
    order: { ...stop, at: NOW - 7_000 },
    given: snapshot({
      ...confirmed,
      askedWorkersAt: NOW - 6_000,
      demand: { lastServedAt: NOW - 60 * MINUTE },
    }),
    told: "do",
  },
  {
    what: "the path is not proven yet",
    order: stop,
    given: snapshot({ ...confirmed, pathProvenAt: NOW - 5_000 }),
    told: "wait",
  },
  {
    what: "the path is not proven in time",
    order: { ...stop, at: NOW - 12_000 },
    given: snapshot({ ...confirmed, askedWorkersAt: NOW - 11_000, pathProvenAt: NOW - 20_000 }),
    told: "refuse",
    words: /not proven/,
  },
  {
    what: "page and API were not compared",
    order: stop,
    given: snapshot({ ...confirmed, instances: [running()] }),
    told: "compare",
  },
  { what: "nothing works, and all is confirmed", order: stop, given: snapshot(confirmed), told: "do" },
  { what: "force, while a job waits", order: forced, given: snapshot({ ...on, demand: job }), told: "do" },
  {
    what: "force, where only the API says that it runs",
    order: forced,
    given: snapshot({ instances: [instance({ state: "unknown", apiState: "running" })] }),
    told: "do",
  },
  {
    what: "force, where nobody says that it runs",
    order: forced,
    given: snapshot({ instances: [instance({ state: "unknown" })] }),
    told: "refuse",
    words: /unknown/,
  },
];

for (const { what, order, given, told, words } of CASES) {
  test(`${order.force ? "a forced " : "a "}${order.action} by hand: ${what}`, () => {
    const verdict = judgeOrder(order, given, NOW);
    assert.equal(verdict.kind, told, JSON.stringify(verdict));
    if (words !== undefined) assert.match(verdict.kind === "refuse" ? verdict.words : "", words);
    if (told === "do")
      assert.equal("reason" in verdict && verdict.reason, order.force ? "ordered_by_force" : "ordered");
  });
}

const time = fc.integer({ min: NOW - 90 * MINUTE, max: NOW });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });

test("property: a stop that nobody forced is never done while work is pending, active or unknown", () => {
  fc.assert(
    fc.property(
      fc.record({
        jobsWaiting: fc.boolean(),
        bootRequested: fc.boolean(),
        lastJobAt: maybe(time),
        lastServedAt: maybe(time),
        lastActivityAt: maybe(time),
        lastInactiveAt: maybe(time),
        neededUntil: maybe(fc.constant(NOW + MINUTE)),
      }),
      fc.record({ listeningSince: maybe(time), pathProvenAt: maybe(time), askedWorkersAt: maybe(time) }),
      maybe(time),
      (demand, path, comparedAt) => {
        const given = snapshot({ instances: [running({ comparedAt })], ...path, demand });
        if (judgeOrder(stop, given, NOW).kind !== "do") return;
        assert.ok(!demand.jobsWaiting && !demand.bootRequested && demand.neededUntil === null);
        const asked = path.askedWorkersAt ?? 0;
        assert.ok(asked >= stop.at && path.listeningSince !== null && (path.pathProvenAt ?? 0) >= asked);
        const answered = (demand.lastInactiveAt ?? 0) >= asked;
        const sign = Math.max(demand.lastJobAt ?? 0, demand.lastServedAt ?? 0, demand.lastActivityAt ?? 0);
        assert.ok(answered || sign <= NOW - 10 * MINUTE);
        assert.ok((demand.lastActivityAt ?? 0) <= (answered ? (demand.lastInactiveAt ?? 0) : NOW - MINUTE));
        assert.ok((comparedAt ?? 0) > NOW - 30_000);
      },
    ),
    { numRuns: 20_000 },
  );
});
