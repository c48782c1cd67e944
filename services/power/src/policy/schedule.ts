/**
 * What the schedules of a pool ask for at a moment, and when that changes. Pure: times in milliseconds since 1970, all
 * wall clocks in the policy's time zone. Where summer time begins, a moment that the clock leaves out comes when the
 * clock goes on; where it ends, a moment that the clock shows twice comes once, at the first.
 */
import type { Cron } from "croner";
import { cronOf, type Days, type ScheduleRule } from "./schedule-rule.ts";

const DAY_MS = 86_400_000;
/** The longest window: a whole day of 25 hours. */
const LONGEST_MS = 25 * 3_600_000;
/** So far ahead is looked for the next change; a week and the day after. */
const AHEAD_MS = 8 * DAY_MS;
/** More moments than this in a row are not asked of a rule: it may never begin again but on excepted days. */
const MAX_MOMENTS = 24 * 12;

export interface Window {
  readonly rule: string;
  readonly effect: ScheduleRule["effect"];
  /** When it takes effect: `begins`, or so long before as it warms up. */
  readonly from: number;
  readonly begins: number;
  readonly until: number;
  /** Milliseconds; null where a quiet time leaves it as it is, and for all others. */
  readonly idleTimeout: number | null;
  readonly noStarts: boolean;
}

export interface Scheduled {
  /** Started and kept on; `warming` while its beginning is still to come. */
  readonly keepOn: { readonly rule: string; readonly warming: boolean; readonly until: number } | null;
  /** Null while anything keeps on: that goes before it. */
  readonly quiet: {
    readonly rule: string;
    readonly idleTimeout: number | null;
    readonly noStarts: boolean;
    readonly until: number;
  } | null;
  /** When a machine was last warmed up for somebody: it waits for them as if there had been work. */
  readonly warmedAt: number | null;
  /** When this changes, within eight days; null where it does not. */
  readonly nextChangeAt: number | null;
}

export const NOTHING_SCHEDULED: Scheduled = { keepOn: null, quiet: null, warmedAt: null, nextChangeAt: null };

const compiled = new WeakMap<readonly ScheduleRule[], Schedule>();

/** The schedule of a pool file, compiled once. */
export function scheduleOf(policy: SchedulePolicy): Schedule {
  const { schedules, timeZone } = policy;
  const known = compiled.get(schedules);
  if (known !== undefined) return known;
  const schedule = new Schedule(schedules, timeZone);
  compiled.set(schedules, schedule);
  return schedule;
}

export interface SchedulePolicy {
  readonly schedules: readonly ScheduleRule[];
  readonly timeZone: string;
}

export class Schedule {
  readonly timeZone: string;
  private readonly rules: readonly CompiledRule[];
  private readonly localDate: (at: number) => string;
  private known: { readonly from: number; readonly until: number; readonly value: Scheduled } | undefined;

  constructor(rules: readonly ScheduleRule[], timeZone: string) {
    this.timeZone = timeZone;
    this.rules = rules.map((rule) => compile(rule, timeZone));
    const format = new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" });
    this.localDate = (at) => format.format(at);
  }

  /** What holds at this moment. The same value until it changes, so asking often costs nothing. */
  at(now: number): Scheduled {
    if (this.rules.length === 0) return NOTHING_SCHEDULED;
    const { known } = this;
    if (known !== undefined && now >= known.from && now < known.until) return known.value;
    const windows = this.windows(now, now + AHEAD_MS);
    const current = stateAt(windows, now);
    const next = changesOf(windows).find((at) => at > now && !isSame(stateAt(windows, at), current));
    const warmed = this.windows(now - LONGEST_MS, now).filter(
      ({ effect, until }) => effect === "warmUp" && until <= now,
    );
    const until = next ?? now + AHEAD_MS;
    const value: Scheduled = {
      keepOn: current.keepOn && { ...current.keepOn, until },
      quiet: current.quiet && { ...current.quiet, until },
      warmedAt: warmed.length === 0 ? null : Math.max(...warmed.map((window) => window.until)),
      nextChangeAt: next ?? null,
    };
    this.known = { from: now, until: next ?? now + DAY_MS, value };
    return value;
  }

