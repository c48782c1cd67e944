import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstanceState } from "@gpu-power-manager/shared/events";
import { Policy } from "../pool.ts";
import { afterLook } from "./after-look.ts";
import { afterAction, beginAttempt, restAfter } from "./attempt.ts";
import { type Look, NO_LOOKS } from "./looks.ts";
import { type InstanceRecord, newRecord } from "./record.ts";
import { uptimeMs, workerOnline } from "./running-time.ts";
import { cost } from "./spending.ts";

const NOW = 1_800_000_000_000;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const policy = Policy.parse({});
const PRICED = { pricePerHour: 3.6, currency: "CNY" };

function look(state: InstanceState, at: number, compared = false, gpuUsage?: number): Look {
  const sighting =
    state === "unknown"
      ? ({ state, reason: "console_error", words: "The console answered with an error." } as const)
      : { state };
  const facts = gpuUsage === undefined ? null : { askedAt: at, gpuUsage };
  return { sighting, askedAt: at, answeredAt: at + 5, compared, facts };
}

/** Walks a record through looks, keeping the last. */
function walk(record: InstanceRecord, looks: Look[], machine: Parameters<typeof afterLook>[4] = PRICED) {
  let progress = {
    record,
    looks: NO_LOOKS,
    changed: null,
    unseen: null,
    ended: null,
  } as ReturnType<typeof afterLook>;
  for (const each of looks)
    progress = afterLook(progress.record, progress.looks, each, policy, machine, false);
  return progress;
}

function started(at = NOW): InstanceRecord {
  const off = walk(newRecord({ providerId: "u1" }), [look("stopped", at - MINUTE)]).record;
  const intent = beginAttempt(off, {
    attemptId: "a1",
    action: "start",
    reason: "job_waiting",
    at,
    demandSince: at,
  });
  return afterAction(intent, "a1", { outcome: "accepted", lane: "api" }, at + 5, policy).record;
}

const ENDS: Array<{ what: string; looks: Look[]; outcome: string | undefined }> = [
  { what: "seen starting", looks: [look("starting", NOW + SECOND)], outcome: undefined },
  {
    what: "seen running",
    looks: [look("starting", NOW + SECOND), look("running", NOW + MINUTE)],
    outcome: "succeeded",
  },
  { what: "still stopped a moment later", looks: [look("stopped", NOW + 10 * SECOND)], outcome: undefined },
  { what: "still stopped long after", looks: [look("stopped", NOW + 31 * SECOND)], outcome: "no_effect" },
  {
    what: "starting, then stopped",
    looks: [look("starting", NOW + SECOND), look("stopped", NOW + 3 * SECOND)],
    outcome: "fell_back",
  },
  { what: "starting for ever", looks: [look("starting", NOW + 5 * MINUTE)], outcome: "timeout" },
  { what: "unknown for ever", looks: [look("unknown", NOW + 5 * MINUTE)], outcome: "timeout" },
  { what: "a look that began before the start", looks: [look("running", NOW - SECOND)], outcome: undefined },
];

for (const { what, looks, outcome } of ENDS) {
  test(`a start's outcome is what is observed: ${what}`, () => {
    const { record, ended } = walk(started(), looks);
    assert.equal(ended?.outcome, outcome);
    assert.equal(record.attempt === null, outcome !== undefined);
    if (outcome === "succeeded") assert.deepEqual([record.failures, record.restUntil], [0, 0]);
    else if (outcome !== undefined) {
      assert.equal(record.failures, 1);
      assert.ok(record.restUntil > NOW + policy.startBackoff);
    }
  });
}

test("a stop is done only when the machine is seen stopped", () => {
  const on = walk(newRecord({ providerId: "u1" }), [look("running", NOW - MINUTE)]).record;
  const stop = beginAttempt(on, {
    attemptId: "s1",
    action: "stop",
    reason: "idle",
    at: NOW,
    demandSince: null,
  });
  const sent = afterAction(stop, "s1", { outcome: "accepted", lane: "page" }, NOW + 5, policy).record;
  assert.equal(walk(sent, [look("stopping", NOW + SECOND)]).ended, null);
  assert.equal(
    walk(sent, [look("stopping", NOW + SECOND), look("stopped", NOW + MINUTE)]).ended?.outcome,
    "succeeded",
  );
  assert.equal(walk(sent, [look("running", NOW + MINUTE)]).ended?.outcome, "no_effect");
});

