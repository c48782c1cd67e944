import assert from "node:assert/strict";
import { test } from "node:test";
import { WhatIf } from "@gpu-power-manager/shared/policy-views";
import { describeWhatIf } from "./what-if.ts";

const english = (en: string) => en;
const run = { hours: 10, cost: 18.8, starts: 4, waitingSeconds: 480, worstWaitSeconds: 120 };
const told = WhatIf.parse({
  from: "2026-11-11T00:00:00.000Z",
  until: "2026-11-25T00:00:00.000Z",
  spells: 12,
  bootSeconds: 120,
  currency: "CNY",
  runs: [
    { idle: "1800s", ...run },
    { idle: "900s", ...run, hours: 7.25, cost: null, starts: 6, waitingSeconds: 720 },
    { idle: "hindsight", ...run, hours: 5, cost: 9.4 },
  ],
});

test("the policy in force, the other, and hindsight's best, side by side", () => {
  assert.deepEqual(describeWhatIf(told, english).slice(1), [
    "                   idle time  hours  cost       starts  waiting",
    "in force           30 m       10.0   18.80 CNY  4       8 m",
    "what if            15 m       7.3    unknown    6       12 m",
    "best in hindsight  –          5.0    9.40 CNY   4       8 m",
    "A start takes 2 m. Holds, schedules and budgets are not replayed; all three are reckoned alike.",
  ]);
});

test("without a start that was seen nothing is guessed", () => {
  const lines = describeWhatIf({ ...told, bootSeconds: null, runs: [] }, english);
  assert.match(lines.join(), /12 spells.*No start for a job was seen/);
});
