/** Each level of a budget is told once a period. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { BudgetState } from "./budget.ts";
import { type BudgetsTold, budgetNews } from "./budget-news.ts";

const state = (spent: number, from = 0, amount = 100): BudgetState => ({
  period: "day",
  amount,
  warnAt: 0.8,
  whenSpent: "alert",
  spent,
  unpricedMs: 0,
  from,
  until: from + 1,
  countedSince: from,
  goneAt: null,
});

for (const [what, states, levels] of [
  ["nothing while there is enough", [state(0), state(79)], []],
  ["each level once", [state(80), state(90), state(100), state(120)], ["nearly_spent", "spent"]],
  ["only the last where both come at once", [state(130)], ["spent"]],
  ["again in the next period", [state(80), state(0, 1), state(85, 1)], ["nearly_spent", "nearly_spent"]],
  [
    "not again when the budget is raised, but when that is spent",
    [state(100), state(100, 0, 120), state(120, 0, 120)],
    ["spent", "spent"],
  ],
] as const)
  test(what, () => {
    let told: BudgetsTold = {};
    const heard: string[] = [];
    for (const each of states) {
      const { told: next, news } = budgetNews(told, [each]);
      told = next;
      heard.push(...news.map(({ level }) => level));
    }
    assert.deepEqual(heard, levels);
  });

test("property: while more and more is spent of one period, each level is told at most once, and nothing twice", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 20 }), (steps) => {
      let told: BudgetsTold = {};
      let spent = 0;
      const heard: string[] = [];
      for (const step of steps) {
        spent += step;
        const { told: next, news } = budgetNews(told, [state(spent)]);
        assert.equal(budgetNews(next, [state(spent)]).news.length, 0);
        told = next;
        heard.push(...news.map(({ level }) => level));
      }
      assert.equal(new Set(heard).size, heard.length);
      assert.equal(heard.includes("spent"), spent >= 100);
    }),
  );
});
