/** Days, weeks and months by the calendar of a time zone. Pure; times in milliseconds since 1970. */

export const PERIODS = ["day", "week", "month"] as const;
export type Period = (typeof PERIODS)[number];

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    weekday: "short",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
  formats.set(zone, format);
  return format;
}

function wallClock(zone: string, at: number) {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  const number = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type) ?? 0);
  return {
    date: `${parts.get("year")}-${parts.get("month")}-${parts.get("day")}`,
    day: number("day"),
    weekday: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].indexOf(parts.get("weekday") ?? "Mon"),
    hour: number("hour"),
    sinceMidnight: ((number("hour") * 60 + number("minute")) * 60 + number("second")) * 1_000 + (at % 1_000),
  };
}

/** The local date, `2026-11-25`. */
export function dayOf(zone: string, at: number): string {
  return wallClock(zone, at).date;
}

/** The beginning of the day that `at` lies in; days may have 23 or 25 hours. */
export function dayStart(zone: string, at: number): number {
  const guess = at - wallClock(zone, at).sinceMidnight;
  // Where the clock changed since midnight the guess is an hour off.
  const { hour } = wallClock(zone, guess);
  return hour === 0 ? guess : guess + (hour > 12 ? 24 - hour : -hour) * HOUR_MS;
}

interface Span {
  readonly from: number;
  readonly until: number;
}

/** The last that was asked of each zone and period: it is asked again and again within the same. */
const known = new Map<string, Span>();

/** From when until when the day, the week (from Monday) or the month lasts that `at` lies in. */
export function periodAt(zone: string, period: Period, at: number): Span {
  const key = `${period} ${zone}`;
  const last = known.get(key);
  if (last !== undefined && last.from <= at && at < last.until) return last;
  const span = reckon(zone, period, at);
  known.set(key, span);
  return span;
}

function reckon(zone: string, period: Period, at: number): Span {
  const noon = dayStart(zone, at) + 12 * HOUR_MS;
  const { day, weekday } = wallClock(zone, noon);
  const startOf = (days: number) => dayStart(zone, noon + days * DAY_MS);
  if (period === "day") return { from: startOf(0), until: startOf(1) };
  if (period === "week") return { from: startOf(-weekday), until: startOf(7 - weekday) };
  const next = startOf(32 - day) + 12 * HOUR_MS;
  return { from: startOf(1 - day), until: dayStart(zone, next - (wallClock(zone, next).day - 1) * DAY_MS) };
}
