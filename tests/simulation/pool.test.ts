/**
 * The pure core (demand, instance, decide, cadence) with a simulated console, bus and clock, under random
 * faults from a seed. A failing seed is printed; SEED=n plays it alone, TIMES=n plays n times as many.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Policy } from "../../services/power/src/pool/pool.ts";
import { type Play, play, type Sum } from "./play.ts";
import { CALM, HOUR, MINUTE, randomFrom, SECOND } from "./world.ts";

const PATIENT = Policy.parse({});
/** Stops so soon that the limit of starts is reached. */
const HASTY = Policy.parse({ idleTimeout: "2m", minRunTime: "0s" });

/** How many times the ordinary number of days is played. */
const TIMES = Number(process.env.TIMES ?? 1);

/** Plays every seed, or the one that is asked for. */
function playAll(
  seeds: number,
  optionsOf: (seed: number, random: () => number) => Omit<Play, "random">,
): Sum {
  const sum: Record<string, number> = {};
  const one = process.env.SEED === undefined ? undefined : Number(process.env.SEED);
  for (const seed of one === undefined
    ? Array.from({ length: seeds * TIMES }, (_, index) => index + 1)
    : [one]) {
    try {
      const random = randomFrom(seed);
      const played = play({ random, ...optionsOf(seed, random) });
      for (const [name, count] of Object.entries(played)) sum[name] = (sum[name] ?? 0) + count;
    } catch (error) {
      throw new Error(`SEED=${seed} replays it`, { cause: error });
    }
  }
  const of = (name: keyof Sum) => sum[name] ?? 0;
  return {
    starts: of("starts"),
    stops: of("stops"),
    surplus: of("surplus"),
    jobs: of("jobs"),
    scheduled: of("scheduled"),
    overspent: of("overspent"),
    silent: of("silent"),
    kept: of("kept"),
    soldOut: of("soldOut"),
    stoppedByOurs: of("stoppedByOurs"),
  };
}

test("450 virtual days under random faults: no job forgotten, no working machine stopped, no limit broken", (t) => {
  const sum = playAll(150, (seed, random) => {
    const hasty = seed % 3 === 0;
    const chance = () => (random() < 0.5 ? 0 : random() * 0.4);
    return {
      policy: hasty ? HASTY : PATIENT,
      machines: 1 + Math.floor(random() * 3),
      days: 3,
      faults: {
        refused: chance(),
        ignored: chance(),
        uncertain: chance(),
        stuck: chance() / 4,
        slow: chance(),
        blind: chance(),
        doubtful: chance(),
        late: chance(),
        diesEachHour: chance(),
        dropsEachHour: chance(),
        byHandEachHour: chance() / 10,
        silentEachHour: chance() / 4,
        soldOutEachHour: 0,
        deletedAfter: 0,
        plannedEachHour: 0,
        planRefused: 0,
        untold: seed % 2 === 0 ? 0 : chance(),
        lies: seed % 2 === 0 ? 0 : chance(),
      },
      deafness: 0.0002,
      clockJumps: seed % 4 === 1 ? 0.0002 : 0,
      answers: seed % 2 === 0,
      pause: hasty ? HOUR / 4 : 3 * HOUR,
      work: hasty ? MINUTE : HOUR,
    };
  });
  t.diagnostic(
    `${sum.jobs} jobs, ${sum.starts} starts, ${sum.stops} stops, ${sum.surplus} of a surplus machine, ${sum.silent} works of which nobody told`,
  );
  if (process.env.SEED === undefined)
    assert.ok(
      sum.jobs > 150 && sum.starts > 0 && sum.stops > 0 && sum.surplus > 0 && sum.silent > 0,
      "the days were not empty",
    );
});

test("40 virtual days of steady work and of starts that come too late: no two machines stay on for one machine's work", (t) => {
  const sum = playAll(40, (seed) => ({
    policy: PATIENT,
    machines: 2 + (seed % 2),
    days: 1,
    faults: { ...CALM, slow: 0.6, diesEachHour: 1 },
    deafness: 0,
    clockJumps: 0,
    answers: seed % 2 === 0,
    pause: 8 * MINUTE,
    work: 5 * MINUTE,
    surplusLimit: 45 * SECOND,
  }));
  t.diagnostic(`${sum.starts} starts, ${sum.stops} stops, ${sum.surplus} of a surplus machine`);
  if (process.env.SEED === undefined) assert.ok(sum.surplus > 40, "there were late starts");
});

/** Kept from being deleted, and stopped by the provider where nobody of us is there any more. */
const GUARDED = Policy.parse({ keepFromRelease: "4h", deadMansSwitch: "6h" });

test("150 virtual days of what the provider tells, lies and leaves out: sold out, deletion, planned stops, prices", (t) => {
  const sum = playAll(50, (seed, random) => {
    const chance = () => (random() < 0.5 ? 0 : random() * 0.4);
    const honest = seed % 3 !== 0;
    const jumps = seed % 5 === 1;
    return {
      // A plan is a time of day: with a host's clock that is wrong by hours it is, too, and ClockWrong says so.
      policy: jumps ? { ...GUARDED, deadMansSwitch: undefined } : GUARDED,
      machines: 1 + (seed % 3),
      days: 3,
      faults: {
        ...CALM,
        refused: chance() / 2,
        uncertain: chance(),
        blind: seed % 2 === 0 ? 0 : chance(),
        slow: chance(),
        diesEachHour: chance(),
        silentEachHour: chance() / 4,
        untold: honest ? 0 : chance(),
        lies: honest ? 0 : chance(),
        soldOutEachHour: 0.2,
        deletedAfter: 9 * HOUR,
        plannedEachHour: 0.03,
        planRefused: seed % 4 === 1 ? 0.9 : 0,
      },
      deafness: 0,
      clockJumps: jumps ? 0.0002 : 0,
      answers: seed % 2 === 0,
      pause: 16 * HOUR,
      work: HOUR,
    };
  });
  t.diagnostic(
    `${sum.jobs} jobs, ${sum.starts} starts, ${sum.kept} of them to keep a machine, ${sum.soldOut} times sold out, ` +
      `${sum.stoppedByOurs} machines stopped by power's own plan`,
  );
  if (process.env.SEED === undefined)
    assert.ok(sum.kept > 20 && sum.soldOut > 200 && sum.jobs > 100, "the days were not empty");
});
