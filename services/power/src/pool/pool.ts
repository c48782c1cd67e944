import { Duration, parseDuration } from "@gpu-power-manager/shared/duration";
import { Token } from "@gpu-power-manager/shared/events";
import { z } from "zod";
import { HookTarget, MOST_HOOKS } from "../hooks/hook-target.ts";
import { Budget } from "../policy/budget.ts";
import { ScheduleRule, TimeZone } from "../policy/schedule-rule.ts";

const durationText = z.string({ error: "must be a duration such as 30s, 5m or 2h (with its unit)" });

const duration = (fallback: string, minMs: number) =>
  durationText
    .default(fallback)
    .pipe(Duration)
    .refine((ms) => ms >= minMs, { error: `must be at least ${minMs} ms` });

/** A start that fails is tried again after its rest, and a provider may be sold out for a while. */
const LEAST_KEEP_MS = 3_600_000;

/** Renewed every tenth of it, and tried again each minute: a provider that fails for some minutes must stop nobody's work. */
const LEAST_DEAD_MANS_MS = 3_600_000;

/** How often the console is asked, by what the pool is doing. Each is jittered by a tenth. */
const Observe = z.strictObject({
  off: duration("30s", 100),
  on: duration("15s", 100),
  changing: duration("1s", 50),
  /** How often the page is reloaded to compare it with the API, besides before and after actions. */
  compare: duration("5m", 100),
});

/** Also where it is to be learned, and no start has been seen to learn from. */
const DEFAULT_IDLE = "30m";

/** As it is written. */
const WrittenPolicy = z.strictObject({
  /** `auto`: learned from the gaps between jobs of the last two weeks, within the limits below. */
  idleTimeout: durationText.default(DEFAULT_IDLE).transform((text, context) => {
    if (text === "auto") return text;
    const ms = parseDuration(text);
    if (ms !== undefined && ms >= 100) return ms;
    context.addIssue(
      ms === undefined
        ? `must be a duration such as 30s, 5m or 2h (with its unit), or auto, not "${text}"`
        : "must be at least 100 ms",
    );
    return z.NEVER;
  }),
  idleTimeoutMin: duration("10m", 100),
  idleTimeoutMax: duration("2h", 100),
  /** What a minute for which a job waits for a start is worth, in minutes of running. */
  waitingWorth: z.number().min(0).max(1_000).default(5),
  /** Percent; a machine whose GPU computes more is at work, whoever says so or does not. */
  busyAbove: z.number().min(0).max(100).default(10),
  startTimeout: duration("5m", 100),
  stopTimeout: duration("3m", 100),
  observe: Observe.prefault({}),
  minRunTime: duration("5m", 0),
  maxStartsPerHour: z.int().min(1).default(6),
  /** The rest after a failed start; doubles with each failure in a row. */
  startBackoff: duration("30s", 0),
  /** The longest rest. */
  quarantine: duration("30m", 0),
  desiredRunning: z.int().min(1).default(1),
  /**
   * For gateways over which no proof of the path can come: with a listener registered all the while, a machine that has
   * been idle for so much longer than `idleTimeout` is stopped without the proof. Unset: never.
   */
  stopUnproven: durationText.pipe(Duration).optional(),
  /** Limits of what may be said to need the machine: how long without saying it again, and how many at a time. */
  needs: z.strictObject({ maxTtl: duration("24h", 1_000), max: z.int().min(1).default(50) }).prefault({}),
  /**
   * A stopped machine is started for `minRunTime` so long before its provider would delete it with its data. Unset: never,
   * and an alert says when that is near.
   */
  keepFromRelease: durationText
    .pipe(Duration)
    .refine((ms) => ms >= LEAST_KEEP_MS, { error: "must be at least 1h" })
    .optional(),
  /** Whose wall clock the schedules are written by; the machine's own where it is not said. */
  /** The hour at which the report of the day before is made, such as 08:00. Unset: never. Milliseconds after midnight. */
  dailyReport: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, "must be an hour such as 08:00, in quotes")
    .transform((text) => (Number(text.slice(0, 2)) * 60 + Number(text.slice(3))) * 60_000)
    .optional(),
  timeZone: TimeZone.default(() => new Intl.DateTimeFormat().resolvedOptions().timeZone),
  schedules: z.array(ScheduleRule).max(50).default([]),
  /** In the machines' currency. No machine that works is stopped for it. */
  budget: Budget.prefault({}),
  /**
   * While power runs, the provider's own planned stop of a running machine is kept so far ahead: if nobody of us is there
   * any more, the provider stops it. Unset: no stop is planned.
   */
  deadMansSwitch: durationText
    .pipe(Duration)
    .refine((ms) => ms >= LEAST_DEAD_MANS_MS, { error: "must be at least 1h" })
    .optional(),
  /** Written before there were others: the month's amount. */
  budgetPerMonth: z.number().positive().optional(),
});

