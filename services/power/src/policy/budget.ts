/**
 * What a pool may cost in a day, a week, a month, and what it has cost. Pure: money in the machines' currency, times in
 * milliseconds since 1970, periods by the calendar of the policy's time zone.
 */
import { z } from "zod";
import { dayOf, PERIODS, type Period, periodAt } from "./periods.ts";

/** What happens when a budget is spent. None of it stops a machine that works. */
export const WHEN_SPENT = ["alert", "no_new_starts", "stop_when_idle_at_once"] as const;
export type WhenSpent = (typeof WHEN_SPENT)[number];

const Limit = z.strictObject({
  amount: z.number().positive(),
  /** From 0 to 1: an alert says when so much of it is spent. */
  warnAt: z.number().gt(0).max(1).default(0.8),
  whenSpent: z.enum(WHEN_SPENT).default("alert"),
});

export const Budget = z.strictObject({
  day: Limit.optional(),
  week: Limit.optional(),
  month: Limit.optional(),
});
export type Budget = z.output<typeof Budget>;

/** Days older than this are in no period any more. */
const DAYS_KEPT = 40;

const Spell = z.object({ spent: z.number().nonnegative(), unpricedMs: z.number().nonnegative() });

/** What was spent day by day, kept in KV. */
export const Spending = z.object({
  version: z.literal(1),
  /** Since when it is counted. */
  since: z.number().int().nonnegative(),
  /** What each machine, by the provider's id, had cost ever when it was last counted. */
  counted: z.record(z.string(), Spell),
  /** By local date. */
  days: z.record(z.string(), Spell),
});
export type Spending = z.infer<typeof Spending>;

export function noSpending(now: number): Spending {
  return { version: 1, since: now, counted: {}, days: {} };
}

/** What a machine has cost, ever. */
export interface Cost {
  readonly providerId: string;
  /** As far as a price was known. */
  readonly spent: number;
  readonly unpricedMs: number;
}

/**
 * Counts what the machines have cost since they were last counted to the day that it is now. One that is seen for the
 * first time begins at what it has cost: when that was, nobody knows. The same value when nothing was added.
 */
export function countSpending(
  before: Spending,
  costs: readonly Cost[],
  timeZone: string,
  now: number,
): Spending {
  let spent = 0;
  let unpricedMs = 0;
  let changed = false;
  const counted = { ...before.counted };
  for (const { providerId, ...ever } of costs) {
    const last = counted[providerId];
    if (last?.spent === ever.spent && last.unpricedMs === ever.unpricedMs) continue;
    changed = true;
    counted[providerId] = ever;
    if (last === undefined) continue;
    // A record that began anew counts from there.
    spent += Math.max(0, ever.spent - last.spent);
    unpricedMs += Math.max(0, ever.unpricedMs - last.unpricedMs);
  }
  if (!changed) return before;
  const day = dayOf(timeZone, now);
  const today = before.days[day] ?? { spent: 0, unpricedMs: 0 };
  const days = {
    ...before.days,
    [day]: { spent: today.spent + spent, unpricedMs: today.unpricedMs + unpricedMs },
  };
  const kept = Object.entries(days)
    .sort(([a], [b]) => b.localeCompare(a))
    .slice(0, DAYS_KEPT);
  return { ...before, counted, days: Object.fromEntries(kept) };
}

export interface BudgetState {
  readonly period: Period;
  readonly amount: number;
  readonly warnAt: number;
  readonly whenSpent: WhenSpent;
  readonly spent: number;
  /** For so long a machine ran, or was off, at a price that nobody knows: what that cost is not in `spent`. */
  readonly unpricedMs: number;
  readonly from: number;
  readonly until: number;
  /** Later than `from` where counting began within the period: what came before is unknown. */
  readonly countedSince: number;
  /** When it will be gone at the pace since then; null where not within the period, or nothing was spent yet. */
  readonly goneAt: number | null;
}

/** Each budget that policy sets, with what is spent of it. */
export function budgetsAt(budget: Budget, spending: Spending, timeZone: string, now: number): BudgetState[] {
  return PERIODS.flatMap((period): BudgetState | [] => {
    const limit = budget[period];
    if (limit === undefined) return [];
    const { from, until } = periodAt(timeZone, period, now);
    const first = dayOf(timeZone, from);
    const days = Object.entries(spending.days).flatMap(([day, spell]) => (day >= first ? spell : []));
    const spent = days.reduce((sum, each) => sum + each.spent, 0);
    const unpricedMs = days.reduce((sum, each) => sum + each.unpricedMs, 0);
    const countedSince = Math.max(from, spending.since);
    const pace = spent / Math.max(1, now - countedSince);
    const goneAt = spent >= limit.amount ? now : spent === 0 ? null : now + (limit.amount - spent) / pace;
    return {
      period,
      ...limit,
      spent,
      unpricedMs,
      from,
      until,
      countedSince,
      goneAt: goneAt !== null && goneAt < until ? Math.round(goneAt) : null,
    };
  });
}

/** What spent budgets forbid: the strictest of them, until the last of its kind begins anew. */
export interface BudgetSpent {
  readonly action: Exclude<WhenSpent, "alert">;
  readonly period: Period;
  readonly until: number;
}

/** Null where no budget that forbids anything is spent. */
export function budgetSpent(states: readonly BudgetState[]): BudgetSpent | null {
  for (const action of ["stop_when_idle_at_once", "no_new_starts"] as const) {
    const spent = states.filter(({ whenSpent, amount, spent }) => whenSpent === action && spent >= amount);
    const [last] = spent.sort((a, b) => b.until - a.until);
    if (last !== undefined) return { action, period: last.period, until: last.until };
  }
  return null;
}
