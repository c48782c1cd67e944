/** Gaps in the notification path that nothing shows but a probe. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../harness/process.ts";
import { startStack } from "../harness/stack.ts";

test("a registration lost while the socket stays open is detected and cured by the probe", async (t) => {
  const stack = await startStack({ listenerEnv: { PROBE_INTERVAL: "500ms", PROBE_TIMEOUT: "300ms" } });
  t.after(() => stack.stop());
  const probes = (outcome: string) =>
    stack.listener.metric(`gpu_listener_probes_total{outcome="${outcome}"}`);
  await until("the path is proven", async () => ((await probes("proven")) ?? 0) >= 2);
  const client = await stack.dsp.client("K1");

  await stack.dsp.flushRedis();
  const lostAt = Date.now();
  await until(
    "the loss is noticed",
    async () => (await stack.listener.metric('gpu_listener_reconnects_total{reason="replaced"}')) === 1,
  );
  await stack.listener.ready();
  t.diagnostic(
    `detected and registered anew ${Date.now() - lostAt} ms after the loss (probe interval 500 ms)`,
  );
  await stack.dsp.submit({ type: "url", key: "K2" });
  await until("the next job starts the machine", () => stack.accepted("start") === 1);
  assert.equal(
    stack.dsp.heard.filter(({ frame }) => frame.includes("gpu-power-probe-")).length,
    0,
    "no probe is answered",
  );
  assert.ok(
    client.frames.every(({ type }) => type !== "gpu.status.response"),
    "real clients see nothing of probes",
  );
  await client.close();
});

test("a worker that comes online is told to power, which measures how long it took", async (t) => {
  const stack = await startStack({ policy: { idleTimeout: "60s" } });
  t.after(() => stack.stop());
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until(
    "the machine is seen running",
    async () => (await stack.status()).instances[0]?.state === "running",
  );
  const stage = 'gpu_power_start_latency_seconds_count{instance="gpu-1",stage="worker"}';
  assert.equal(await stack.power.metric(stage), undefined, "a running machine is not a worker");
  const worker = await stack.dsp.worker();
  await until("the stage is measured", async () => (await stack.power.metric(stage)) === 1);
  await worker.close();
});

test("before an idle stop the gateway is asked; a task that it names keeps the machine on", async (t) => {
  const stack = await startStack({ newerGateway: true, policy: { idleTimeout: "1500ms" } });
  t.after(() => stack.stop());
  stack.dsp.activeTasks = 1;
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until(
    "it was asked twice",
    () => stack.dsp.heard.filter(({ frame }) => frame.includes("gpu.task.query")).length >= 2,
    30_000,
  );
  assert.equal(stack.accepted("stop"), 0);
  stack.dsp.activeTasks = 0;
  await until("with no task left it is stopped", () => stack.accepted("stop") === 1, 30_000);
});