/** What a pool may do, and when. Durations are milliseconds once parsed. */
export const Policy = WrittenPolicy.transform(({ budgetPerMonth, budget, idleTimeout, ...rest }, context) => {
  const idleAuto = idleTimeout === "auto";
  const policy = {
    ...rest,
    idleAuto,
    idleTimeout: idleAuto ? (parseDuration(DEFAULT_IDLE) ?? 0) : idleTimeout,
  };
  if (policy.idleTimeoutMin > policy.idleTimeoutMax) {
    context.addIssue({ code: "custom", path: ["idleTimeoutMin"], message: "is more than idleTimeoutMax" });
    return z.NEVER;
  }
  if (budgetPerMonth === undefined) return { ...policy, budget };
  if (budget.month !== undefined) {
    context.addIssue({
      code: "custom",
      path: ["budgetPerMonth"],
      message: "says the same as budget.month; leave it out",
    });
    return z.NEVER;
  }
  return {
    ...policy,
    budget: { ...budget, month: { amount: budgetPerMonth, warnAt: 0.8, whenSpent: "alert" as const } },
  };
});
export type Policy = z.output<typeof Policy>;

const Instance = z.strictObject({
  id: Token,
  /** The provider's own id: the only thing by which a machine is found. */
  providerId: z.string().regex(/^[\w.:-]{1,128}$/, "must be the provider's id of the machine"),
  /** Lower is tried first. */
  priority: z.int().default(100),
  pricePerHour: z.number().nonnegative().optional(),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, "must be a currency of three letters, such as CNY")
    .default("CNY"),
});
export type Instance = z.output<typeof Instance>;

function refuseRepeated(
  values: readonly string[],
  key: string,
  context: z.RefinementCtx,
  list: "instances" | "hooks" = "instances",
) {
  values.forEach((value, index) => {
    if (values.indexOf(value) !== index) {
      context.addIssue({
        code: "custom",
        path: [list, index, key],
        message: `"${value}" is there twice; each ${list === "hooks" ? "hook" : "machine"} needs its own`,
      });
    }
  });
}

/** The pool file. */
export const Pool = z
  .strictObject({
    pool: Token,
    /** Name of a file in PROFILES_DIR, without `.yaml`. */
    profile: Token,
    instances: z.array(Instance).min(1, "name at least one machine").max(1000),
    policy: Policy.prefault({}),
    /** Who is told of what happens. */
    hooks: z.array(HookTarget).max(MOST_HOOKS).default([]),
  })
  .superRefine((pool, context) => {
    refuseRepeated(
      pool.hooks.map((hook) => hook.name),
      "name",
      context,
      "hooks",
    );
    refuseRepeated(
      pool.instances.map((instance) => instance.id),
      "id",
      context,
    );
    refuseRepeated(
      pool.instances.map((instance) => instance.providerId),
      "providerId",
      context,
    );
    const names = pool.policy.schedules.map(({ name }) => name);
    names.forEach((name, index) => {
      if (names.indexOf(name) !== index)
        context.addIssue({
          code: "custom",
          path: ["policy", "schedules", index, "name"],
          message: `"${name}" is there twice; each rule needs its own`,
        });
    });
    if (
      Object.keys(pool.policy.budget).length > 0 &&
      new Set(pool.instances.map(({ currency }) => currency)).size > 1
    ) {
      context.addIssue({
        code: "custom",
        path: ["policy", "budget"],
        message: "needs machines of one currency; this pool has several",
      });
    }
    if (pool.policy.desiredRunning > pool.instances.length) {
      context.addIssue({
        code: "custom",
        path: ["policy", "desiredRunning"],
        message: `is ${pool.policy.desiredRunning}, but the pool has ${pool.instances.length} machines`,
      });
    }
  });
export type Pool = z.output<typeof Pool>;

/** What a valid pool file asks for that its owner may not have meant, a sentence each. */
export function warningsOf({ policy }: Pool): string[] {
  if (policy.desiredRunning === 1) return [];
  return [
    `policy.desiredRunning is ${policy.desiredRunning}: the gateway gives every job to every worker that is online, ` +
      "so each job is then done, and paid, more than once.",
  ];
}
