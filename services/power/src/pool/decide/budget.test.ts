/** Spent budgets: what they forbid, and that no working machine is stopped for one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BudgetSpent } from "../../policy/budget.ts";
import { NOTHING_SCHEDULED } from "../../policy/schedule.ts";
import { bootRefusal } from "../answers.ts";
import { decide } from "./decide.ts";
import { judgeOrder } from "./order.ts";
import { type Case, inShort, job, MINUTE, NOW, running, snapshot, stoppable } from "./snapshot-for-tests.ts";
import { explain } from "./why.ts";

const until = NOW + 600 * MINUTE;
const noStarts: BudgetSpent = { action: "no_new_starts", period: "month", until };
const stops: BudgetSpent = { action: "stop_when_idle_at_once", period: "day", until };
const office = { ...NOTHING_SCHEDULED, keepOn: { rule: "office", warming: false, until: NOW + 60 * MINUTE } };

const CASES: readonly Case[] = [
  {
    what: "a job waits",
    given: snapshot({ demand: job, budget: noStarts }),
    told: [`wait budget_spent ${until}`],
  },
  {
    what: "a boot request is not met",
    given: snapshot({ demand: { bootRequested: true }, budget: noStarts }),
    told: [`wait budget_spent ${until}`],
  },
  {
    what: "a need waits",
    given: snapshot({ demand: { neededUntil: until }, budget: stops }),
    told: [`wait budget_spent ${until}`],
  },
  {
    what: "a schedule starts nothing",
    given: snapshot({ schedule: office, budget: noStarts }),
    told: [`wait budget_spent ${until}`],
  },
  {
    what: "an operator who holds it on goes before it",
    given: snapshot({ demand: job, hold: { mode: "on", until: null }, budget: stops }),
    told: ["start gpu-1 held_on"],
  },
  {
    what: "a running machine serves the job",
    given: snapshot({ ...stoppable, demand: job, budget: stops }),
    told: ["look confirm_running", "keep gpu-1 jobs_pending"],
  },
  {
    what: "no_new_starts leaves a machine on that a schedule keeps",
    given: snapshot({ ...stoppable, schedule: office, budget: noStarts }),
    told: [`keep gpu-1 scheduled ${NOW + 60 * MINUTE}`],
  },
  {
    what: "no_new_starts leaves the idle time as it is",
    given: snapshot({ ...stoppable, demand: { lastJobAt: NOW - 11 * MINUTE }, budget: noStarts }),
    told: [`keep gpu-1 idle_not_reached ${NOW + 19 * MINUTE}`],
  },
  {
    what: "stop_when_idle_at_once stops once its last job cannot be work any more",
    given: snapshot({ ...stoppable, demand: { lastJobAt: NOW - 11 * MINUTE }, budget: stops }),
    told: ["stop gpu-1 budget_spent"],
  },
  {
    what: "and not before",
    given: snapshot({ ...stoppable, demand: { lastJobAt: NOW - 9 * MINUTE }, budget: stops }),
    told: [`keep gpu-1 idle_not_reached ${NOW + MINUTE}`],
  },
  {
    what: "and goes before a schedule",
    given: snapshot({ ...stoppable, schedule: office, budget: stops }),
    told: ["stop gpu-1 budget_spent"],
  },
  {
    what: "a machine that computes stays",
    given: snapshot({
      ...stoppable,
      instances: [running({ comparedAt: NOW - 1_000, gpuBusyAt: NOW })],
      budget: stops,
    }),
    told: [`keep gpu-1 gpu_busy ${NOW + 5 * MINUTE}`],
  },
  {
    what: "a machine that is needed stays",
    given: snapshot({ ...stoppable, demand: { neededUntil: until }, budget: stops }),
    told: [`keep gpu-1 needed ${until}`],
  },
];

for (const { what, given, told } of CASES) {
  test(`decide with a spent budget: ${what}`, () => assert.deepEqual(inShort(decide(given, NOW)), told));
}

test("a client whose boot request cannot be met hears of the budget, and an operator may start it", () => {
  const given = snapshot({ demand: { bootRequested: true }, budget: noStarts });
  assert.match(bootRefusal(decide(given, NOW)) ?? "", /budget is spent/);
  assert.equal(
    judgeOrder({ action: "start", instance: "gpu-1", at: NOW, force: false }, given, NOW).kind,
    "do",
  );
});

test("why names the budget, and when it begins anew", () => {
  const { start, stops: shown } = explain(snapshot({ ...stoppable, budget: stops }), NOW);
  const left = start.find(({ name }) => name === "budget_left");
  assert.deepEqual(left, {
    name: "budget_left",
    holds: false,
    value: "the day's budget is spent",
    from: until,
  });
  const idle = shown[0]?.conditions.find(({ name }) => name === "idle_long_enough");
  assert.match(idle?.value ?? "", /idle time 10 m, the day's budget is spent$/);
});
