/** Somebody deletes the buckets of state while everything runs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "nats";
import { until } from "../harness/process.ts";
import { startStack } from "../harness/stack.ts";

/** What each service keeps. */
const KEYS = {
  gpu_power: ["lease.default", "demand.default", "instance.default.gpu-1", "hold.default"],
  gpu_listener: ["listener.default.path", "listener.default.ledger"],
};

test("they are made again with all that the services know, and nothing is started, forgotten or let go for it", async (t) => {
  const stack = await startStack({ backlog: true, policy: { idleTimeout: "60s" } });
  const connection = await connect({ servers: stack.nats.url });
  t.after(async () => {
    await connection.close();
    await stack.stop();
  });
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("the job is served", async () => {
    const { demand, instances } = await stack.status();
    return demand.counts.url === 1 && demand.waitingJobs === 0 && instances[0]?.state === "running";
  });
  const bucket = async (name: string) =>
    await connection.jetstream().views.kv(name, { allow_direct: false, bindOnly: true });
  const kv = await bucket("gpu_power");
  const order = { version: 1, mode: "as_is", at: 1, until: null, reason: "maintenance", by: "test" };
  await kv.put("hold.default", JSON.stringify(order));
  await until("power holds", async () => (await stack.status()).hold !== null);
  const read = async (key: string) => (await kv.get(key))?.string();
  const missing = async () => {
    const found: string[] = [];
    for (const [name, keys] of Object.entries(KEYS)) {
      const of = await bucket(name);
      for (const key of keys) if ((await of.get(key)) === null) found.push(key);
    }
    return found;
  };
  await until("everything is kept", async () => (await missing()).length === 0);
  const started = await stack.power.metric(
    'gpu_power_start_latency_seconds_count{instance="gpu-1",stage="total"}',
  );
  const uptime = () => stack.power.metric('gpu_power_uptime_seconds_total{instance="gpu-1"}');
  const before = await until("uptime is counted", uptime);
  const deletedAt = Date.now();
  const manager = await connection.jetstreamManager();
  for (const name of Object.keys(KEYS)) await manager.streams.delete(`KV_${name}`);
  await until("everything is there again", async () => (await missing()).length === 0);
  t.diagnostic(`all of it is there again after ${Date.now() - deletedAt} ms`);
  assert.equal(await read("hold.default"), JSON.stringify(order));
  for (const service of [stack.listener, stack.power]) {
    await until(`${service.name} says so`, () =>
      service.lines.some(
        (line) => line.includes('"level":40') && line.includes("state bucket in NATS was deleted"),
      ),
    );
    assert.ok((await service.readiness()).ready);
  }

  // The next power finds what there was: the job that was counted, the run that began before, the order.
  assert.equal(await stack.power.stop(), 0);
  stack.power.start();
  await stack.power.ready();
  const { demand, hold } = await stack.status();
  assert.equal(demand.counts.url, 1);
  assert.equal(hold?.reason, "maintenance");
  assert.ok(((await uptime()) ?? 0) >= before);
  assert.equal(started, 1);
  assert.equal(stack.accepted("start"), 1);
  assert.equal(stack.accepted("stop"), 0);
});
