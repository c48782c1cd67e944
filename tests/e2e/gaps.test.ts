/** Gaps in the notification path that nothing shows but a probe. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstreamOf, storedGaps } from "../harness/jetstream.ts";
import { until } from "../harness/process.ts";
import { startStack } from "../harness/stack.ts";

test("where a registration cannot be said again, one that is lost is detected and cured by the probe", async (t) => {
  const stack = await startStack({ listenerEnv: { PROBE_INTERVAL: "500ms", PROBE_TIMEOUT: "300ms" } });
  t.after(() => stack.stop());
  const probes = (outcome: string) =>
    stack.listener.metric(`gpu_listener_probes_total{outcome="${outcome}"}`);
  await until("the path is proven", async () => ((await probes("proven")) ?? 0) >= 2);
  const client = await stack.dsp.client("K1");
  stack.dsp.registerAgain("ignored");

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

test("a gateway that passes no probe on: registering anew proves nothing, and the path stays unproven", async (t) => {
  const stack = await startStack({ listenerEnv: { PROBE_INTERVAL: "500ms", PROBE_TIMEOUT: "300ms" } });
  t.after(() => stack.stop());
  const { listener } = stack;
  const proven = async () => (await listener.metric("gpu_listener_path_proven_timestamp_seconds")) ?? 0;
  const registered = async () =>
    (await listener.metric("gpu_listener_registration_proven_timestamp_seconds")) ?? 0;
  const replaced = () => listener.metric('gpu_listener_reconnects_total{reason="replaced"}');
  await until("the path is proven", async () => (await proven()) > 0);
  stack.dsp.mute("gpu.status.query");
  await until("it registers anew, twice", async () => (await replaced()) === 2);
  const since = await proven();
  await until("and is registered", async () => (await registered()) > since + 1);
  assert.equal(await proven(), since, "the alert's clock runs on");
  assert.equal(await listener.metric("gpu_listener_gap_open"), 1);
  await until("it says why", async () => (await listener.readiness()).words.includes("gpu.status.query"));
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("a notice proves it", async () => (await proven()) > since);
  await until("and starts the machine", () => stack.accepted("start") === 1);
});

test("a gateway that passes no probe on: an idle machine stays on, but for as long as policy.stopUnproven says", async (t) => {
  const stack = await startStack({
    policy: { idleTimeout: "1s", stopUnproven: "12s" },
    listenerEnv: { PROBE_INTERVAL: "500ms", PROBE_TIMEOUT: "300ms" },
  });
  t.after(() => stack.stop());
  const { power } = stack;
  stack.dsp.mute("gpu.status.query");
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("it runs", () => stack.state() === "Running");
  await until("it is kept on for lack of a proof", async () =>
    (await stack.status()).decisions.some(({ reason }) => reason === "path_unproven"),
  );
  const idle = 'gpu_power_idle_seconds{instance="gpu-1"}';
  let longest = 0;
  await until(
    "it is stopped",
    async () => {
      longest = Math.max(longest, (await power.metric(idle)) ?? 0);
      return stack.accepted("stop") === 1;
    },
    40_000,
  );
  assert.ok(longest > 12, `it was stopped after ${longest} s`);
  const stop = power.lines.find((line) => line.includes("stop requested")) ?? "";
  assert.match(stop, /"reason":"idle_unproven"/);
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
  assert.equal(await stack.power.metric(stage), 0, "a running machine is not a worker");
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
  await until("with no task left it is stopped", () => stack.accepted("stop") === 1);
});

test("the gateway restarts with stale numbers, one of them now another client's: jobs are heard, none is started twice", async (t) => {
  const stack = await startStack({ listenerEnv: { PROBE_INTERVAL: "500ms", PROBE_TIMEOUT: "300ms" } });
  t.after(() => stack.stop());
  const stale = await stack.dsp.store.monitors();
  await stack.dsp.crash();
  await stack.dsp.accept();
  const began = Date.now();
  // Numbers begin anew: somebody gets the one under which Redis still knows the monitor.
  const clients = [];
  for (let index = 0; index < Math.max(...stale) + 1; index += 1)
    clients.push(await stack.dsp.client(`C${index}`));
  await stack.listener.ready();
  const registered = Date.now() - began;
  t.diagnostic(`registered ${registered} ms after the gateway accepts`);
  assert.ok(registered <= 2_000, `${registered} ms`);
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("the job starts the machine", () => stack.accepted("start") === 1);
  await until("it is served", async () => (await stack.status()).demand.waitingJobs === 0);
  assert.equal((await stack.status()).demand.counts.url, 1);
  assert.ok(
    clients.some(({ frames }) => frames.some(({ type }) => type === "url")),
    "the gateway did tell the client that has the monitor's old number",
  );
  for (const client of clients) await client.close();
});

test("the gateway away: said in words, measured as a gap, recorded; back within 2 s of its return", async (t) => {
  const stack = await startStack({ backlog: true });
  t.after(() => stack.stop());
  const spy = await jetstreamOf(stack.nats.url);
  t.after(() => spy.close());
  await stack.dsp.crash();
  await until("it says so", async () =>
    (await stack.listener.readiness()).words.includes("cannot be reached"),
  );
  assert.equal(await stack.listener.metric("gpu_listener_gap_open"), 1);
  const seconds = () => stack.listener.metric('gpu_listener_gap_seconds_total{cause="disconnected"}');
  await until("the open gap grows", async () => ((await seconds()) ?? 0) >= 3);
  // A job that is queued meanwhile, by a gateway whose socket is down: nobody is told.
  await stack.dsp.store.queue("K1", { type: "url", url: "https://example.com", key: "K1" });
  await until("the backlog alone starts the machine", () => stack.accepted("start") === 1);
  await stack.dsp.accept();
  const began = Date.now();
  await stack.listener.ready();
  const back = Date.now() - began;
  assert.ok(back <= 2_000, `${back} ms`);
  t.diagnostic(`registered ${back} ms after the gateway accepts`);
  const [gap] = await until("the gap is recorded", async () => {
    const gaps = await storedGaps(spy);
    return gaps.length > 0 ? gaps : undefined;
  });
  assert.partialDeepStrictEqual(gap, { cause: "disconnected", covered: false, recovered: 1 });
  assert.equal(await stack.listener.metric("gpu_listener_gap_open"), 0);
  const counted = (await seconds()) ?? 0;
  assert.ok(gap !== undefined && Math.abs((gap.to - gap.from) / 1_000 - counted) < 0.1, `${counted}`);
});

test("without the gateway's Redis everything else works; a long gap is taken for a job where that is asked for", async (t) => {
  const stack = await startStack({ listenerEnv: { ON_GAP: "assume-demand", ASSUME_AFTER: "3s" } });
  t.after(() => stack.stop());
  const spy = await jetstreamOf(stack.nats.url);
  t.after(() => spy.close());
  assert.equal(await stack.listener.metric("gpu_listener_backlog_configured"), 0);
  assert.match((await stack.listener.readiness()).words, /DSP_REDIS_URL is not set/);
  await stack.dsp.crash();
  await stack.dsp.accept();
  await stack.listener.ready();
  await until("the short gap is recorded", async () => (await storedGaps(spy)).length === 1);
  assert.equal(await stack.listener.metric("gpu_listener_gap_jobs_assumed_total"), 0);
  await stack.dsp.crash();
  const seconds = () => stack.listener.metric('gpu_listener_gap_seconds_total{cause="disconnected"}');
  const before = (await seconds()) ?? 0;
  await until("a longer gap", async () => ((await seconds()) ?? 0) >= before + 3.5);
  await stack.dsp.accept();
  await until("it is taken for a job", () => stack.accepted("start") === 1);
  assert.equal(await stack.listener.metric("gpu_listener_gap_jobs_assumed_total"), 1);
  const gaps = await storedGaps(spy);
  assert.deepEqual(
    gaps.map(({ recovered }) => recovered),
    [null, null],
    "what cannot be known is not said to be 0",
  );
});

test("a listener that was down tells the next one since when", async (t) => {
  const stack = await startStack();
  t.after(() => stack.stop());
  const spy = await jetstreamOf(stack.nats.url);
  t.after(() => spy.close());
  assert.equal(await stack.listener.stop(), 0);
  const stoppedAt = Date.now();
  stack.listener.start();
  await stack.listener.ready();
  const readyAt = Date.now();
  const [gap] = await until("the gap is recorded", async () => {
    const gaps = await storedGaps(spy);
    return gaps.length > 0 ? gaps : undefined;
  });
  assert.ok(gap !== undefined);
  assert.equal(gap.cause, "listener_down");
  assert.ok(gap.from >= stoppedAt - 1_000 && gap.from <= stoppedAt, `${gap.from - stoppedAt}`);
  assert.ok(gap.to >= stoppedAt && gap.to <= readyAt);
  assert.equal(await stack.listener.metric('gpu_listener_gaps_total{cause="listener_down"}'), 1);
});

test("a gap that is open at a clean stop is in history, even while Redis hangs; the next listener looks for what was missed", async (t) => {
  const stack = await startStack({ backlog: true, policy: { idleTimeout: "60s" } });
  t.after(() => stack.stop());
  const { listener } = stack;
  const spy = await jetstreamOf(stack.nats.url);
  t.after(() => spy.close());
  await until("the path is proven", async () => (await listener.metric("gpu_listener_gap_open")) === 0);
  await stack.dsp.crash();
  await until("a gap is open", async () => (await listener.metric("gpu_listener_gap_open")) === 1);
  process.kill(stack.redis.pid, "SIGSTOP");
  const readAt = async () => (await listener.metric("gpu_listener_backlog_checked_timestamp_seconds")) ?? 0;
  await until("a reading hangs", async () => Date.now() / 1_000 - (await readAt()) > 1);
  const began = Date.now();
  assert.equal(await listener.stop(), 0);
  const took = Date.now() - began;
  t.diagnostic(`stopped in ${took} ms`);
  assert.ok(took < 2_500, `${took} ms`);
  const [gap, ...others] = await storedGaps(spy);
  assert.partialDeepStrictEqual(gap, { cause: "disconnected", covered: false, recovered: null });
  assert.deepEqual(others, []);

  process.kill(stack.redis.pid, "SIGCONT");
  await stack.dsp.accept();
  await stack.dsp.submit({ type: "url", key: "K1" });
  listener.start();
  await until("the job of the gap starts the machine", () => stack.accepted("start") === 1);
  await until("the rest of the gap is recorded with what was recovered", async () =>
    (await storedGaps(spy)).some(({ cause, recovered }) => cause === "listener_down" && recovered === 1),
  );
});
