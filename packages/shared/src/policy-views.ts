/** What policies ask for: schedules, budgets, and how another policy would have done. */

import { z } from "zod";
import { Length, Time } from "./api.ts";

export const SCHEDULE_EFFECTS = ["keepOn", "warmUp", "quiet"] as const;

/** What the schedules ask for at a moment. */
export const ScheduleNow = z.object({
  timeZone: z.string().meta({ description: "by its IANA name; the rules are written by its wall clock" }),
  keepsOn: z.boolean(),
  warming: z.boolean().meta({ description: "it is started for a time that has not begun yet" }),
  rule: z.string().nullable().meta({ description: "the rule that is in force; null where none is" }),
  quiet: z.boolean(),
  noStarts: z.boolean().meta({ description: "a job that comes waits for the end of the quiet time" }),
  nextChangeAt: Time.nullable().meta({ description: "null where nothing changes within eight days" }),
});
export type ScheduleNow = z.infer<typeof ScheduleNow>;

export const BUDGET_PERIODS = ["day", "week", "month"] as const;

/** A budget of the pool file, and what is spent of it. */
export const BudgetNow = z.object({
  period: z.enum(BUDGET_PERIODS),
  amount: z.number(),
  spent: z.number().meta({ description: "as far as prices are known" }),
  left: z.number(),
  currency: z.string(),
  warnAt: z.number(),
  whenSpent: z.enum(["alert", "no_new_starts", "stop_when_idle_at_once"]),
  from: Time,
  until: Time,
  countedSince: Time.meta({ description: "later than `from` where what came before is unknown" }),
  unpricedSeconds: z
    .number()
    .meta({ description: "so long nobody knew a price: what that cost is not in `spent`" }),
  goneAt: Time.nullable().meta({
    description: "when it will be gone at the pace so far; null where not within the period",
  }),
});
export type BudgetNow = z.infer<typeof BudgetNow>;

/** What is asked of history: how it would have been with another idle time. */
export const WhatIfQuery = z.strictObject({
  idle: z.union([z.literal("auto"), Length]).meta({ description: "such as 15m, or auto" }),
  since: Length.default(14 * 86_400_000).meta({ description: "how far back, such as 14d; at most 35d" }),
});
export type WhatIfQuery = z.infer<typeof WhatIfQuery>;

export const WhatIf = z.object({
  from: Time.meta({ description: "later than was asked for where nothing is known of before" }),
  until: Time,
  spells: z.int().nonnegative().meta({ description: "of work, with gaps between them" }),
  bootSeconds: z.number().nullable().meta({ description: "a usual start; null where none was seen" }),
  currency: z.string(),
  runs: z
    .array(
      z.object({
        idle: z.string(),
        hours: z.number(),
        cost: z.number().nullable().meta({ description: "at today's price; null where that is unknown" }),
        starts: z.int(),
        waitingSeconds: z.number(),
        worstWaitSeconds: z.number(),
      }),
    )
    .meta({ description: "the policy in force, the one that is asked for, and hindsight's best" }),
});
export type WhatIf = z.infer<typeof WhatIf>;

/** The windows of the next seven days, in order. */
export const ScheduleAhead = z.object({
  at: Time,
  until: Time,
  timeZone: z.string(),
  windows: z.array(
    z.object({
      rule: z.string(),
      effect: z.enum(SCHEDULE_EFFECTS),
      from: Time.meta({ description: "when it takes effect; before `begins` where it warms up" }),
      begins: Time,
      until: Time,
      idleTimeoutSeconds: z.number().nullable(),
      noStarts: z.boolean(),
    }),
  ),
});
export type ScheduleAhead = z.infer<typeof ScheduleAhead>;
