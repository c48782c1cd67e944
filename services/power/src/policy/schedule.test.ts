import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Schedule } from "./schedule.ts";
import { ScheduleRule, TimeZone } from "./schedule-rule.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const rule = (given: Record<string, unknown>) =>
  ScheduleRule.parse({ name: "rule", effect: "keepOn", ...given });
const office = rule({ name: "office", from: "0 9 * * 1-5", until: "18:00" });
const at = (text: string) => Date.parse(text);
const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString());

interface Shown {
  readonly what: string;
  readonly rules: readonly ScheduleRule[];
  readonly zone: string;
  readonly now: string;
  /** The rule that holds, and until when. */
  readonly keepOn?: string;
  readonly quiet?: string;
  readonly next: string | null;
}

const night = rule({ name: "night", effect: "quiet", from: "0 22 * * *", until: "08:00", noStarts: true });
const CASES: readonly Shown[] = [
  {
    what: "within working hours",
    rules: [office],
    zone: "Asia/Shanghai",
    now: "2026-11-25T02:00:00Z",
    keepOn: "office",
    next: "2026-11-25T10:00:00.000Z",
  },
  {
    what: "on a Saturday the next is Monday's",
    rules: [office],
    zone: "Asia/Shanghai",
    now: "2026-11-28T02:00:00Z",
    next: "2026-11-30T01:00:00.000Z",
  },
  {
    what: "at its very end it holds no more",
    rules: [office],
    zone: "Asia/Shanghai",
    now: "2026-11-25T10:00:00Z",
    next: "2026-11-26T01:00:00.000Z",
  },
  {
    what: "it warms up before",
    rules: [rule({ name: "office", from: "0 9 * * 1-5", until: "18:00", warmUp: "10m" })],
    zone: "Asia/Shanghai",
    now: "2026-11-25T00:51:00Z",
    keepOn: "office (warming)",
    next: "2026-11-25T01:00:00.000Z",
  },
  {
    what: "a warm-up alone ends when its moment comes",
    rules: [rule({ name: "early", effect: "warmUp", from: "0 9 * * *", warmUp: "15m" })],
    zone: "Asia/Shanghai",
    now: "2026-11-25T00:50:00Z",
    keepOn: "early (warming)",
    next: "2026-11-25T01:00:00.000Z",
  },
  {
    what: "not on a holiday",
    rules: [rule({ from: "0 9 * * 1-5", until: "18:00", except: ["2026-10-01/2026-10-07"] })],
    zone: "Asia/Shanghai",
    now: "2026-10-01T02:00:00Z",
    next: "2026-10-08T01:00:00.000Z",
  },
  {
    what: "on a Saturday that is worked",
    rules: [rule({ name: "office", from: "0 9 * * 1-5", until: "18:00", also: ["2026-10-10"] })],
    zone: "Asia/Shanghai",
    now: "2026-10-10T02:00:00Z",
    keepOn: "office",
    next: "2026-10-10T10:00:00.000Z",
  },
  {
    what: "over midnight",
    rules: [night],
    zone: "Asia/Shanghai",
    now: "2026-11-25T17:00:00Z",
    quiet: "night",
    next: "2026-11-26T00:00:00.000Z",
  },
  {
    what: "what keeps on goes before what is quiet",
    rules: [night, rule({ name: "late shift", from: "0 21 * * *", until: "23:00" })],
    zone: "Asia/Shanghai",
    now: "2026-11-25T14:30:00Z",
    keepOn: "late shift",
    next: "2026-11-25T15:00:00.000Z",
  },
  {
    what: "whole days that follow each other are one",
    rules: [rule({ name: "weekend", from: "0 0 * * 6,0", until: "24:00" })],
    zone: "Asia/Shanghai",
    now: "2026-11-28T02:00:00Z",
    keepOn: "weekend",
    next: "2026-11-29T16:00:00.000Z",
  },
  {
    what: "nine o'clock is nine o'clock in summer",
    rules: [office],
    zone: "Europe/Berlin",
    now: "2026-03-30T06:59:00Z",
    next: "2026-03-30T07:00:00.000Z",
  },
  {
    what: "a moment that the clock leaves out comes when it goes on",
    rules: [rule({ from: "30 2 * * *", until: "04:00" })],
    zone: "Europe/Berlin",
    now: "2026-03-29T00:30:00Z",
    next: "2026-03-29T01:00:00.000Z",
  },
  {
    what: "a moment that comes twice is the first",
    rules: [rule({ from: "30 2 * * *", until: "04:00" })],
    zone: "Europe/Berlin",
    now: "2026-10-25T00:15:00Z",
    next: "2026-10-25T00:30:00.000Z",
  },
  {
    what: "a night in which summer time ends is an hour longer",
    rules: [night],
    zone: "Europe/Berlin",
    now: "2026-10-24T21:00:00Z",
    quiet: "night",
    next: "2026-10-25T07:00:00.000Z",
  },
  { what: "without rules nothing changes", rules: [], zone: "UTC", now: "2026-11-25T02:00:00Z", next: null },
  {
    what: "a rule of another season changes nothing within eight days",
    rules: [rule({ from: "0 9 1 7 *", until: "18:00" })],
    zone: "UTC",
    now: "2026-11-25T02:00:00Z",
    next: null,
  },
];

