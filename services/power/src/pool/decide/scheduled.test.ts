/** Schedules: what is kept on, what is quiet, and who goes before them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NOTHING_SCHEDULED, type Scheduled } from "../../policy/schedule.ts";
import { decide } from "./decide.ts";
import { judgeOrder } from "./order.ts";
import { type Case, inShort, job, MINUTE, NOW, running, snapshot, stoppable } from "./snapshot-for-tests.ts";
import { explain } from "./why.ts";

const until = NOW + 60 * MINUTE;
const office: Scheduled = {
  ...NOTHING_SCHEDULED,
  keepOn: { rule: "office", warming: false, until },
  nextChangeAt: until,
};
const quiet = (changes: Partial<NonNullable<Scheduled["quiet"]>>): Scheduled => ({
  ...NOTHING_SCHEDULED,
  quiet: { rule: "night", idleTimeout: null, noStarts: false, until, ...changes },
  nextChangeAt: until,
});
const noStarts = quiet({ noStarts: true });

const CASES: readonly Case[] = [
  { what: "kept on, it is started", given: snapshot({ schedule: office }), told: ["start gpu-1 scheduled"] },
  {
    what: "kept on, an idle machine stays",
    given: snapshot({ ...stoppable, schedule: office }),
    told: [`keep gpu-1 scheduled ${until}`],
  },
  {
    what: "a job weighs more than a schedule",
    given: snapshot({ schedule: office, demand: job }),
    told: ["start gpu-1 job_waiting"],
  },
  {
    what: "an operator who holds it off goes before a schedule that keeps it on",
    given: snapshot({ schedule: office, hold: { mode: "off", until: null } }),
    told: ["wait held_off"],
  },
  {
    what: "held off, a machine that a schedule would keep on is stopped",
    given: snapshot({ ...stoppable, schedule: office, hold: { mode: "off", until: null } }),
    told: ["stop gpu-1 held_off"],
  },
  {
    what: "a schedule obeys the limit of starts",
    given: snapshot({ schedule: office, recentStarts: [1, 2, 3, 4, 5, 6].map((n) => NOW - n * MINUTE) }),
    told: [`wait rate_limited ${NOW + 54 * MINUTE}`],
  },
  {
    what: "a quiet time with a shorter idle time stops sooner",
    given: snapshot({
      ...stoppable,
      demand: { lastJobAt: NOW - 6 * MINUTE },
      schedule: quiet({ idleTimeout: 5 * MINUTE }),
    }),
    told: ["stop gpu-1 idle"],
  },
  {
    what: "the same, and its time is not over",
    given: snapshot({
      ...stoppable,
      demand: { lastJobAt: NOW - 4 * MINUTE },
      schedule: quiet({ idleTimeout: 5 * MINUTE }),
    }),
    told: [`keep gpu-1 idle_not_reached ${NOW + MINUTE}`],
  },
  {
    what: "a quiet time never makes the idle time longer",
    given: snapshot({ ...stoppable, schedule: quiet({ idleTimeout: 500 * MINUTE }) }),
    told: ["stop gpu-1 idle"],
  },
  {
    what: "a job waits for the end of a quiet time without starts",
    given: snapshot({ demand: job, schedule: noStarts }),
    told: [`wait quiet_time ${until}`],
  },
  {
    what: "a quiet time without starts serves a job by the machine that runs",
    given: snapshot({ ...stoppable, demand: job, schedule: noStarts }),
    told: ["look confirm_running", "keep gpu-1 jobs_pending"],
  },
  {
    what: "a quiet time without starts lets a boot request through, although a job waits, too",
    given: snapshot({ demand: { ...job, bootRequested: true }, schedule: noStarts }),
    told: ["start gpu-1 boot_requested"],
  },
  {
    what: "and a need",
    given: snapshot({ demand: { neededUntil: until }, schedule: noStarts }),
    told: ["start gpu-1 needed"],
  },
  {
    what: "and an operator who holds it on",
    given: snapshot({ demand: job, hold: { mode: "on", until: null }, schedule: noStarts }),
    told: ["start gpu-1 held_on"],
  },
  {
    what: "idleness is counted from the end of a warm-up",
    given: snapshot({ ...stoppable, schedule: { ...NOTHING_SCHEDULED, warmedAt: NOW - MINUTE } }),
    told: [`keep gpu-1 idle_not_reached ${NOW + 29 * MINUTE}`],
  },
];

for (const { what, given, told } of CASES) {
  test(`decide: ${what}`, () => assert.deepEqual(inShort(decide(given, NOW)), told));
}

test("a stop by hand is refused while a schedule keeps it on, and one by force is not", () => {
  const given = snapshot({ instances: [running()], schedule: office });
  const order = { action: "stop", instance: "gpu-1", at: NOW, force: false } as const;
  const refused = judgeOrder(order, given, NOW);
  assert.ok(
    refused.kind === "refuse" && /"office" keeps it on until .*hold the pool off/.test(refused.words),
  );
  assert.equal(judgeOrder({ ...order, force: true }, given, NOW).kind, "do");
});

test("why names the rule, and when its time is over", () => {
  const kept = explain(snapshot({ ...stoppable, schedule: office }), NOW);
  const condition = kept.stops[0]?.conditions.find(({ name }) => name === "not_scheduled");
  assert.equal(condition?.holds, false);
  assert.equal(condition?.from, until);
  assert.match(condition?.value ?? "", /by "office" until 2027/);
  assert.match(kept.start.find(({ name }) => name === "wanted")?.value ?? "", /^scheduled: "office"$/);

  const waits = explain(snapshot({ demand: job, schedule: noStarts }), NOW);
  const barred = waits.start.find(({ name }) => name === "no_quiet_time");
  assert.deepEqual(barred, {
    name: "no_quiet_time",
    holds: false,
    value: '"night", no starts for jobs',
    from: until,
  });
  assert.equal(waits.nextAt, until);
});
