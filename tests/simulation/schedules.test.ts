/**
 * Days around the changes of the clock, under schedules: the rules of the pool hold as they do without, what is kept on
 * is on, no job starts a machine in a quiet time, and nothing does once a budget is spent. SEED=n plays one alone.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Policy } from "../../services/power/src/pool/pool.ts";
import { play } from "./play.ts";
import { CALM, HOUR, MINUTE, randomFrom, SECOND } from "./world.ts";

/** Each with the days before its two changes of the clock in a year. */
const ZONES = [
  { timeZone: "Europe/Berlin", changes: ["2027-03-26", "2027-10-29"] },
  { timeZone: "America/New_York", changes: ["2027-03-12", "2027-11-05"] },
  { timeZone: "Australia/Lord_Howe", changes: ["2027-04-02", "2027-10-01"] },
  { timeZone: "Asia/Shanghai", changes: ["2027-02-05", "2027-10-01"] },
] as const;

const DAYS = 5;
const SEEDS = 80;
/** Boots take three minutes at most, and a machine that is off is looked at every minute. */
const ABSENCE_MS = 5 * MINUTE;

/** Begins in the evening, so that the last day ends after working hours and before the night. */
function begins(timeZone: string, date: string): number {
  const midnight = Date.parse(`${date}T00:00:00Z`);
  const format = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", hourCycle: "h23" });
  const evening = Array.from({ length: 24 }, (_, hour) => midnight + hour * HOUR);
  return evening.find((at) => Number(format.format(at)) === 21) ?? midnight;
}

test(`${SEEDS * DAYS} virtual days with schedules and budgets, around the changes of the clock`, (t) => {
  const sum = { starts: 0, scheduled: 0, overspent: 0, stops: 0, jobs: 0 };
  const one = process.env.SEED === undefined ? undefined : Number(process.env.SEED);
  const seeds = one === undefined ? Array.from({ length: SEEDS }, (_, index) => index + 1) : [one];
  for (const seed of seeds) {
    const random = randomFrom(seed);
    const { timeZone, changes } = ZONES[seed % ZONES.length] ?? assert.fail();
    const calm = seed % 2 === 0;
    const chance = () => (calm ? 0 : random() * 0.2);
    const policy = Policy.parse({
      timeZone,
      maxStartsPerHour: 20,
      budget:
        seed % 3 === 0
          ? { day: { amount: 6, whenSpent: seed % 2 === 0 ? "no_new_starts" : "stop_when_idle_at_once" } }
          : {},
      observe: { off: "60s", on: "25s" },
      schedules: [
        { name: "office", effect: "keepOn", from: "0 9 * * 1-5", until: "15:00", warmUp: "10m" },
        { name: "early", effect: "warmUp", from: "30 7 * * 0,6", warmUp: "5m" },
        { name: "evening", effect: "quiet", from: "0 19 * * *", until: "24:00", idleTimeout: "5m" },
        { name: "night", effect: "quiet", from: "0 1 * * *", until: "06:30", noStarts: true },
      ],
    });
    try {
      const played = play({
        random,
        policy,
        machines: 1 + (seed % 3 === 0 ? 1 : 0),
        days: DAYS,
        from: begins(timeZone, changes[seed % 8 < 4 ? 0 : 1]),
        step: 25 * SECOND,
        faults: {
          ...CALM,
          refused: chance(),
          ignored: chance(),
          uncertain: chance(),
          slow: chance(),
          blind: chance(),
          late: chance(),
          diesEachHour: chance(),
        },
        deafness: calm ? 0 : 0.0002,
        clockJumps: 0,
        answers: seed % 4 < 2,
        pause: 4 * HOUR,
        work: HOUR / 2,
        ...(calm ? { absenceLimit: ABSENCE_MS } : {}),
      });
      sum.starts += played.starts;
      sum.scheduled += played.scheduled;
      sum.overspent += played.overspent;
      sum.stops += played.stops;
      sum.jobs += played.jobs;
    } catch (error) {
      throw new Error(`SEED=${seed} replays it`, { cause: error });
    }
  }
  t.diagnostic(
    `${sum.jobs} jobs, ${sum.starts} starts, ${sum.scheduled} of them by a schedule alone, ${sum.stops} stops, ${sum.overspent} for a spent budget`,
  );
  if (one === undefined)
    assert.ok(
      sum.scheduled > SEEDS && sum.stops > SEEDS && sum.overspent > SEEDS / 10,
      "the days were not empty",
    );
});
