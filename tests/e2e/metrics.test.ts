/** What is measured is true: held against what the stand-ins know, in each phase of a job. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { INSTANCE_STATES } from "@gpu-power-manager/shared/events";
import { until } from "../harness/process.ts";
import { type Stack, startStack } from "../harness/stack.ts";

const PRICE_PER_SECOND = 1.88 / 3_600;

async function scrape(url: string): Promise<string> {
  return await (await fetch(`${url}/metrics`)).text();
}

/** Our own series; those of the runtime depend on what it happens to do, and know nothing of jobs. */
const seriesOf = (text: string) =>
  text
    .split("\n")
    .filter((line) => line.startsWith("gpu_"))
    .map((line) => line.slice(0, line.lastIndexOf(" ")));

/** Scrapes both services and holds that promtool finds nothing to say. */
async function holdsClean({ listener, power }: Stack, phase: string): Promise<void> {
  for (const { name, url } of [listener, power]) {
    const input = await scrape(url);
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
      input,
      encoding: "utf8",
    });
    assert.deepEqual([status, stdout, stderr], [0, "", ""], `${name}, ${phase}`);
  }
}

/** Exactly one state is 1, and it is the one that the console shows. */
async function stateIs(stack: Stack, state: string): Promise<void> {
  for (const each of INSTANCE_STATES) {
    const value = await stack.power.metric(`gpu_power_instance_state{instance="gpu-1",state="${each}"}`);
    assert.equal(value, each === state ? 1 : 0, `${each} while the console shows ${stack.state()}`);
  }
}

test("each phase of a job is measured as the stand-ins know it, across a restart too", async (t) => {
  const stack = await startStack({ backlog: true, policy: { idleTimeout: "4s", budgetPerMonth: 800 } });
  t.after(() => stack.stop());
  const power = async (series: string) => await stack.power.metric(series);
  const listener = async (series: string) => await stack.listener.metric(series);
  const uptime = async () => (await power('gpu_power_uptime_seconds_total{instance="gpu-1"}')) ?? 0;
  const machine = () => {
    const { nowMs, machines } = stack.console.state();
    const found = machines.find(({ UHostId }) => UHostId === stack.ids[0]);
    assert.ok(found !== undefined);
    return { nowMs, ...found };
  };

  await holdsClean(stack, "off");
  await stateIs(stack, "stopped");
  assert.equal(await uptime(), 0);
  assert.equal(await power("gpu_power_leader"), 1);
  assert.equal(await power('gpu_power_budget{period="month",currency="CNY"}'), 800);
  assert.equal(await power('gpu_power_budget_warn_ratio{period="month",currency="CNY"}'), 0.8);
  assert.equal(await power('gpu_power_idle_seconds{instance="gpu-1"}'), undefined, "off is not idle");
  assert.equal(await power("gpu_power_idle_limit_seconds"), 4, "as the pool file says");
  assert.equal(await power('gpu_power_worker_online{instance="gpu-1"}'), undefined);
  assert.equal(await power('gpu_power_console_session{state="logged_in"}'), 1);
  assert.equal(await listener("gpu_listener_registered"), 1);
  assert.ok(((await power('gpu_power_stream_limit_bytes{stream="GPU_JOBS"}')) ?? 0) > 0);

  stack.console.turn({ bootMs: 6_000, initializing: "never" });
  await stack.dsp.submit({ type: "gpu.job.submit", key: "K1", taskType: "heygem_submit", requestId: "r1" });
  await until("it boots", () => stack.state() === "Starting");
  await until("power sees it", async () => (await stack.status()).instances[0]?.state === "starting");
  await stateIs(stack, "starting");
  assert.equal(await power("gpu_power_pending_jobs"), 1);
  assert.ok(((await power("gpu_power_oldest_pending_seconds")) ?? 0) > 0);
  assert.equal(await uptime(), 0, "booting is not running");
  await until("power has taken every event", async () => (await power("gpu_power_consumer_pending")) === 0);
  await holdsClean(stack, "starting");

  await until("it runs", () => stack.state() === "Running");
  await until("the job is served", async () => (await power("gpu_power_pending_jobs")) === 0);
  await stateIs(stack, "running");
  // As long as no worker takes the job from the gateway, its backlog asks for a look now and then.
  assert.ok(((await power("gpu_power_oldest_pending_seconds")) ?? 60) < 1);
  assert.equal(await power('gpu_power_worker_online{instance="gpu-1"}'), 0);
  const worker = await stack.dsp.worker();
  await until(
    "the worker is known",
    async () => (await power('gpu_power_worker_online{instance="gpu-1"}')) === 1,
  );
  for (const stage of ["decide", "command", "boot", "worker", "total"]) {
    const count = `gpu_power_start_latency_seconds_count{instance="gpu-1",stage="${stage}"}`;
    assert.equal(await power(count), 1, stage);
  }
  const boot = (await power('gpu_power_start_latency_seconds_sum{instance="gpu-1",stage="boot"}')) ?? 0;
  assert.ok(boot >= 6 && boot < 7, `a boot of 6 s was measured as ${boot} s`);
  await until("it has run for two seconds", () => machine().nowMs - machine().sinceMs >= 2_000);
  const ran = machine();
  const measured = await uptime();
  const truth = (ran.nowMs - ran.sinceMs) / 1_000;
  t.diagnostic(`running: uptime ${measured.toFixed(3)} s, truth ${truth.toFixed(3)} s`);
  assert.ok(Math.abs(measured - truth) < 1);
  await holdsClean(stack, "running");

  const { sinceMs } = machine();
  worker.send({
    type: "gpu.job.result",
    key: "K1",
    task_type: "heygem_submit",
    request_id: "r1",
    result: {},
  });
  await until("idleness stops it", () => stack.state() === "Stopping");
  const whole = (machine().sinceMs - sinceMs) / 1_000;
  await until("power sees it off", async () => (await stack.status()).instances[0]?.state === "stopped");
  await worker.close();
  await stateIs(stack, "stopped");
  const after = await uptime();
  t.diagnostic(`off: uptime ${after.toFixed(3)} s, truth ${whole.toFixed(3)} s`);
  assert.ok(Math.abs(after - whole) < 1);
  const cost = (await power('gpu_power_cost_total{instance="gpu-1",currency="CNY"}')) ?? 0;
  assert.ok(Math.abs(cost - after * PRICE_PER_SECOND) < 1e-9, `${cost}`);
  for (const action of ["start", "stop"] as const) {
    const sum = async (outcome: string) => {
      const lanes = ["api", "page", "none"].map((lane) =>
        power(
          `gpu_power_actions_total{instance="gpu-1",action="${action}",lane="${lane}",outcome="${outcome}"}`,
        ),
      );
      return (await Promise.all(lanes)).reduce((total: number, each) => total + (each ?? 0), 0);
    };
    assert.equal(await sum("accepted"), stack.accepted(action));
    assert.equal(await sum("succeeded"), stack.accepted(action));
  }
  assert.equal(
    await listener('gpu_listener_notices_total{type="gpu.job.submit"}'),
    stack.dsp.notified["gpu.job.submit"],
  );
  assert.equal(await listener('gpu_listener_notices_missed_total{source="backlog"}'), 0);
  await holdsClean(stack, "off again");

  assert.equal(await stack.power.stop(), 0);
  stack.power.start();
  await stack.power.ready();
  assert.equal(await uptime(), after, "uptime continues across a restart");
  assert.equal(await power('gpu_power_cost_total{instance="gpu-1",currency="CNY"}'), cost);
});

