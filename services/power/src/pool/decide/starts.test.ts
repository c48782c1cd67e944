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
  policy,
  running,
  second,
  snapshot,
  stoppable,
} from "./snapshot-for-tests.ts";

const CASES: Case[] = [
  {
    what: "a job waits, and the machine runs without its GPU: the next is started",
    given: snapshot({ demand: job, instances: [running({ withoutGpu: true }), second()] }),
    told: ["start gpu-2 job_waiting", "keep gpu-1 jobs_pending"],
  },
  {
    what: "a job waits, the machine runs without its GPU, and there is no other",
    given: snapshot({ demand: job, instances: [running({ withoutGpu: true })] }),
    told: ["wait without_gpu", "keep gpu-1 jobs_pending"],
  },
  { what: "nothing wanted, machine off", given: snapshot(), told: ["wait no_demand"] },
  { what: "a job, machine off", given: snapshot({ demand: job }), told: ["start gpu-1 job_waiting"] },
  {
    what: "a boot request, machine off",
    given: snapshot({ demand: { bootRequested: true } }),
    told: ["start gpu-1 boot_requested"],
  },
  {
    what: "a job before the first look",
    given: snapshot({ demand: job, instances: [instance({ askedAt: null, state: "unknown" })] }),
    told: ["look not_observed_yet"],
  },
  {
    what: "a job while starting by our attempt",
    given: snapshot({
      demand: job,
      instances: [instance({ attempt: { action: "start", at: NOW - 1_000 } })],
    }),
    told: ["wait starting"],
  },
  {
    what: "a job while somebody else's start is under way",
    given: snapshot({ demand: job, instances: [instance({ state: "starting", stateSince: NOW - MINUTE })] }),
    told: ["wait starting"],
  },
  {
    what: "a job beside a machine stuck in starting, and a second one",
    given: snapshot({
      demand: job,
      instances: [instance({ state: "starting", stateSince: NOW - 6 * MINUTE }), second()],
    }),
    told: ["start gpu-2 job_waiting"],
  },
  {
    what: "a job beside a machine stuck in starting, and no other",
    given: snapshot({
      demand: job,
      instances: [instance({ state: "starting", stateSince: NOW - 6 * MINUTE })],
    }),
    told: ["wait none_available"],
  },
  {
    what: "a job beside a machine that runs, but that the pool file lists no more",
    given: snapshot({ demand: job, instances: [running({ forgotten: true }), second()] }),
    told: ["start gpu-2 job_waiting", "keep gpu-1 jobs_pending"],
  },
  {
    what: "a job, and the only machine that is off is listed no more",
    given: snapshot({ demand: job, instances: [instance({ forgotten: true })] }),
    told: ["wait none_available"],
  },
  {
    what: "a job while the first rests",
    given: snapshot({ demand: job, instances: [instance({ restUntil: NOW + 5_000 }), second()] }),
    told: ["start gpu-2 job_waiting"],
  },
  {
    what: "a job while all rest",
    given: snapshot({
      demand: job,
      instances: [instance({ restUntil: NOW + 9_000 }), second({ restUntil: NOW + 5_000 })],
    }),
    told: [`wait all_resting ${NOW + 5_000}`],
  },
  {
    what: "a job, the lower priority number first whatever the order in the file",
    given: snapshot({ demand: job, instances: [second(), instance()] }),
    told: ["start gpu-1 job_waiting"],
  },
  {
    what: "a job while the machine stops",
    given: snapshot({ demand: job, instances: [instance({ state: "stopping", stateSince: NOW - 5_000 })] }),
    told: ["wait stopping"],
  },
  {
    what: "a job while the machine is stuck in stopping, and a second one",
    given: snapshot({
      demand: job,
      instances: [instance({ state: "stopping", stateSince: NOW - 4 * MINUTE }), second()],
    }),
    told: ["start gpu-2 job_waiting"],
  },
  {
    what: "a job while the state is unknown: look again first",
    given: snapshot({ demand: job, instances: [instance({ state: "unknown", unknownLooks: 1 }), second()] }),
    told: ["look unknown_state"],
  },
  {
    what: "a job while the state stays unknown: the next machine",
    given: snapshot({ demand: job, instances: [instance({ state: "unknown", unknownLooks: 3 }), second()] }),
    told: ["start gpu-2 job_waiting"],
  },
  {
    what: "a job while only the page is in doubt: a start can do no harm",
    given: snapshot({
      demand: job,
      instances: [instance({ state: "unknown", apiState: "stopped", unknownLooks: 3 })],
    }),
    told: ["start gpu-1 job_waiting_unconfirmed"],
  },
  {
    what: "a job while all is unknown",
    given: snapshot({ demand: job, instances: [instance({ state: "unknown", unknownLooks: 9 })] }),
    told: ["wait state_unknown"],
  },
  {
    what: "a job under hold",
    given: snapshot({ demand: job, hold: { mode: "as_is", until: null } }),
    told: ["wait on_hold"],
  },
  {
    what: "a job at the limit of starts",
    given: snapshot({ demand: job, recentStarts: [1, 2, 3, 4, 5, 6].map((n) => NOW - n * MINUTE) }),
    told: [`wait rate_limited ${NOW - 6 * MINUTE + 60 * MINUTE}`],
  },
  {
    what: "a boot request at the limit of starts",
    given: snapshot({
      demand: { bootRequested: true },
      recentStarts: [1, 2, 3, 4, 5, 6].map((n) => NOW - n * MINUTE),
    }),
    told: [`wait rate_limited ${NOW - 6 * MINUTE + 60 * MINUTE}`],
  },
  {
    what: "starts of more than an hour ago do not count",
    given: snapshot({ demand: job, recentStarts: [1, 2, 3, 4, 5, 61].map((n) => NOW - n * MINUTE) }),
    told: ["start gpu-1 job_waiting"],
  },
  {
    what: "a job while it runs: confirmed by a newer look, and kept",
    given: snapshot({ ...stoppable, demand: { ...job, lastJobAt: NOW } }),
    told: ["look confirm_running", "keep gpu-1 jobs_pending"],
  },
  {
    what: "the first is sold out, as its provider tells: the next at once, and no start is wasted",
    given: snapshot({ demand: job, instances: [instance({ soldOutSince: NOW - MINUTE }), second()] }),
    told: ["start gpu-2 job_waiting"],
  },
  {
    what: "all are sold out: asked again each minute",
    given: snapshot({
      demand: job,
      instances: [
        instance({ soldOutSince: NOW - MINUTE, askedAt: NOW - 59_000 }),
        second({ soldOutSince: NOW, askedAt: NOW - 1_000 }),
      ],
    }),
    told: [`wait sold_out ${NOW + 1_000}`],
  },
  {
    what: "all are sold out, and that was a minute ago",
    given: snapshot({
      demand: job,
      instances: [instance({ soldOutSince: NOW - 5 * MINUTE, askedAt: NOW - MINUTE })],
    }),
    told: ["look look_for_stock", `wait sold_out ${NOW + MINUTE}`],
  },
  {
    what: "nothing wanted: nobody asks for stock",
    given: snapshot({ instances: [instance({ soldOutSince: NOW - 5 * MINUTE, askedAt: NOW - MINUTE })] }),
    told: ["wait no_demand"],
  },
  {
    what: "a provider that tells so for longer than a machine may rest is not believed",
    given: snapshot({ demand: job, instances: [instance({ soldOutSince: NOW - policy.quarantine })] }),
    told: ["start gpu-1 job_waiting"],
  },
  {
    what: "and where a start was refused for it since, it is for as long again",
    given: snapshot({
      demand: job,
      instances: [
        instance({
          soldOutSince: NOW - policy.quarantine,
          restsSoldOut: true,
          restUntil: NOW - MINUTE,
          askedAt: NOW,
        }),
      ],
    }),
    told: [`wait sold_out ${NOW + MINUTE}`],
  },
  {
    what: "refused for want of stock, it is tried when its rest is over",
    given: snapshot({
      demand: job,
      instances: [instance({ restsSoldOut: true, restUntil: NOW + MINUTE })],
    }),
    told: [`wait sold_out ${NOW + MINUTE}`],
  },
  {
    what: "one is sold out, another rests after a start that failed",
    given: snapshot({
      demand: job,
      instances: [instance({ soldOutSince: NOW, askedAt: NOW }), second({ restUntil: NOW + 10 * MINUTE })],
    }),
    told: [`wait all_resting ${NOW + MINUTE}`],
  },
  {
    what: "two wanted, one runs",
    given: snapshot({
      policy: { ...policy, desiredRunning: 2 },
      demand: job,
      instances: [running(), second(), instance({ id: "gpu-3", priority: 3 })],
    }),
    told: ["start gpu-2 job_waiting", "keep gpu-1 jobs_pending"],
  },
];

for (const { what, given, told } of CASES) {
  test(`decide: ${what}`, () => {
    assert.deepEqual(inShort(decide(given, NOW)), told);
  });
}
