/** Needs and holds: what people and programs may ask of the pool. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decide } from "./decide.ts";
import {
  type Case,
  inShort,
  instance,
  job,
  MINUTE,
  NOW,
  running,
  snapshot,
  stoppable,
} from "./snapshot-for-tests.ts";

const until = NOW + 60 * MINUTE;
const needed = { neededUntil: until, lastNeededAt: NOW };
const on = { mode: "on", until } as const;
const off = { mode: "off", until } as const;

const CASES: readonly Case[] = [
  {
    what: "a need starts a machine that is off",
    given: snapshot({ demand: needed }),
    told: ["start gpu-1 needed"],
  },
  {
    what: "a need is as urgent as a job where only the API says that the machine is off",
    given: snapshot({
      demand: needed,
      instances: [instance({ state: "unknown", apiState: "stopped", unknownLooks: 3 })],
    }),
    told: ["start gpu-1 needed_unconfirmed"],
  },
  {
    what: "a need keeps a machine on that would be stopped, and asks for nothing else",
    given: snapshot({ ...stoppable, demand: needed }),
    told: [`keep gpu-1 needed ${until}`],
  },
  {
    what: "a need at the limit of starts waits like a job",
    given: snapshot({ demand: needed, recentStarts: [1, 2, 3, 4, 5, 6].map((n) => NOW - n * MINUTE) }),
    told: [`wait rate_limited ${NOW + 54 * MINUTE}`],
  },
  {
    what: "idleness is counted from the end of a need",
    given: snapshot({ ...stoppable, demand: { lastNeededAt: NOW - MINUTE } }),
    told: [`keep gpu-1 idle_not_reached ${NOW + 29 * MINUTE}`],
  },
  {
    what: "a job weighs more than a need",
    given: snapshot({ demand: { ...needed, ...job } }),
    told: ["start gpu-1 job_waiting"],
  },
  { what: "held on, it is started", given: snapshot({ hold: on }), told: ["start gpu-1 held_on"] },
  {
    what: "held on, it is kept",
    given: snapshot({ ...stoppable, hold: on }),
    told: [`keep gpu-1 held_on ${until}`],
  },
  {
    what: "held on while it starts, it is waited for",
    given: snapshot({ hold: on, instances: [instance({ state: "starting", stateSince: NOW })] }),
    told: ["wait starting"],
  },
  {
    what: "held off, a job waits",
    given: snapshot({ demand: job, hold: off }),
    told: [`wait held_off ${until}`],
  },
  {
    what: "held off, a need waits",
    given: snapshot({ demand: needed, hold: off }),
    told: [`wait held_off ${until}`],
  },
  {
    what: "held off, a machine without work is stopped after ten minutes",
    given: snapshot({ ...stoppable, hold: off, demand: { lastJobAt: NOW - 11 * MINUTE } }),
    told: ["stop gpu-1 held_off"],
  },
  {
    what: "held off, a machine that may still work on its last job is kept",
    given: snapshot({ ...stoppable, hold: off, demand: { lastServedAt: NOW - 9 * MINUTE } }),
    told: [`keep gpu-1 idle_not_reached ${NOW + MINUTE}`],
  },
  {
    what: "held off, a running machine serves the job that waits",
    given: snapshot({ ...stoppable, hold: off, demand: job }),
    told: ["look confirm_running", "keep gpu-1 jobs_pending"],
  },
  {
    what: "left as it is, a need starts nothing and an idle machine is kept",
    given: snapshot({
      hold: { mode: "as_is", until },
      demand: needed,
      instances: [instance(), running({ id: "gpu-2" })],
    }),
    told: [`keep gpu-2 needed ${until}`],
  },
];

for (const { what, given, told } of CASES) {
  test(`decide: ${what}`, () => assert.deepEqual(inShort(decide(given, NOW)), told));
}