for (const { what, rules, zone, now, keepOn, quiet, next } of CASES) {
  test(`schedule: ${what}`, () => {
    const told = new Schedule(rules, zone).at(at(now));
    const warming = told.keepOn?.warming ? " (warming)" : "";
    assert.equal(told.keepOn === null ? undefined : `${told.keepOn.rule}${warming}`, keepOn);
    assert.equal(told.quiet?.rule, quiet);
    assert.equal(iso(told.nextChangeAt), next);
  });
}

test("of several quiet times the shortest idle time counts, and no starts where one says so", () => {
  const short = rule({
    name: "short",
    effect: "quiet",
    from: "0 20 * * *",
    until: "23:00",
    idleTimeout: "5m",
  });
  const { quiet } = new Schedule([short, night], "UTC").at(at("2026-11-25T22:30:00Z"));
  assert.deepEqual(quiet && { ...quiet, until: iso(quiet.until) }, {
    rule: "night",
    idleTimeout: 5 * MINUTE,
    noStarts: true,
    until: "2026-11-25T23:00:00.000Z",
  });
});

test("a warm-up is remembered for those whom it was for", () => {
  const early = rule({ effect: "warmUp", from: "0 9 * * *", warmUp: "15m" });
  const told = new Schedule([early], "UTC").at(at("2026-11-25T09:20:00Z"));
  assert.equal(iso(told.warmedAt), "2026-11-25T09:00:00.000Z");
});

const BAD: ReadonlyArray<{ readonly given: Record<string, unknown>; readonly says: RegExp }> = [
  { given: { from: "9 * * 1-5", until: "18:00" }, says: /must be five fields/ },
  { given: { from: "0 0 9 * * 1-5", until: "18:00" }, says: /must be five fields/ },
  { given: { from: "@daily", until: "18:00" }, says: /must be five fields/ },
  { given: { from: "0 25 * * *", until: "18:00" }, says: /must be five fields/ },
  { given: { from: "* * * * *", until: "18:00" }, says: /more than 24 times a day/ },
  { given: { from: "0 0 31 2 *", until: "18:00" }, says: /never comes/ },
  { given: { from: "0 9 * * *", until: "25:00" }, says: /time of day in quotes/ },
  { given: { from: "0 9 * * *", until: "18:00", except: ["2026-13-01"] }, says: /must be a date/ },
  { given: { from: "0 9 * * *", until: "18:00", also: ["2026-10-07/2026-10-01"] }, says: /ends before/ },
  { given: { from: "0 9 * * *", until: "18:00", warmUp: "7h" }, says: /at most 6h/ },
  { given: { effect: "quiet", from: "0 9 * * *", until: "18:00" }, says: /does nothing/ },
  { given: { effect: "warmUp", from: "0 9 * * *" }, says: /duration/ },
  { given: { effect: "warmUp", from: "0 9 * * *", warmUp: "5m", until: "18:00" }, says: /until/ },
  { given: { effect: "loud", from: "0 9 * * *", until: "18:00" }, says: /effect|Invalid/ },
];

