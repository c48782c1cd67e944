/** What is to be told of budgets: once a period that most of one is spent, and once that all of it is. Pure. */
import { z } from "zod";
import type { BudgetState } from "./budget.ts";
import { PERIODS, type Period } from "./periods.ts";

export const BUDGET_LEVELS = ["nearly_spent", "spent"] as const;
export type BudgetLevel = (typeof BUDGET_LEVELS)[number];

/** The last that was told of each period: which one, by its beginning, and how much of it was spent. */
export const BudgetsTold = z.partialRecord(
  z.enum(PERIODS),
  z.object({ from: z.number().int(), level: z.enum(BUDGET_LEVELS) }),
);
export type BudgetsTold = z.infer<typeof BudgetsTold>;

export interface BudgetNews {
  readonly period: Period;
  readonly level: BudgetLevel;
  readonly amount: number;
  readonly spent: number;
  readonly until: number;
}

function levelOf({ spent, amount, warnAt }: BudgetState): BudgetLevel | undefined {
  if (spent >= amount) return "spent";
  return spent >= amount * warnAt ? "nearly_spent" : undefined;
}

/** The same `told` where there is no news. What is no more spent (a larger budget) is told again when it is. */
export function budgetNews(
  told: BudgetsTold,
  budgets: readonly BudgetState[],
): { readonly told: BudgetsTold; readonly news: readonly BudgetNews[] } {
  let next = told;
  const news: BudgetNews[] = [];
  for (const budget of budgets) {
    const { period, from, until, amount, spent } = budget;
    const level = levelOf(budget);
    const last = told[period]?.from === from ? told[period].level : undefined;
    if (level === last) continue;
    const { [period]: _, ...others } = next;
    next = level === undefined ? others : { ...others, [period]: { from, level } };
    // From spent back to nearly: somebody has raised it, and knows.
    if (level !== undefined && !(last === "spent" && level === "nearly_spent"))
      news.push({ period, level, amount, spent, until });
  }
  return { told: next, news };
}