test("a refusal ends the attempt, rests the machine and does not count as a start", () => {
  const off = newRecord({ providerId: "u1" });
  const intent = beginAttempt(off, {
    attemptId: "a1",
    action: "start",
    reason: "job_waiting",
    at: NOW,
    demandSince: null,
  });
  assert.deepEqual(intent.starts, [NOW]);
  const { record, ended } = afterAction(
    intent,
    "a1",
    { outcome: "refused", lane: "api", soldOut: true, message: "sold out" },
    NOW + 5,
    policy,
  );
  assert.equal(ended?.outcome, "sold_out");
  assert.equal(record.attempt, null);
  assert.deepEqual(record.starts, []);
  assert.equal(record.restUntil, NOW + 5 + policy.startBackoff);
});

test("an uncertain answer keeps the attempt: it is looked at, never repeated blindly", () => {
  const intent = beginAttempt(newRecord({ providerId: "u1" }), {
    attemptId: "a1",
    action: "start",
    reason: "job_waiting",
    at: NOW,
    demandSince: null,
  });
  const { record, ended } = afterAction(
    intent,
    "a1",
    { outcome: "uncertain", lane: "api", message: "timeout" },
    NOW,
    policy,
  );
  assert.equal(ended, null);
  assert.equal(record.attempt?.phase, "sent");
  assert.equal(
    beginAttempt(record, { attemptId: "a2", action: "start", reason: "x", at: NOW, demandSince: null }),
    record,
  );
});

test("rests double up to the quarantine", () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 7, 8, 60].map((failures) => restAfter(failures, policy) / SECOND),
    [30, 60, 120, 240, 480, 960, 1_800, 1_800, 1_800],
  );
});

test("uptime and cost grow while it is seen running, survive doubt, and end with the run", () => {
  const at = (minutes: number) => NOW + minutes * MINUTE;
  const { record } = walk(newRecord({ providerId: "u1" }), [
    look("stopped", at(0)),
    look("running", at(1)),
    look("running", at(5)),
    look("unknown", at(6)),
    look("running", at(7)),
  ]);
  assert.equal(uptimeMs(record), 6 * MINUTE);
  const off = walk(record, [look("stopping", at(8)), look("stopped", at(9))]).record;
  assert.equal(uptimeMs(off), 7 * MINUTE);
  assert.ok(Math.abs((cost(off) ?? 0) - (3.6 * 7) / 60) < 1e-9, "a run costs the price of its own time");
});

test("after a long blindness only what was seen running is counted", () => {
  const { record } = walk(newRecord({ providerId: "u1" }), [
    look("running", NOW),
    look("running", NOW + 2 * MINUTE),
    look("stopped", NOW + 600 * MINUTE),
  ]);
  assert.equal(uptimeMs(record), 2 * MINUTE);
});

test("an agreement of the witnesses holds until the state changes or is doubted", () => {
  const agreed = walk(newRecord({ providerId: "u1" }), [look("running", NOW, true)]);
  assert.equal(agreed.looks.comparedAt, NOW + 5);
  assert.equal(
    walk(agreed.record, [look("running", NOW, true), look("running", NOW + SECOND)]).looks.comparedAt,
    NOW + 5,
  );
  assert.equal(
    walk(agreed.record, [look("running", NOW, true), look("stopped", NOW + SECOND)]).looks.comparedAt,
    null,
  );
  assert.equal(
    walk(agreed.record, [look("running", NOW, true), look("unknown", NOW + SECOND)]).looks.comparedAt,
    null,
  );
});

