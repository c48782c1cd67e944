import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { PlanResult } from "../../console/driver.ts";
import { afterAsking, asking } from "../instance/own-plan.ts";
import { decidePlans, isOurs, type OwnPlan, type PlanStep } from "./planned-stop.ts";
import type { InstanceView } from "./snapshot.ts";
import {
  instance,
  MINUTE,
  NOW,
  policy as ordinary,
  running,
  second,
  snapshot,
} from "./snapshot-for-tests.ts";

const HOUR = 60 * MINUTE;
const MS = 6 * HOUR;
const policy = { ...ordinary, deadMansSwitch: MS };
const told = (at: number | null) => ({ plannedStop: { at, askedAt: NOW - 1_000 } });
const plan = (changes: Partial<OwnPlan> = {}): OwnPlan => ({
  at: NOW + MS - MINUTE,
  asked: [],
  renewedAt: NOW - MINUTE,
  failedSince: null,
  words: null,
  againAt: 0,
  ...changes,
});
const SET: PlanStep = { kind: "set", instance: "gpu-1", at: NOW + MS };
const WITHDRAW: PlanStep = { kind: "withdraw", instance: "gpu-1" };
const FORGET: PlanStep = { kind: "forget", instance: "gpu-1" };
const ours = plan();

const CASES: ReadonlyArray<{
  readonly what: string;
  readonly of: InstanceView;
  readonly off?: boolean;
  readonly told: readonly PlanStep[];
}> = [
  { what: "it runs, and nothing is planned", of: running(told(null)), told: [SET] },
  { what: "not by default", of: running(told(null)), off: true, told: [] },
  {
    what: "it runs, and ours was renewed a minute ago",
    of: running({ ...told(ours.at), plan: ours }),
    told: [],
  },
  {
    what: "a tenth of its time has passed",
    of: running({ ...told(ours.at), plan: plan({ renewedAt: NOW - MS / 10 }) }),
    told: [SET],
  },
  {
    what: "policy asks for less now",
    of: running({ ...told(NOW + 2 * MS), plan: plan({ at: NOW + 2 * MS }) }),
    told: [SET],
  },
  { what: "somebody else has planned its stop: left alone", of: running(told(NOW + HOUR)), told: [] },
  {
    what: "somebody else has moved ours: it is theirs",
    of: running({ ...told(NOW + HOUR), plan: plan({ renewedAt: NOW - HOUR }) }),
    told: [FORGET],
  },
  {
    what: "the look is older than our renewal: it tells nothing of it",
    of: running({ ...told(NOW + HOUR), plan: plan({ renewedAt: NOW - 500 }) }),
    told: [],
  },
  {
    what: "what may have been taken before a crash is ours",
    of: running({
      ...told(NOW + 5 * HOUR),
      plan: plan({ at: null, asked: [NOW + 5 * HOUR], renewedAt: null }),
    }),
    told: [SET],
  },
  { what: "nobody told what is planned: nothing is done", of: running(), told: [] },
  {
    what: "it failed a moment ago",
    of: running({ ...told(null), plan: plan({ renewedAt: null, againAt: NOW + 1 }) }),
    told: [],
  },
  {
    what: "the last look is old: somebody may have planned a stop since",
    of: running({ plannedStop: { at: null, askedAt: NOW - 30_000 } }),
    told: [],
  },
  {
    what: "power is stopping it",
    of: running({ ...told(null), attempt: { action: "stop", at: NOW } }),
    told: [],
  },
  {
    what: "it is off, and ours is there still",
    of: instance({ ...told(ours.at), plan: ours }),
    told: [WITHDRAW],
  },
  {
    what: "it is off, and the provider has it no more",
    of: instance({ ...told(null), plan: ours }),
    told: [FORGET],
  },
  {
    what: "it is off, and it is somebody else's now",
    of: instance({ ...told(NOW + HOUR), plan: ours }),
    told: [FORGET],
  },
  {
    what: "the switch was turned off while it runs",
    of: running({ ...told(ours.at), plan: ours }),
    off: true,
    told: [WITHDRAW],
  },
  { what: "it is on its way", of: instance({ state: "starting", ...told(ours.at), plan: ours }), told: [] },
  { what: "off, and nothing was ever planned", of: instance(told(NOW + HOUR)), told: [] },
];
for (const { what, of, off, told: steps } of CASES) {
  test(`dead man's switch: ${what}`, () => {
    const given = snapshot({ instances: [of], policy: off === true ? ordinary : policy });
    assert.deepEqual(decidePlans(given, NOW), steps);
  });
}

