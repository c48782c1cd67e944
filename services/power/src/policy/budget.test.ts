import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Budget, type BudgetState, budgetSpent, budgetsAt, countSpending, noSpending } from "./budget.ts";
import { dayOf } from "./periods.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ZONE = "Asia/Shanghai";
const at = (text: string) => Date.parse(text);
const NOON = at("2026-11-25T04:00:00Z");
const machine = (spent: number, unpricedMs = 0, providerId = "a") => ({ providerId, spent, unpricedMs });

test("what a machine has cost since it was last counted is today's", () => {
  const first = countSpending(noSpending(NOON), [machine(500)], ZONE, NOON);
  assert.deepEqual(
    first.days,
    { "2026-11-25": { spent: 0, unpricedMs: 0 } },
    "when 500 were spent nobody knows",
  );
  const next = countSpending(first, [machine(502, 1_000)], ZONE, NOON + HOUR);
  assert.deepEqual(next.days["2026-11-25"], { spent: 2, unpricedMs: 1_000 });
  assert.equal(countSpending(next, [machine(502, 1_000)], ZONE, NOON + 2 * HOUR), next, "nothing was added");
  const anew = countSpending(next, [machine(1)], ZONE, NOON + DAY);
  assert.deepEqual(
    anew.days["2026-11-26"],
    { spent: 0, unpricedMs: 0 },
    "a record that began anew takes nothing away",
  );
});

test("the day, the week and the month by the calendar, and what each forbids", () => {
  const spending = {
    ...noSpending(at("2026-11-01T00:00:00Z")),
    days: Object.fromEntries(
      [
        ["2026-10-31", 1_000],
        ["2026-11-01", 100],
        ["2026-11-22", 50],
        ["2026-11-23", 20],
        ["2026-11-25", 10],
      ].map(([day, spent]) => [day, { spent: Number(spent), unpricedMs: 0 }]),
    ),
  };
  const budget = Budget.parse({
    day: { amount: 10, whenSpent: "no_new_starts" },
    week: { amount: 31, whenSpent: "stop_when_idle_at_once" },
    month: { amount: 1_000 },
  });
  const states = budgetsAt(budget, spending, ZONE, NOON);
  assert.deepEqual(
    states.map(({ period, spent }) => [period, spent]),
    [
      ["day", 10],
      ["week", 30],
      ["month", 180],
    ],
  );
  assert.deepEqual(budgetSpent(states), {
    action: "no_new_starts",
    period: "day",
    until: at("2026-11-25T16:00:00Z"),
  });
  const stricter = budgetsAt(
    Budget.parse({ ...budget, week: { ...budget.week, amount: 30 } }),
    spending,
    ZONE,
    NOON,
  );
  assert.equal(budgetSpent(stricter)?.period, "week", "the strictest counts");
  const alerting = budgetsAt(Budget.parse({ day: { amount: 1 } }), spending, ZONE, NOON);
  assert.equal(budgetSpent(alerting), null, "by default a spent budget forbids nothing");
});

test("when it will be gone at this pace, counted from when counting began", () => {
  const budget = Budget.parse({ month: { amount: 100 } });
  const goneAt = (spent: number, since: number) =>
    budgetsAt(
      budget,
      { ...noSpending(since), days: { "2026-11-25": { spent, unpricedMs: 0 } } },
      ZONE,
      NOON,
    )[0]?.goneAt;
  assert.equal(goneAt(50, NOON - 2 * DAY), NOON + 2 * DAY);
  assert.equal(goneAt(50, NOON - 20 * DAY), null, "not within this month");
  assert.equal(goneAt(0, NOON - DAY), null);
  assert.equal(goneAt(120, NOON - DAY), NOON);
});

test("property: nothing that was counted is lost or counted twice, however often it is counted", () => {
  const step = fc.record({
    after: fc.integer({ min: 0, max: 2 * DAY }),
    cost: fc.integer({ min: 0, max: 50 }),
    who: fc.constantFrom("a", "b"),
    counts: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
      const costs = new Map([
        ["a", 7],
        ["b", 9],
      ]);
      const all = () => [...costs].map(([id, spent]) => machine(spent, 0, id));
      let now = NOON;
      let spending = countSpending(noSpending(now), all(), ZONE, now);
      let sum = 0;
      for (const { after, cost, who, counts } of steps) {
        now += after;
        costs.set(who, (costs.get(who) ?? 0) + cost);
        sum += cost;
        if (counts) spending = countSpending(spending, all(), ZONE, now);
      }
      spending = countSpending(spending, all(), ZONE, now);
      const days = Object.entries(spending.days);
      assert.equal(
        days.reduce((total, [, { spent }]) => total + spent, 0),
        sum,
      );
      assert.ok(days.every(([day]) => day <= dayOf(ZONE, now)));
    }),
  );
});

test("property: of spent budgets the strictest is told, and only what is spent", () => {
  const state = fc.record({
    period: fc.constantFrom("day", "week", "month"),
    spent: fc.integer({ min: 0, max: 3 }),
    whenSpent: fc.constantFrom("alert", "no_new_starts", "stop_when_idle_at_once"),
    until: fc.integer({ min: NOON, max: NOON + DAY }),
  });
  fc.assert(
    fc.property(fc.array(state, { maxLength: 3 }), (given) => {
      const states = given.map(
        (each): BudgetState => ({
          ...each,
          amount: 2,
          warnAt: 0.8,
          unpricedMs: 0,
          from: 0,
          countedSince: 0,
          goneAt: null,
        }),
      );
      const actions = states.filter(({ spent }) => spent >= 2).map(({ whenSpent }) => whenSpent);
      const strictest = (["stop_when_idle_at_once", "no_new_starts"] as const).find((each) =>
        actions.includes(each),
      );
      assert.equal(budgetSpent(states)?.action, strictest);
    }),
  );
});
