/** What goes into the stream of history: each entry, its schema and its subject. */

import { z } from "zod";
import { InstanceState, LANES, Timestamp, Token } from "./events.ts";

const historyBase = { pool: Token, instance: Token, at: Timestamp };

/** What happened to an instance, on `gpu.history.<pool>.<instance>`. */
export const HistoryEntry = z.discriminatedUnion("kind", [
  z.object({
    ...historyBase,
    kind: z.literal("intent"),
    attemptId: z.string(),
    action: z.enum(["start", "stop"]),
    reason: z.string(),
  }),
  z.object({
    ...historyBase,
    kind: z.literal("outcome"),
    attemptId: z.string(),
    action: z.enum(["start", "stop"]),
    outcome: z.string(),
    lane: z.enum(LANES).optional(),
    message: z.string().optional(),
  }),
  z.object({
    ...historyBase,
    kind: z.literal("state"),
    from: InstanceState,
    to: InstanceState,
    reason: z.string(),
  }),
  /** A worker on it is online, so long after it began to run. */
  z.object({ ...historyBase, kind: z.literal("worker"), ms: z.number().nonnegative() }),
  /** Jobs that had waited for a machine see one run; the oldest of them had waited for so long. */
  z.object({
    ...historyBase,
    kind: z.literal("served"),
    jobs: z.int().positive(),
    oldestMs: z.number().nonnegative(),
  }),
]);
export type HistoryEntry = z.infer<typeof HistoryEntry>;

export function historySubject(entry: Pick<HistoryEntry, "pool" | "instance">): string {
  return `gpu.history.${entry.pool}.${entry.instance}`;
}

/** Why a notice could not have been heard for a while. */
export const GAP_CAUSES = ["disconnected", "unregistered", "probe_failing", "listener_down"] as const;
export type GapCause = (typeof GAP_CAUSES)[number];

/** A stretch in which the notification path was not proven, on `gpu.history.<pool>.path`. */
export const GapEntry = z.object({
  kind: z.literal("gap"),
  pool: Token,
  listener: z.string().min(1).max(64),
  /** The last moment at which the path is known to have worked, and the first at which it did again. */
  from: Timestamp,
  to: Timestamp,
  /** What broke it first. */
  cause: z.enum(GAP_CAUSES),
  /** Another listener heard all the while, so nothing can have been missed. */
  covered: z.boolean(),
  /** Missed jobs found in the gateway's backlog afterwards; null when it could not be read. */
  recovered: z.number().int().nonnegative().nullable(),
});
export type GapEntry = z.infer<typeof GapEntry>;

export function gapSubject(gap: Pick<GapEntry, "pool">): string {
  return `gpu.history.${gap.pool}.path`;
}

/**
 * What became of the login at the console. `asked_for`: the console asks for one. `by_itself`: power has filled the
 * form in. `came_back`: a person has passed it, or the session was good again. `kept`: the saved session was good.
 */
export const LOGIN_EVENTS = ["asked_for", "by_itself", "came_back", "kept"] as const;
export type LoginEvent = (typeof LOGIN_EVENTS)[number];

/** On `gpu.history.<pool>.login`. */
export const LoginEntry = z.object({
  kind: z.literal("login"),
  pool: Token,
  at: Timestamp,
  event: z.enum(LOGIN_EVENTS),
});
export type LoginEntry = z.infer<typeof LoginEntry>;

export function loginSubject(entry: Pick<LoginEntry, "pool">): string {
  return `gpu.history.${entry.pool}.login`;
}

/** That most of a period's budget, or all of it, is spent; on `gpu.history.<pool>.budget`. */
export const BudgetEntry = z.object({
  kind: z.literal("budget"),
  pool: Token,
  at: Timestamp,
  period: z.enum(["day", "week", "month"]),
  level: z.enum(["nearly_spent", "spent"]),
  /** In the machines' currency. */
  amount: z.number(),
  spent: z.number(),
  /** The end of the period. */
  until: Timestamp,
});
export type BudgetEntry = z.infer<typeof BudgetEntry>;

export function budgetSubject(entry: Pick<BudgetEntry, "pool">): string {
  return `gpu.history.${entry.pool}.budget`;
}

const Known = z.number().nullable();

/** What a day was; null is what cannot be known, and `unknown` says why. */
export const DayReport = z.object({
  /** Local date, in the time zone of the policy. */
  day: z.string(),
  /** Hours of each machine, and those of which nobody knows. */
  hours: z.array(z.object({ instance: Token, running: z.number(), unknown: z.number() })),
  cost: Known,
  currency: z.string().nullable(),
  /** What it would have cost with as many machines as policy wants running on all day; and what was not spent of it. */
  alwaysOnCost: Known,
  saved: Known,
  jobs: Known,
  /** How often jobs had waited for a machine, and how long the oldest of them. */
  waited: z.object({ times: z.int(), medianSeconds: Known, worstSeconds: Known }),
  /** Starts by their reason. */
  starts: z.record(z.string(), z.int()),
  failedStarts: z.int(),
  gaps: z.object({ count: z.int(), seconds: z.number(), missedAndRecovered: Known }),
  unknown: z.array(z.string()),
});
export type DayReport = z.infer<typeof DayReport>;

/** On `gpu.history.<pool>.report`, once a day where policy asks for it. */
export const ReportEntry = DayReport.extend({ kind: z.literal("report"), pool: Token, at: Timestamp });
export type ReportEntry = z.infer<typeof ReportEntry>;

export function dayReportSubject(entry: Pick<ReportEntry, "pool">): string {
  return `gpu.history.${entry.pool}.report`;
}

/** What a person, or a program in a person's name, may do to a pool. */
export const OPERATOR_ACTIONS = [
  "start",
  "stop",
  "hold",
  "resume",
  "need",
  "end_need",
  "reload",
  "control",
  "end_control",
] as const;

/** What somebody did through the API, on `gpu.history.<pool>.operator`; refused ones are told, too. */
export const OperatorEntry = z.object({
  kind: z.literal("operator"),
  pool: Token,
  at: Timestamp,
  action: z.enum(OPERATOR_ACTIONS),
  instance: Token.optional(),
  /** The token's name, the name that was given with the request, and the address it came from. */
  token: z.string(),
  actor: z.string().optional(),
  address: z.string(),
  reason: z.string(),
  forced: z.boolean(),
  outcome: z.enum(["done", "refused"]),
  message: z.string().optional(),
  attemptId: z.string().optional(),
});
export type OperatorEntry = z.infer<typeof OperatorEntry>;

export function operatorSubject(entry: Pick<OperatorEntry, "pool">): string {
  return `gpu.history.${entry.pool}.operator`;
}
