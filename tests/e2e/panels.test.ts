/** After a job, every panel shows something: each query of the dashboards is asked of a real Prometheus. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { z } from "zod";
import { startPrometheus } from "../../scripts/demo/prometheus.ts";
import { readDashboards } from "../harness/dashboards.ts";
import { freePort, until } from "../harness/process.ts";
import { type Stack, startStack } from "../harness/stack.ts";

/** Targets that may show nothing after a job on which all went well, and why; by dashboard, panel, query. */
const MAY_BE_EMPTY: Readonly<Record<string, string>> = {
  "gpu-power-overview / Alerts / A": "nothing is wrong, so no alert fires",
  "gpu-power-overview / Stopped by the provider in / A": "nobody has planned a stop at the stand-in",
  "gpu-power-overview / Sold out / A": "the stand-in's list does not tell of stock, and no start was refused",
  "gpu-power-overview / Paid time left / A": "the stand-in's machines are paid by use",
  "gpu-power-console / Signed API / A": "no keys are set here, so the API is not used",
  "gpu-power-console / Session ends in / A": "power logs in by itself here, and so will again",
  "gpu-power-notifications / Frames not understood / B":
    "a type appears with its first frame that has a wrong field, and the gateway sent none",
  "gpu-power-runtime / Disk free / B": "some file systems set no limit of inodes",
  "gpu-power-runtime / Certificates end in / A": "neither gateway nor console speaks TLS here",
};

/** What Grafana would put in, for a Prometheus that scrapes every second. */
const VARIABLES: ReadonlyArray<readonly [string, string]> = [
  ["$__rate_interval", "5s"],
  ["$__interval", "5s"],
  ["$__range", "2m"],
  ["$pool", ".*"],
  ["$instance", ".*"],
];
const STEP_SECONDS = 1;

const Sample = z.tuple([z.number(), z.string()]);
const Answer = z.object({
  status: z.literal("success"),
  data: z.object({
    result: z.array(z.object({ value: Sample.optional(), values: z.array(Sample).default([]) })),
  }),
});
const Names = z.object({ status: z.literal("success"), data: z.array(z.string()) });

function substituted(expr: string): string {
  let text = expr;
  for (const [name, value] of VARIABLES) text = text.replaceAll(name, value);
  assert.ok(!text.includes("$"), `a variable that this test does not know: ${text}`);
  return text;
}

const dashboards = readDashboards();
let stack: Stack;
let prometheus: Awaited<ReturnType<typeof startPrometheus>>;
const beganAt = Date.now() / 1_000;
/** While the machine ran, and when it was off again. */
const moments: number[] = [];
const moment = () => moments.push(Date.now() / 1_000);

async function get(path: string, parameters: Readonly<Record<string, string>>): Promise<unknown> {
  const url = `${prometheus.url}/api/v1/${path}?${new URLSearchParams(parameters)}`;
  return await (await fetch(url)).json();
}

/** Whether a query gives at least one number; an error of Prometheus fails the test. */
async function hasData(expr: string, instant: boolean): Promise<boolean> {
  const query = substituted(expr);
  const asked = instant
    ? moments.map((time) => get("query", { query, time: String(time) }))
    : [
        get("query_range", {
          query,
          start: String(beganAt),
          end: String(Date.now() / 1_000),
          step: String(STEP_SECONDS),
        }),
      ];
  for (const body of await Promise.all(asked)) {
    const parsed = Answer.safeParse(body);
    assert.ok(parsed.success, `${query}: ${JSON.stringify(body)}`);
    const samples = parsed.data.data.result.flatMap(({ value, values }) => [
      ...(value === undefined ? [] : [value]),
      ...values,
    ]);
    if (samples.some(([, value]) => value !== "NaN")) return true;
  }
  return false;
}