test("a machine that computes goes first, then the one that would be stopped first", () => {
  const due = (at: number) => ({ ...told(at), plan: plan({ at, renewedAt: NOW - HOUR }) });
  const given = snapshot({
    policy,
    instances: [
      running(due(NOW + 2 * HOUR)),
      second({ state: "running", runningSince: NOW, ...due(NOW + HOUR) }),
      running({ id: "gpu-3", gpuBusyAt: NOW - MINUTE, ...due(NOW + 5 * HOUR) }),
    ],
  });
  assert.deepEqual(
    decidePlans(given, NOW).map((step) => step.instance),
    ["gpu-3", "gpu-2", "gpu-1"],
  );
});

test("property: whatever fails, is lost or dies with power, another's plan is never moved, and ours stays ahead or is told of", () => {
  const step = fc.record({
    minutes: fc.integer({ min: 1, max: 40 }),
    outcome: fc.constantFrom("accepted", "accepted", "refused", "not_tried", "lost", "taken_and_lost"),
    event: fc.constantFrom("none", "none", "none", "stops", "starts", "other_plans", "power_dies", "switch"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let now = NOW;
      let on = true;
      let isRunning = true;
      let record: OwnPlan | null = null;
      // As the provider has it, and whose it is.
      let real: { readonly at: number; readonly other: boolean } | null = null;
      for (const { minutes, outcome, event } of steps) {
        now += minutes * MINUTE;
        if (event === "stops") isRunning = false;
        if (event === "starts") isRunning = true;
        if (event === "other_plans") real = { at: now + 17 * MINUTE + 3_000, other: true };
        if (event === "switch") on = !on;
        if (real !== null && real.at <= now) real = null;
        const plannedStop = { at: real?.at ?? null, askedAt: now };
        const view = (isRunning ? running : instance)({ plannedStop, plan: record });
        now += 1_000;
        const [wanted] = decidePlans(snapshot({ instances: [view], policy: on ? policy : ordinary }), now);
        if (wanted === undefined) {
          if (on && isRunning && real === null)
            assert.ok(record !== null, "it is protected, or tried again soon");
          continue;
        }
        assert.ok(wanted.kind === "forget" || real?.other !== true, "another's is never moved nor withdrawn");
        if (wanted.kind === "forget") {
          record = null;
          continue;
        }
        const at = wanted.kind === "set" ? wanted.at : null;
        record = asking(record, at, now);
        if (outcome === "accepted" || outcome === "taken_and_lost")
          real = at === null ? null : { at, other: false };
        // The next power takes over what was written down.
        if (event === "power_dies") continue;
        const results: Record<typeof outcome, PlanResult> = {
          accepted: { outcome: "accepted" },
          refused: { outcome: "refused", message: "No." },
          not_tried: { outcome: "not_tried", message: "Nobody was there." },
          lost: { outcome: "uncertain", message: "Lost." },
          taken_and_lost: { outcome: "uncertain", message: "Lost." },
        };
        record = afterAsking(record, at, results[outcome], now);
        if (outcome !== "accepted") assert.ok(record?.failedSince != null, "people are told");
        if (real !== null && !real.other) assert.ok(isOurs(record, real.at), "what we set is known for ours");
      }
    }),
    { numRuns: 2_000 },
  );
});
