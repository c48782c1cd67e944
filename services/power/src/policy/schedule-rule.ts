/** The rules of `policy.schedules` as the pool file writes them, and the dates and times in them. */
import { Duration } from "@gpu-power-manager/shared/duration";
import { Cron } from "croner";
import { z } from "zod";

/** A machine takes minutes to come up; who warms it up for longer than this means something else. */
const MAX_WARM_UP_MS = 6 * 3_600_000;
/** A rule that begins more often than hourly is no window of a day, and would only be slow to reckon with. */
const MAX_A_DAY = 24;

/** An IANA name, as the system's own time zone data knows it. */
export const TimeZone = z.string().refine(isTimeZone, {
  error: "must be a time zone by its IANA name, such as Asia/Shanghai or Europe/Berlin",
});

function isTimeZone(name: string): boolean {
  // An offset is no place: it knows no summer time.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Minute, hour, day of the month, month, day of the week. */
const Moments = z.string().superRefine((text, context) => {
  const say = (message: string) => context.addIssue({ code: "custom", message });
  try {
    const cron = cronOf(text, "UTC");
    const [first, ...others] = cron.nextRuns(MAX_A_DAY + 1);
    const last = others.at(-1);
    if (first === undefined) say(`"${text}" never comes`);
    else if (last !== undefined && last.getTime() - first.getTime() < 86_400_000)
      say(`"${text}" comes more than ${MAX_A_DAY} times a day; name when it begins, such as 0 9 * * 1-5`);
  } catch {
    say(`must be five fields (minute hour day month weekday), such as 0 9 * * 1-5, not "${text}"`);
  }
});

/** `18:00`; `24:00` is midnight. */
const TimeOfDay = z.string().regex(/^(([01]?\d|2[0-3]):[0-5]\d|24:00)$/, {
  error: 'must be a time of day in quotes, such as "18:00"',
});

const day = z.iso.date({ error: "must be a date such as 2026-10-01, in quotes" });
/** `2026-10-01`, or all from the first to the last of `2026-10-01/2026-10-07`. */
const Days = z
  .string({ error: "must be a date such as 2026-10-01, or 2026-10-01/2026-10-07, in quotes" })
  .transform((text, context) => {
    const [first = "", last = first, ...rest] = text.split("/");
    if (rest.length > 0 || !day.safeParse(first).success || !day.safeParse(last).success) {
      context.addIssue(`must be a date such as 2026-10-01, or 2026-10-01/2026-10-07, not "${text}"`);
      return z.NEVER;
    }
    if (last < first) {
      context.addIssue(`"${text}" ends before it begins`);
      return z.NEVER;
    }
    return { first, last };
  });
export type Days = z.output<typeof Days>;

const warmUp = z
  .string({ error: "must be a duration such as 10m (with its unit)" })
  .pipe(Duration)
  .refine((ms) => ms > 0 && ms <= MAX_WARM_UP_MS, { error: "must be more than 0 and at most 6h" });

const rule = {
  /** As people call it; status, why and metrics show it. */
  name: z.string().trim().min(1).max(40),
  /** When it begins, in `policy.timeZone`. */
  from: Moments,
  /** Days on which it does not begin (holidays), and days on which it begins although `from` says otherwise. */
  except: z.array(Days).max(200).default([]),
  also: z.array(Days).max(200).default([]),
};

export const ScheduleRule = z.discriminatedUnion("effect", [
  /** Started at its beginning (`warmUp` before it) and kept on until its end. */
  z.strictObject({ ...rule, effect: z.literal("keepOn"), until: TimeOfDay, warmUp: warmUp.optional() }),
  /** Started so long before each of the moments; from then on the idle time decides. */
  z.strictObject({ ...rule, effect: z.literal("warmUp"), warmUp }),
  /** A shorter idle time, or no start but for boot requests, needs and people. */
  z
    .strictObject({
      ...rule,
      effect: z.literal("quiet"),
      until: TimeOfDay,
      idleTimeout: z
        .string({ error: "must be a duration such as 5m (with its unit)" })
        .pipe(Duration)
        .refine((ms) => ms >= 100, { error: "must be at least 100 ms" })
        .optional(),
      noStarts: z.boolean().default(false),
    })
    .refine(({ idleTimeout, noStarts }) => idleTimeout !== undefined || noStarts, {
      error: "does nothing: give it an idleTimeout, or noStarts: true",
    }),
]);
export type ScheduleRule = z.output<typeof ScheduleRule>;

/** @throws where the text is no pattern of five fields. */
export function cronOf(text: string, timezone: string): Cron {
  if (text.trim().split(/\s+/).length !== 5) throw new Error("five fields");
  return new Cron(text, { timezone, mode: "5-part", paused: true });
}