test("ten thousand licenses and as many requests add no series", async (t) => {
  const stack = await startStack({ policy: { idleTimeout: "60s" } });
  t.after(() => stack.stop());
  // One of each kind first, and a whole start: what has a series gets it here.
  const send = async (index: number) => {
    const key = `license-${index}`;
    await stack.dsp.notifyOnly(1, { type: "url", key });
    const request = { request_id: `r-${index}`, task_type: `type-${index}` };
    await stack.dsp.notifyOnly(1, { type: "gpu.job.submit", key, ...request });
    await stack.dsp.notifyOnly(1, { type: `made-up-${index}`, key });
  };
  await send(0);
  await until("it runs and the jobs are served", async () => {
    const { instances, demand } = await stack.status();
    return instances[0]?.state === "running" && demand.waitingJobs === 0;
  });
  const count = async () => {
    const of = await Promise.all([stack.listener.url, stack.power.url].map(scrape));
    return of.map(seriesOf);
  };
  const before = await count();
  for (let index = 1; index < 10_000; index += 1) await send(index);
  await until(
    "every job is counted",
    async () => {
      const { counts } = (await stack.status()).demand;
      return counts.url === 10_000 && counts["gpu.job.submit"] === 10_000;
    },
    60_000,
  );
  const after = await count();
  t.diagnostic(`series of the listener and of power: ${after.map(({ length }) => length).join(" and ")}`);
  assert.deepEqual(after, before);
  for (const text of await Promise.all([stack.listener.url, stack.power.url].map(scrape)))
    assert.doesNotMatch(text, /license-|r-\d|made-up/);
});
