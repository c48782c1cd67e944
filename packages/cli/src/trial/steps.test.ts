/** By which signs the steps of a job and of a stop are seen; the same on a real stack is in tests/e2e/gpuctl-trial.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Happening, JobTaken } from "@gpu-power-manager/shared/history-page";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import type { Why } from "@gpu-power-manager/shared/why";
import { machineAt, statusAt } from "../answers-for-tests.ts";
import { speaker } from "../language.ts";
import { frameOf } from "./gateway-client.ts";
import { type JobSigns, jobSteps } from "./job-steps.ts";
import { placed } from "./step.ts";
import { objections, type StopSigns, stopSteps } from "./stop-steps.ts";

const say = speaker("en");
const BEGAN = Date.parse("2026-11-24T12:00:00.000Z");
const at = (ms: number) => new Date(BEGAN + ms).toISOString();

const toldAt = (
  ms: number,
  machine: Parameters<typeof machineAt>[1] = {},
  rest: Partial<PowerStatus> = {},
): PowerStatus =>
  statusAt(at(ms), { instances: [machineAt(at(ms), { comparedAt: null, ...machine })], ...rest });

const job = { type: "gpu.job.submit", taskType: "t", requestId: "r1", keyHash: "h1" } as const;
const taken: JobTaken = {
  eventId: "e1",
  type: "gpu.job.submit",
  taskType: "t",
  keyHash: "h1",
  source: "notice",
  count: 1,
  heardAt: at(10),
  storedAt: at(11),
  takenAt: at(12),
};
const about = { pool: "default", instance: "gpu-1" };
const intent = (action: "start" | "stop"): Happening => ({
  ...about,
  kind: "intent",
  at: BEGAN + 13,
  attemptId: "a1",
  action,
  reason: action === "start" ? "job_waiting" : "ordered",
});
const change = (to: "starting" | "running" | "stopping" | "stopped", ms: number): Happening => ({
  ...about,
  kind: "state",
  at: BEGAN + ms,
  from: "unknown",
  to,
  reason: "observed",
});
const offline = { type: "gpu.power.offline", request_id: "r1" };

/** What each step says of these signs: its status, or nothing while it has not come. */
function seenBySteps(signs: Partial<JobSigns>): Record<string, string> {
  const all: JobSigns = { status: toldAt(0), history: [], jobs: [], frames: [], job, ...signs };
  const steps = jobSteps(say, { startTimeoutMs: 1, waitWorker: true });
  return Object.fromEntries(
    steps.flatMap((step) => {
      const refused = step.refused?.(all, say);
      const reached = refused === undefined ? step.reached(all, say)?.status : "refused";
      return reached === undefined ? [] : [[step.id, reached]];
    }),
  );
}

const HEARD = { heard: "ok", stored: "ok", demand: "ok" };
const CASES: ReadonlyArray<{
  what: string;
  signs: Partial<JobSigns>;
  seen: Readonly<Record<string, string>>;
}> = [
  { what: "nothing has come", signs: {}, seen: {} },
  { what: "it waits at the gateway", signs: { frames: [offline] }, seen: { answered: "ok" } },
  {
    what: "an answer to another's request",
    signs: { frames: [{ type: "ack", request_id: "r2" }] },
    seen: {},
  },
  {
    what: "the gateway refuses it",
    signs: { frames: [{ type: "error", request_id: "r1", msg: "busy" }] },
    seen: { answered: "refused" },
  },
  {
    what: "it is in demand",
    signs: { frames: [offline], jobs: [taken] },
    seen: { answered: "ok", ...HEARD },
  },
  { what: "another license's job", signs: { jobs: [{ ...taken, keyHash: "h2" }] }, seen: {} },
  {
    what: "its notice was lost",
    signs: { jobs: [{ ...taken, source: "backlog" }] },
    seen: { ...HEARD, heard: "warn" },
  },
  {
    what: "a start is decided",
    signs: { jobs: [taken], history: [intent("start")] },
    seen: { ...HEARD, decided: "ok" },
  },
  {
    what: "the console has taken the start",
    signs: {
      jobs: [taken],
      history: [intent("start")],
      status: toldAt(20, {
        attempt: { action: "start", attemptId: "a1", at: at(13), sentAt: at(15), lane: "api" },
      }),
    },
    seen: { ...HEARD, decided: "ok", requested: "ok" },
  },
  {
    what: "the machine runs, and nobody saw it starting",
    signs: { jobs: [taken], history: [intent("start"), change("running", 90)] },
    seen: { ...HEARD, decided: "ok", requested: "ok", starting: "skipped", running: "ok" },
  },
  {
    what: "a machine ran before",
    signs: {
      jobs: [taken],
      status: toldAt(20, { state: "running" }),
      frames: [{ type: "ack", request_id: "r1" }],
    },
    seen: {
      answered: "ok",
      ...HEARD,
      decided: "skipped",
      requested: "skipped",
      starting: "skipped",
      running: "ok",
      worker: "ok",
    },
  },
  {
    what: "a status from before the job says nothing about it",
    signs: { jobs: [taken], status: toldAt(5, { state: "running" }) },
    seen: HEARD,
  },
  {
    what: "a machine that is being stopped serves nobody",
    signs: {
      jobs: [taken],
      status: toldAt(20, {
        state: "running",
        attempt: { action: "stop", attemptId: "a0", at: at(1), sentAt: null, lane: null },
      }),
    },
    seen: HEARD,
  },
  {
    what: "a start is under way for another job",
    signs: {
      jobs: [taken],
      history: [change("starting", 30)],
      status: toldAt(20, {
        state: "starting",
        attempt: { action: "start", attemptId: "a0", at: at(1), sentAt: at(2), lane: "page" },
      }),
    },
    seen: { ...HEARD, decided: "skipped", requested: "ok", starting: "ok" },
  },
  {
    what: "a monitor's word is no worker",
    signs: { frames: [{ type: "gpu.power.online", data: { from: "gpu_monitor" } }] },
    seen: {},
  },
  {
    what: "a worker has registered",
    signs: { frames: [{ type: "gpu.power.online", data: { source: "worker" } }] },
    seen: { worker: "ok" },
  },
];
for (const { what, signs, seen } of CASES)
  test(`a job's steps: ${what}`, () => assert.deepEqual(seenBySteps(signs), seen));