for (const { given, says } of BAD) {
  test(`a rule is refused: ${JSON.stringify(given)}`, () => {
    assert.throws(() => rule(given), says);
  });
}

test("a time zone is a place's name", () => {
  for (const name of ["Asia/Shanghai", "Europe/Berlin", "UTC"]) assert.equal(TimeZone.parse(name), name);
  for (const name of ["Mars/Olympus", "+08:00", ""]) assert.throws(() => TimeZone.parse(name), /IANA name/);
});

/** The weekday and the minute of the day that a clock on the wall shows, by the system's own reckoning. */
function wallClock(zone: string, time: number): { readonly weekday: string; readonly minute: number } {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(time);
  const of = (type: string) => parts.find((each) => each.type === type)?.value ?? "";
  return { weekday: of("weekday"), minute: Number(of("hour")) * 60 + Number(of("minute")) };
}

const ZONES = [
  "Europe/Berlin",
  "America/New_York",
  "America/Santiago",
  "Australia/Lord_Howe",
  "Asia/Shanghai",
  "Asia/Kolkata",
];

test("property: by the clock on the wall in every zone, on days when it changes, too", () => {
  const schedules = new Map(
    ZONES.map((zone) => [
      zone,
      {
        office: new Schedule([office], zone),
        night: new Schedule([night], zone),
      },
    ]),
  );
  const from = at("2026-01-01T00:00:00Z");
  fc.assert(
    fc.property(
      fc.constantFrom(...ZONES),
      fc.integer({ min: 0, max: 2 * 366 * 24 * 60 }),
      (zone, minutes) => {
        const time = from + minutes * MINUTE;
        const { weekday, minute } = wallClock(zone, time);
        const { office: day, night: dark } = schedules.get(zone) ?? assert.fail();
        const works = !["Sat", "Sun"].includes(weekday) && minute >= 9 * 60 && minute < 18 * 60;
        assert.equal(day.at(time).keepOn !== null, works);
        const isDark = minute >= 22 * 60 || minute < 8 * 60;
        assert.equal(dark.at(time).quiet !== null, isDark);
      },
    ),
    { numRuns: 3_000 },
  );
});

test("property: what is told holds until the change that is told, and not at it", () => {
  const rules = [
    rule({ name: "a", from: "30 2,14 * * *", until: "16:15", warmUp: "20m" }),
    rule({ name: "b", effect: "quiet", from: "0 1 * * 0", until: "03:00", idleTimeout: "5m" }),
    night,
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...ZONES),
      fc.integer({ min: at("2026-01-01T00:00:00Z"), max: at("2027-12-31T00:00:00Z") }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (zone, time, part) => {
        const told = new Schedule(rules, zone).at(time);
        const next = told.nextChangeAt;
        assert.ok(next !== null && next > time && next < time + 26 * HOUR);
        const shown = (moment: number) => {
          const { keepOn, quiet } = new Schedule(rules, zone).at(moment);
          return JSON.stringify([keepOn?.rule, keepOn?.warming, quiet?.rule, quiet?.idleTimeout]);
        };
        assert.equal(shown(Math.floor(time + (next - 1 - time) * part)), shown(time));
        assert.notEqual(shown(next), shown(time));
      },
    ),
    { numRuns: 300 },
  );
});
