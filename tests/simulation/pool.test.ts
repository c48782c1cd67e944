/**
 * The pure core (demand, instance, decide, cadence) with a simulated console, bus and clock, under random
 * faults from a seed. A failing seed is printed; SEED=n plays it alone.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Policy } from "../../services/power/src/pool/pool.ts";
import { type Play, play, type Sum } from "./play.ts";
import { CALM, HOUR, MINUTE, randomFrom, SECOND } from "./world.ts";

const PATIENT = Policy.parse({});
/** Stops so soon that the limit of starts is reached. */
const HASTY = Policy.parse({ idleTimeout: "2m", minRunTime: "0s" });

/** Plays every seed, or the one that is asked for. */
function playAll(
  seeds: number,
  optionsOf: (seed: number, random: () => number) => Omit<Play, "random">,
): Sum {
  const sum: Sum = { starts: 0, stops: 0, surplus: 0, jobs: 0, scheduled: 0, overspent: 0, silent: 0 };
  const one = process.env.SEED === undefined ? undefined : Number(process.env.SEED);
  for (const seed of one === undefined ? Array.from({ length: seeds }, (_, index) => index + 1) : [one]) {
    try {
      const random = randomFrom(seed);
      const { starts, stops, surplus, jobs, scheduled, silent } = play({
        random,
        ...optionsOf(seed, random),
      });
      sum.starts += starts;
      sum.stops += stops;
      sum.surplus += surplus;
      sum.jobs += jobs;
      sum.scheduled += scheduled;
      sum.silent += silent;
    } catch (error) {
      throw new Error(`SEED=${seed} replays it`, { cause: error });
    }
  }
  return sum;
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
