import assert from "node:assert/strict";
import { test } from "node:test";
import { BudgetNow } from "@gpu-power-manager/shared/policy-views";
import { localTime } from "../times.ts";
import { describeBudgets } from "./budget.ts";

const english = (en: string) => en;
const until = "2026-11-30T16:00:00.000Z";
const goneAt = "2026-11-28T00:00:00.000Z";
const month = BudgetNow.parse({
  period: "month",
  amount: 800,
  spent: 600.5,
  left: 199.5,
  currency: "CNY",
  warnAt: 0.8,
  whenSpent: "no_new_starts",
  from: "2026-10-31T16:00:00.000Z",
  until,
  countedSince: "2026-10-31T16:00:00.000Z",
  unpricedSeconds: 0,
  goneAt,
});

test("spent, left, and the day it will be gone at this pace", () => {
  assert.deepEqual(describeBudgets([month], english), [
    `this month: 600.50 CNY of 800.00 CNY spent (75 %), 199.50 CNY left; at this pace it is gone at ${localTime(goneAt)}`,
    "  when it is spent: nothing is started but by operators",
  ]);
  assert.match(describeBudgets([{ ...month, goneAt: null }], english).join(), /it lasts until/);
  assert.match(describeBudgets([{ ...month, spent: 800 }], english).join(), /spent; it begins anew/);
  assert.match(describeBudgets([], english).join(), /No budget is set/);
});

test("what is not known is said", () => {
  const countedSince = "2026-11-20T00:00:00.000Z";
  const lines = describeBudgets([{ ...month, countedSince, unpricedSeconds: 7_200 }], english).slice(2);
  assert.deepEqual(lines, [
    `  counted since ${localTime(countedSince)}; what was spent before is unknown`,
    "  without 2 h 0 m whose price is unknown",
  ]);
});