test("a worker counts for the run that it came up in, even before the machine was seen running", () => {
  const online = (record: InstanceRecord, at: number | null, busyAt: number | null = null) =>
    workerOnline(record, { lastWorkerOnlineAt: at, lastWorkerBusyAt: busyAt });
  const off = started();
  assert.equal(online(off, NOW), undefined, "nothing runs yet");
  const running = walk(off, [look("starting", NOW + SECOND), look("running", NOW + MINUTE)]).record;
  assert.equal(online(running, null), false);
  assert.equal(online(running, NOW - SECOND), false, "that of the run before");
  assert.equal(online(running, NOW + 59 * SECOND), true, "a second before the look");
  assert.equal(online(running, null, NOW + 2 * MINUTE), true, "one that is busy is there");
  const byHand = walk(newRecord({ providerId: "u1" }), [look("running", NOW)]).record;
  assert.equal(online(byHand, NOW - SECOND), false, "when it was started by hand is not known");
  const stopped = walk(running, [look("stopped", NOW + 10 * MINUTE)]).record;
  assert.equal(online(stopped, NOW + MINUTE), undefined);
});

const GIVEN_UP = [look("starting", NOW + SECOND), look("starting", NOW + 6 * MINUTE)];

test("a start that was given up and comes up after all is still ours, rests no more, and its worker is its own", () => {
  const givenUp = walk(started(), GIVEN_UP);
  assert.equal(givenUp.ended?.outcome, "timeout");
  assert.deepEqual(givenUp.record.ownStart, { at: NOW, ordered: false, givenUp: true, forRelease: false });
  assert.ok(givenUp.record.restUntil > 0);
  const up = walk(started(), [...GIVEN_UP, look("running", NOW + 7 * MINUTE)]).record;
  assert.deepEqual(up.ownStart, { at: NOW, ordered: false, givenUp: true, forRelease: false });
  assert.deepEqual([up.failures, up.restUntil, up.restReason], [0, 0, null]);
  assert.equal(up.upFrom, NOW + 6 * MINUTE, "it was not up yet when this was asked");
  assert.equal(up.workerFrom, NOW + 6 * MINUTE, "a worker before that was another machine's");
});

const ORIGINS: Array<{ what: string; record: InstanceRecord; looks: Look[]; ours: boolean }> = [
  { what: "in time", record: started(), looks: [look("running", NOW + MINUTE)], ours: true },
  {
    what: "turned on by somebody else",
    record: newRecord({ providerId: "u1" }),
    looks: [look("stopped", NOW), look("running", NOW + MINUTE)],
    ours: false,
  },
  {
    what: "seen off after our start had no effect",
    record: started(),
    looks: [look("stopped", NOW + MINUTE), look("running", NOW + 2 * MINUTE)],
    ours: false,
  },
  {
    what: "off and on again after a run of ours",
    record: started(),
    looks: [
      look("running", NOW + MINUTE),
      look("stopped", NOW + 2 * MINUTE),
      look("running", NOW + 3 * MINUTE),
    ],
    ours: false,
  },
];
for (const { what, record, looks, ours } of ORIGINS) {
  test(`whose start a machine runs by: ${what}`, () => {
    const run = walk(record, looks).record;
    assert.equal(run.state, "running");
    assert.equal(run.ownStart !== null, ours);
  });
}

test("since when it is sold out, look by look; no answer leaves it, one that does not tell of it does not", () => {
  const told = (...answers: Array<boolean | undefined | null>) => {
    const looks = answers.map((available, index): Look => {
      const at = NOW + index * MINUTE;
      const facts =
        available === null ? null : { askedAt: at, ...(available === undefined ? {} : { available }) };
      return { sighting: { state: "stopped" }, askedAt: at, answeredAt: at, compared: false, facts };
    });
    return walk(newRecord({ providerId: "u1" }), looks).looks.soldOutSince;
  };
  assert.equal(told(false), NOW);
  assert.equal(told(true, false, false, null), NOW + MINUTE);
  assert.equal(told(false, true), null);
  assert.equal(told(false, undefined), null);
});