  /** Every window that reaches into the time from `from` to before `to`, in order. */
  windows(from: number, to: number): Window[] {
    return this.rules
      .flatMap((rule) => this.windowsOf(rule, from, to))
      .sort((a, b) => a.from - b.from || a.until - b.until || a.rule.localeCompare(b.rule));
  }

  private windowsOf(compiled: CompiledRule, from: number, to: number): Window[] {
    const { rule, end, warmUp } = compiled;
    const moments = this.momentsOf(compiled, from - LONGEST_MS, to + warmUp);
    return moments.flatMap((begins): Window | [] => {
      const until = end === null ? begins : (end.nextRun(new Date(begins))?.getTime() ?? begins);
      const starts = begins - warmUp;
      if (until <= from || starts >= to) return [];
      return {
        rule: rule.name,
        effect: rule.effect,
        from: starts,
        begins,
        until,
        idleTimeout: rule.effect === "quiet" ? (rule.idleTimeout ?? null) : null,
        noStarts: rule.effect === "quiet" && rule.noStarts,
      };
    });
  }

  private momentsOf({ rule, cron, daily }: CompiledRule, from: number, to: number): number[] {
    const moments = new Set<number>();
    for (const at of momentsIn(cron, from, to)) {
      if (!isOneOf(rule.except, this.localDate(at))) moments.add(at);
    }
    if (rule.also.length > 0) {
      for (const at of momentsIn(daily, from, to))
        if (isOneOf(rule.also, this.localDate(at))) moments.add(at);
    }
    return [...moments];
  }
}

interface CompiledRule {
  readonly rule: ScheduleRule;
  readonly cron: Cron;
  /** The same times of day on every day, for the days that are named beside. */
  readonly daily: Cron;
  readonly end: Cron | null;
  readonly warmUp: number;
}

function compile(rule: ScheduleRule, zone: string): CompiledRule {
  const [minute, hour] = rule.from.trim().split(/\s+/);
  return {
    rule,
    cron: cronOf(rule.from, zone),
    daily: cronOf(`${minute} ${hour} * * *`, zone),
    end: rule.effect === "warmUp" ? null : cronOf(endOf(rule.until), zone),
    warmUp: rule.effect === "quiet" ? 0 : (rule.warmUp ?? 0),
  };
}

function endOf(until: string): string {
  const [hour, minute] = until.split(":").map(Number);
  return `${minute} ${(hour ?? 0) % 24} * * *`;
}

function momentsIn(cron: Cron, from: number, to: number): number[] {
  const moments: number[] = [];
  let next = cron.nextRun(new Date(from - 1));
  while (next !== null && next.getTime() < to && moments.length < MAX_MOMENTS) {
    moments.push(next.getTime());
    next = cron.nextRun(next);
  }
  return moments;
}

function isOneOf(days: readonly Days[], date: string): boolean {
  return days.some(({ first, last }) => first <= date && date <= last);
}

interface State {
  readonly keepOn: { readonly rule: string; readonly warming: boolean } | null;
  readonly quiet: {
    readonly rule: string;
    readonly idleTimeout: number | null;
    readonly noStarts: boolean;
  } | null;
}

function stateAt(windows: readonly Window[], at: number): State {
  const open = windows.filter(({ from, until }) => from <= at && at < until);
  // Of several the one that lasts longest is told.
  const kept = open
    .filter(({ effect }) => effect !== "quiet")
    .reduce<Window | undefined>((last, each) => (last && last.until >= each.until ? last : each), undefined);
  if (kept !== undefined) return { keepOn: { rule: kept.rule, warming: at < kept.begins }, quiet: null };
  const [first] = open;
  if (first === undefined) return { keepOn: null, quiet: null };
  const times = open.flatMap(({ idleTimeout }) => idleTimeout ?? []);
  return {
    keepOn: null,
    quiet: {
      rule: open.find(({ noStarts }) => noStarts)?.rule ?? first.rule,
      idleTimeout: times.length === 0 ? null : Math.min(...times),
      noStarts: open.some(({ noStarts }) => noStarts),
    },
  };
}

/** Each moment at which anything may change. */
function changesOf(windows: readonly Window[]): number[] {
  return windows.flatMap(({ from, begins, until }) => [from, begins, until]).sort((a, b) => a - b);
}

function isSame(a: State, b: State): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
