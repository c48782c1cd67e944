import assert from "node:assert/strict";
import { test } from "node:test";
import type { GatewayEvent } from "@gpu-power-manager/shared/events";
import fc from "fast-check";
import {
  Demand,
  dropBoots,
  emptyDemand,
  foldEvents,
  oldestPending,
  pendingJobs,
  serve,
  withoutFuture,
} from "./demand.ts";

const NOW = 1_800_000_000_000;

function job(at: number, count = 1): GatewayEvent {
  return { kind: "job", eventId: `e${at}`, pool: "default", at, type: "url", source: "notice", count };
}

function fold(
  demand: Demand,
  sequences: number[],
  now: number,
  event: (sequence: number) => GatewayEvent = () => job(now),
) {
  return foldEvents(
    demand,
    sequences.map((sequence) => ({ sequence, event: event(sequence) })),
    now,
  );
}

test("a job waits until a look that began after it was folded finds a machine running", () => {
  const demand = fold(emptyDemand("s"), [1], NOW);
  assert.equal(pendingJobs(demand.waiting), 1);
  assert.equal(serve(demand, NOW - 1).served, 0, "a look that began before says nothing");
  const { served, demand: after } = serve(demand, NOW);
  assert.equal(served, 1);
  assert.equal(oldestPending(after), null);
  assert.equal(after.served, 1);
  assert.equal(after.lastJobAt, NOW);
});

test("the oldest waiting job is told by the listener's clock", () => {
  let demand = fold(emptyDemand("s"), [1], NOW, () => job(NOW - 9_000));
  demand = fold(demand, [2], NOW + 5, () => job(NOW - 500));
  assert.equal(oldestPending(demand), NOW - 9_000);
  assert.equal(oldestPending(serve(demand, NOW + 1).demand), NOW - 500);
});

test("property: a redelivery in any order never counts twice, and nothing is lost", () => {
  const batches = fc.array(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 }), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(batches, (all) => {
      const demand = all.reduce((value, batch, index) => fold(value, batch, NOW + index), emptyDemand("s"));
      assert.equal(pendingJobs(demand.waiting), new Set(all.flat()).size);
      assert.equal(demand.counts.url, new Set(all.flat()).size);
      assert.ok(Demand.safeParse(JSON.parse(JSON.stringify(demand))).success);
    }),
  );
});

test("a flood of groups stays bounded and keeps every job and the oldest time", () => {
  let demand = emptyDemand("s");
  for (let index = 1; index <= 500; index += 1) demand = fold(demand, [index], NOW + index);
  assert.ok(demand.waiting.length <= 64);
  assert.equal(pendingJobs(demand.waiting), 500);
  assert.equal(oldestPending(demand), NOW + 1);
  assert.equal(
    pendingJobs(serve(demand, NOW + 499).demand.waiting) >= 1,
    true,
    "the youngest is not served too early",
  );
});

test("activity is remembered by what it says", () => {
  const activity = (active: boolean): GatewayEvent => ({
    kind: "activity",
    eventId: "a",
    pool: "default",
    at: NOW,
    source: "task_query",
    active,
  });
  const busy = fold(emptyDemand("s"), [1], NOW, () => activity(true));
  assert.equal(busy.lastActivityAt, NOW);
  assert.equal(busy.lastInactiveAt, null);
  const idle = fold(busy, [2], NOW + 7, () => activity(false));
  assert.equal(idle.lastActivityAt, NOW);
  assert.equal(idle.lastInactiveAt, NOW + 7);
});

test("boot requests are answered when served, dropped when refused, and bounded in a flood", () => {
  const boot = (sequence: number): GatewayEvent => ({
    kind: "boot",
    eventId: `b${sequence}`,
    pool: "default",
    at: NOW,
    requestId: `r${sequence}`,
  });
  const two = fold(emptyDemand("s"), [1, 2], NOW, boot);
  assert.deepEqual(
    serve(two, NOW).boots.map((each) => each.requestId),
    ["r1", "r2"],
  );
  assert.deepEqual(serve(two, NOW).demand.boots, []);
  assert.deepEqual(
    dropBoots(two, two.boots.slice(0, 1)).boots.map((each) => each.requestId),
    ["r2"],
  );
  const flood = fold(
    two,
    Array.from({ length: 500 }, (_, index) => index + 3),
    NOW,
    boot,
  );
  assert.equal(flood.boots.length, 50);
});

test("a backlog at the gateway counts nothing, wants a machine and keeps one on", () => {
  const backlog = { kind: "backlog" as const, eventId: "b", pool: "default", at: NOW - 5, pending: 7 };
  const told = foldEvents(emptyDemand("s"), [{ sequence: 1, event: backlog }], NOW);
  assert.equal(pendingJobs(told.waiting), 0);
  assert.equal(told.waiting.length, 1);
  assert.equal(oldestPending(told), NOW - 5);
  assert.equal(told.lastActivityAt, NOW);
  const again = foldEvents(told, [{ sequence: 2, event: backlog }], NOW + 15_000);
  assert.equal(again.waiting.length, 1, "one group is enough");
  const seen = serve(again, NOW + 20_000);
  assert.deepEqual([seen.demand.waiting, seen.served, seen.demand.served], [[], 0, 0]);
});

test("what a clock that has been set back since wrote counts as now, so that jobs are served and idleness is counted", () => {
  const written = fold(emptyDemand("s"), [1], NOW);
  assert.equal(withoutFuture(written, NOW), written);
  const earlier = NOW - 3_600_000;
  const read = withoutFuture(written, earlier);
  assert.deepEqual(
    [read.lastJobAt, read.waiting[0]?.foldedAt, read.waiting[0]?.count],
    [earlier, earlier, 1],
  );
  assert.equal(serve(read, earlier + 1_000).served, 1);
});
