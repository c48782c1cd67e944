/** Whatever is down for a while, no job is forgotten, and the machine is started once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../harness/process.ts";
import { startStack } from "../harness/stack.ts";

test("a burst of 10,000 notices is 10,000 jobs and one start", async (t) => {
  const stack = await startStack({ policy: { idleTimeout: "60s" } });
  t.after(() => stack.stop());
  const began = Date.now();
  await stack.dsp.notifyOnly(10_000, { type: "chatglm_video", key: "K1" });
  await until("every notice is counted", async () => {
    const { demand } = await stack.status();
    return demand.counts.chatglm_video === 10_000;
  });
  t.diagnostic(`10,000 notices in power's hands after ${Date.now() - began} ms`);
  await until("all are served", async () => (await stack.status()).demand.waitingJobs === 0);
  assert.equal(stack.accepted("start"), 1);
  assert.equal(await stack.listener.metric('gpu_listener_notices_total{type="chatglm_video"}'), 10_000);
  assert.equal(await stack.listener.metric("gpu_listener_outbox_depth"), 0);
});

test("jobs that arrive while power is down start the machine when it returns, each counted once", async (t) => {
  const stack = await startStack({ policy: { idleTimeout: "60s" } });
  t.after(() => stack.stop());
  await stack.power.kill();
  await stack.dsp.burst(200, { type: "url", key: "K1" });
  await until(
    "NATS holds them",
    async () => (await stack.listener.metric("gpu_listener_publish_seconds_count")) === 200,
  );
  assert.equal(stack.accepted("start"), 0);
  stack.power.start();
  await until("the machine is started", () => stack.accepted("start") === 1);
  await until("all are served", async () => (await stack.status()).demand.waitingJobs === 0);
  assert.equal((await stack.status()).demand.counts.url, 200);
  assert.equal(stack.accepted("start"), 1);
});

test("power killed in the middle of a start looks first and starts nothing twice", async (t) => {
  const stack = await startStack({ policy: { idleTimeout: "60s" }, console: { bootMs: 3_000 } });
  t.after(() => stack.stop());
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("the start is taken", () => stack.accepted("start") === 1);
  await stack.power.kill();
  stack.power.start();
  await until("the job is served", async () => (await stack.status()).demand.waitingJobs === 0);
  assert.equal(stack.accepted("start"), 1);
  assert.equal((await stack.status()).instances[0]?.failures, 0);
});

test("the gateway restarts: the listener is registered again, and the next job starts the machine", async (t) => {
  const stack = await startStack();
  t.after(() => stack.stop());
  await stack.dsp.crash();
  await until(
    "the listener says that it is not ready",
    async () => !(await stack.listener.readiness()).ready,
  );
  await stack.dsp.accept();
  const acceptedAt = Date.now();
  await stack.listener.ready();
  t.diagnostic(`registered again ${Date.now() - acceptedAt} ms after the gateway accepts`);
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("the machine is started", () => stack.accepted("start") === 1);
});

test("the listener down and up: what came meanwhile is the gateway's, what comes after is heard", async (t) => {
  const stack = await startStack();
  t.after(() => stack.stop());
  assert.equal(await stack.listener.stop(), 0);
  await until("power knows that nobody listens", async () => (await stack.status()).listeningSince === null);
  await stack.setState(0, "Running", false);
  await until(
    "power sees the machine run",
    async () => (await stack.status()).instances[0]?.state === "running",
  );
  await until("a deaf power stops nothing", async () =>
    (await stack.status()).decisions.some(({ reason }) => reason === "path_unproven"),
  );
  const startedAt = Date.now();
  stack.listener.start();
  await stack.listener.ready();
  t.diagnostic(`registered ${Date.now() - startedAt} ms after its process started`);
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("the job is heard", async () => (await stack.status()).demand.counts.url === 1);
  assert.equal(stack.accepted("stop"), 0);
});

test("NATS restarts in the middle: notices wait in the listener, and nothing is lost or doubled", async (t) => {
  const stack = await startStack({ policy: { idleTimeout: "60s" } });
  t.after(() => stack.stop());
  await stack.dsp.burst(100, { type: "url", key: "K1" });
  await stack.nats.kill();
  await stack.dsp.burst(300, { type: "url", key: "K1" });
  await until("the listener says that NATS is away", async () => {
    const { ready, words } = await stack.listener.readiness();
    return !ready && words.includes("NATS is away");
  });
  await stack.nats.resume();
  await until("all are counted", async () => (await stack.status()).demand.counts.url === 400);
  await until("all are served", async () => (await stack.status()).demand.waitingJobs === 0);
  assert.equal(stack.accepted("start"), 1);
  assert.equal((await stack.status()).demand.counts.url, 400);
});

test("a job during stopping starts the machine again, as soon as it is off", async (t) => {
  const stack = await startStack({ console: { stopMs: 2_500 } });
  t.after(() => stack.stop());
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("the idle machine is being stopped", () => stack.state() === "Stopping");
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("it is started again", () => stack.accepted("start") === 2);
  await until("the job is served", async () => (await stack.status()).demand.waitingJobs === 0);
  assert.equal(stack.accepted("stop"), 1);
});