test("what was refused for want of stock rests for a minute at most, however often", () => {
  let record = newRecord({ providerId: "u1" });
  const refusal = { outcome: "refused", lane: "api", soldOut: true, message: "Sold out." } as const;
  for (let tries = 1; tries <= 6; tries += 1) {
    const intent = {
      attemptId: "a",
      action: "start",
      reason: "job_waiting",
      at: NOW,
      demandSince: null,
    } as const;
    record = afterAction(beginAttempt(record, intent), "a", refusal, NOW, policy).record;
    assert.equal(record.restUntil, NOW + Math.min(30 * SECOND * 2 ** (tries - 1), MINUTE));
    assert.equal(record.restsSoldOut, true);
  }
});

test("a refused start is nobody's, one that a person ordered is known for it", () => {
  const intent = { attemptId: "a1", action: "start" as const, at: NOW, demandSince: null };
  const intended = beginAttempt(newRecord({ providerId: "u1" }), { ...intent, reason: "ordered" });
  assert.deepEqual(intended.ownStart, { at: NOW, ordered: true, givenUp: false, forRelease: false });
  const refusal = { outcome: "refused", lane: "api", soldOut: false, message: "It runs." } as const;
  assert.equal(afterAction(intended, "a1", refusal, NOW + 5, policy).record.ownStart, null);
});

test("after a restart it is not known since when a machine is up that runs already", () => {
  assert.equal(walk(newRecord({ providerId: "u1" }), [look("running", NOW)]).record.upFrom, null);
  const seen = walk(newRecord({ providerId: "u1" }), [look("stopped", NOW), look("unknown", NOW + SECOND)]);
  const up = afterLook(seen.record, seen.looks, look("running", NOW + MINUTE), policy, PRICED, false).record;
  assert.equal(up.upFrom, NOW, "a look that saw nothing does not count");
});

test("a GPU that computes is remembered until the machine is off, in doubt and through looks that tell nothing, too", () => {
  const busyAt = (...looks: Look[]) => walk(newRecord({ providerId: "u1" }), looks).record.gpuBusyAt;
  const busy = look("running", NOW, false, 80);
  assert.equal(busyAt(busy), NOW + 5);
  assert.equal(busyAt(busy, look("running", NOW + MINUTE, false, 10)), NOW + 5, "10 % is idle by default");
  assert.equal(busyAt(busy, look("running", NOW + MINUTE)), NOW + 5);
  assert.equal(busyAt(busy, look("unknown", NOW + MINUTE, false, 90)), NOW + MINUTE + 5);
  assert.equal(busyAt(busy, look("stopped", NOW + MINUTE, false, 90)), null);
  assert.equal(busyAt(look("running", NOW)), null);
});

test("what nobody saw is told: after a power that was away, and after a console that could not be asked", () => {
  const on = walk(newRecord({ providerId: "u1" }), [look("running", NOW)]).record;
  const off = walk(newRecord({ providerId: "u1" }), [look("stopped", NOW)]).record;
  const unseen = (record: InstanceRecord, ...looks: Look[]) => walk(record, looks).unseen;
  const stretch = (minutes: number) => ({ from: NOW + 5, to: NOW + minutes * MINUTE + 5 });
  assert.deepEqual(unseen(on, look("running", NOW + 60 * MINUTE)), stretch(60));
  assert.deepEqual(unseen(on, look("stopped", NOW + 60 * MINUTE)), stretch(60));
  assert.deepEqual(unseen(off, look("stopped", NOW + 60 * MINUTE)), stretch(60));
  const blind = look("unknown", NOW + 30 * MINUTE);
  assert.equal(unseen(on, blind), null, "it is unknown still");
  assert.deepEqual(unseen(on, blind, look("running", NOW + 60 * MINUTE)), stretch(60));
  assert.equal(unseen(on, look("running", NOW + 9 * MINUTE)), null, "a restart is no time to speak of");
  assert.equal(unseen(on, look("running", NOW + 60 * MINUTE), look("running", NOW + 61 * MINUTE)), null);
  assert.equal(unseen(newRecord({ providerId: "u1" }), look("running", NOW)), null, "there was none before");
});