test("the steps of a stop come by power's own signs, and its refusal ends them", () => {
  const steps = stopSteps(say, 1);
  const ids = (signs: Partial<StopSigns>) => {
    const all = { status: toldAt(0), history: [], machine: "gpu-1", orderedAt: BEGAN, order: undefined };
    const given: StopSigns = { ...all, ...signs };
    return steps.filter((step) => step.reached(given, say) !== undefined).map(({ id }) => id);
  };
  assert.deepEqual(ids({}), []);
  const asked = { gatewayAskedAt: at(5) };
  assert.deepEqual(ids({ status: toldAt(9, {}, asked) }), ["asked"]);
  assert.deepEqual(
    ids({ status: toldAt(9, {}, { ...asked, pathProvenAt: at(4) }) }),
    ["asked"],
    "a proof from before the question is none",
  );
  assert.deepEqual(
    ids({ status: toldAt(9, { comparedAt: at(-1) }, { ...asked, pathProvenAt: at(6) }) }),
    ["asked", "proven"],
    "a comparison of before is none, unless power takes it for good",
  );
  const begun = {
    status: toldAt(9, { comparedAt: at(-1) }, { ...asked, pathProvenAt: at(6) }),
    order: { attemptId: "a1" },
    history: [intent("stop")],
  };
  assert.deepEqual(ids(begun), ["asked", "proven", "compared", "decided"]);
  assert.deepEqual(ids({ ...begun, history: [intent("stop"), change("stopped", 40)] }).slice(4), [
    "stopping",
    "stopped",
  ]);
  const refused: StopSigns = {
    status: toldAt(0),
    history: [],
    machine: "gpu-1",
    orderedAt: BEGAN,
    order: { refused: "A job waits." },
  };
  assert.equal(steps[0]?.refused?.(refused, say), "A job waits.");
  const failed: StopSigns = {
    ...refused,
    order: { attemptId: "a1" },
    history: [
      {
        ...about,
        kind: "outcome",
        at: BEGAN,
        attemptId: "a1",
        action: "stop",
        outcome: "sold_out",
        message: "no",
      },
    ],
  };
  assert.equal(steps.at(-1)?.refused?.(failed, say), "sold out: no");
});

test("what speaks against a stop is said by name, and by whom", () => {
  const condition = (name: string, holds: boolean, value: string) => ({
    name,
    words: { en: name, zh: name },
    holds,
    value,
    from: null,
  });
  const why = (...conditions: Array<ReturnType<typeof condition>>): Why => ({
    at: at(0),
    asOf: at(0),
    actingInstance: "power-1",
    decisions: [],
    start: [],
    stops: [{ instance: "gpu-1", conditions }],
    releases: [],
    nextAt: null,
  });
  const running = { state: "running" } as const;
  assert.deepEqual(objections("gpu-1", toldAt(0), why(), say), ["gpu-1 is stopped, not running"]);
  const early = condition("idle_long_enough", false, "x");
  assert.deepEqual(objections("gpu-1", toldAt(0, running), why(early), say), [], "a test may be early");
  const waits = condition("nothing_waits", false, "a job");
  assert.deepEqual(objections("gpu-1", toldAt(0, running), why(waits), say), [
    "not so: nothing_waits (a job)",
  ]);
  const hold = { mode: "on", at: at(0), until: null, reason: "a show", by: "anna" } as const;
  const need = { id: "n1", since: at(0), until: at(1), reason: "training", by: "ben" };
  const held = why(condition("not_held", false, "on"), condition("not_needed", false, "until x"));
  const words = objections("gpu-1", toldAt(0, running, { hold, needs: [need] }), held, say).join("; ");
  assert.match(words, /not_held \(on\).*not_needed.*hold: anna: a show.*need n1: ben: training/);
});

test("a step's time lies between the one before and the moment at which it was seen, whatever a clock says", () => {
  const when = { beganAt: BEGAN, beforeMs: 10, seenMs: 30 };
  for (const [given, expected] of [
    [undefined, 30],
    [BEGAN + 20, 20],
    [BEGAN - 300_000, 10],
    [BEGAN + 300_000, 30],
  ] as const)
    assert.equal(placed(given, when), expected);
});

test("each type of job is submitted as the gateway takes it", () => {
  const rest = { taskType: "t", requestId: "r", content: "c" };
  assert.deepEqual(frameOf({ ...rest, type: "url" }), { type: "url", url: "c" });
  assert.deepEqual(frameOf({ ...rest, type: "chatglm_video" }), {
    type: "chatglm_video",
    content: "c",
    request_id: "r",
  });
  for (const type of ["gpu.job.submit", "gpu_task"] as const)
    assert.deepEqual(frameOf({ ...rest, type }), {
      type,
      task_type: "t",
      request_id: "r",
      payload: { test: "c" },
    });
});
