/** What schedules and budgets say, read off at each scrape. */
import { Gauge, type Registry } from "prom-client";
import { type BudgetState, budgetSpent } from "../policy/budget.ts";
import { scheduleOf } from "../policy/schedule.ts";
import type { Pool } from "../pool/pool.ts";

export interface PolicySource {
  readonly pool: Pool;
  readonly budgets: readonly BudgetState[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function deriveFromPolicy(registers: Registry[], source: () => PolicySource): void {
  new Gauge({
    name: "gpu_power_schedule",
    help: "1 for the rule of policy.schedules that is in force (effect keep_on: started and kept on; quiet: stopped sooner, or not started for jobs), 0 for the others.",
    labelNames: ["rule", "effect"],
    registers,
    collect() {
      this.reset();
      const { pool, now } = source();
      const { keepOn, quiet } = scheduleOf(pool.policy).at(now);
      const current = keepOn?.rule ?? quiet?.rule;
      for (const { name, effect } of pool.policy.schedules)
        this.set({ rule: name, effect: effect === "quiet" ? "quiet" : "keep_on" }, name === current ? 1 : 0);
    },
  });
  new Gauge({
    name: "gpu_power_schedule_change_timestamp_seconds",
    help: "When what the schedules ask for changes next, in Unix seconds; absent where it does not within eight days.",
    registers,
    collect() {
      this.remove();
      const { pool, now } = source();
      const { nextChangeAt } = scheduleOf(pool.policy).at(now);
      if (nextChangeAt !== null) this.set(nextChangeAt / 1_000);
    },
  });
  new Gauge({
    name: "gpu_power_starts_barred",
    help: "1 while policy lets no job start a machine, by what forbids it: quiet_time (a rule of policy.schedules with noStarts), budget (one is spent that says so); else 0.",
    labelNames: ["by"],
    registers,
    collect() {
      const { pool, budgets, now } = source();
      const { quiet } = scheduleOf(pool.policy).at(now);
      this.set({ by: "quiet_time" }, quiet?.noStarts === true ? 1 : 0);
      this.set({ by: "budget" }, budgetSpent(budgets) === null ? 0 : 1);
    },
  });
  const perBudget = (name: string, help: string, value: (budget: BudgetState) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ["period", "currency"],
      registers,
      collect() {
        this.reset();
        const { pool, budgets } = source();
        const currency = pool.instances[0]?.currency;
        if (currency === undefined) return;
        for (const budget of budgets) this.set({ period: budget.period, currency }, value(budget));
      },
    });
  perBudget(
    "gpu_power_budget",
    "What the pool may cost in the period (day, week, month of policy.timeZone) by policy.budget, in units of its currency; absent where none is set.",
    ({ amount }) => amount,
  );
  perBudget(
    "gpu_power_budget_spent",
    "What the machines have cost in the period, on and off, as far as prices are known, in units of the currency; absent where no budget is set.",
    ({ spent }) => spent,
  );
  perBudget(
    "gpu_power_budget_warn_ratio",
    "At which part of the budget an alert warns, from 0 to 1 (warnAt); absent where no budget is set.",
    ({ warnAt }) => warnAt,
  );
}