/** One job from notice to idle stop, with a worker on the machine. */
async function runJob(requestId: string, starts: number): Promise<void> {
  const job = { key: `key-${requestId}`, taskType: "heygem_submit", requestId };
  await stack.dsp.submit({ type: "gpu.job.submit", ...job });
  await until("the console takes the start", () => stack.accepted("start") === starts);
  await until("the machine runs", () => stack.state() === "Running");
  const worker = await stack.dsp.worker();
  await worker.next((frame) => frame.type === "gpu.job.submit" && frame.request_id === requestId);
  worker.send({
    type: "gpu.job.result",
    key: job.key,
    task_type: job.taskType,
    request_id: requestId,
    result: {},
  });
  await until("power sees the worker", async () => {
    return (await stack.power.metric('gpu_power_worker_online{instance="gpu-1"}')) === 1;
  });
  await until("Prometheus has seen it, too", async () => {
    moment();
    return (await prometheus.query('gpu_power_worker_online{instance="gpu-1"}')) === 1;
  });
  await until("the idle machine is stopped", () => stack.accepted("stop") === starts);
  await worker.close();
  await until("power sees it off", async () => (await stack.status()).instances[0]?.state === "stopped");
}

before(async () => {
  stack = await startStack({
    backlog: true,
    policy: {
      budget: { month: { amount: 100 } },
      schedules: [{ name: "all day", effect: "quiet", from: "0 0 * * *", until: "24:00", idleTimeout: "1h" }],
    },
    listenerEnv: { PROBE_INTERVAL: "1s" },
  });
  const services = { listener: stack.listener.url, power: stack.power.url };
  prometheus = await startPrometheus(stack.dir, await freePort(), services, { timesQuicker: 1 });
  // What happens before the first scrape is in no increase.
  for (const job of ["listener", "power"])
    await until(`Prometheus knows the ${job}`, async () => {
      return (await prometheus.query(`up{job="${job}"}`)) === 1;
    });
  // The gateway falls over and comes back: a gap, and a reconnect.
  await stack.dsp.crash();
  await until("a gap is open", async () => (await stack.listener.metric("gpu_listener_gap_open")) === 1);
  await stack.dsp.accept();
  await stack.listener.ready();
  // The second job has what the first one made appear: a rate needs two values.
  await runJob("job-1", 1);
  await runJob("job-2", 2);
  await until("Prometheus has seen the end", async () => {
    return (await prometheus.query('gpu_power_instance_state{state="stopped"}')) === 1;
  });
  moment();
});

after(async () => {
  await prometheus?.stop();
  await stack?.stop();
});

for (const { uid, panels, templating, annotations } of dashboards) {
  test(`${uid}: every panel has data`, async (t) => {
    for (const { title, targets } of panels)
      for (const { refId, expr, instant } of targets) {
        const name = `${uid} / ${title} / ${refId}`;
        const found = await hasData(expr, instant === true);
        if (!found) {
          assert.ok(MAY_BE_EMPTY[name] !== undefined, `${name} is empty: ${substituted(expr)}`);
          t.diagnostic(`${name} is empty: ${MAY_BE_EMPTY[name]}`);
        }
      }
  });

  test(`${uid}: every variable has values`, async () => {
    for (const { name, query } of templating.list) {
      const [, series, label] = /^label_values\((.+), (\w+)\)$/.exec(query) ?? [];
      assert.ok(series !== undefined && label !== undefined, query);
      const answer = Names.parse(await get(`label/${label}/values`, { "match[]": substituted(series) }));
      assert.deepEqual(answer.data, [name === "pool" ? "default" : "gpu-1"], query);
    }
  });

  test(`${uid}: every annotation finds what happened`, async () => {
    for (const { name, target } of annotations.list)
      assert.ok(target.expr !== undefined && (await hasData(target.expr, false)), `${name} finds nothing`);
  });
}

test("the list of what may be empty names only what there is", () => {
  const names = new Set(
    dashboards.flatMap(({ uid, panels }) =>
      panels.flatMap(({ title, targets }) => targets.map(({ refId }) => `${uid} / ${title} / ${refId}`)),
    ),
  );
  for (const name of Object.keys(MAY_BE_EMPTY)) assert.ok(names.has(name), name);
});
