/** The listener alone between a misbehaving gateway and a NATS that comes and goes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CLOSE_REASONS } from "../../services/listener/src/gateway/session.ts";
import { GARBAGE_KINDS } from "../../sim/dsp/src/garbage.ts";
import { startGateway } from "../../sim/dsp/src/gateway.ts";
import { loneListener } from "../harness/lone-listener.ts";
import { makePrivateCa, serveTls } from "../harness/private-ca.ts";
import { freePort, until } from "../harness/process.ts";
import { startNats, startRedis } from "../harness/servers.ts";
import { Service } from "../harness/service.ts";

const PONGS = 'gpu_listener_frames_total{type="pong"}';

test("a connection that is open but dead is replaced within 10 s, with the default settings", async (t) => {
  const { dsp, listener, stored } = await loneListener(t);
  listener.start();
  await listener.ready();
  dsp.halfOpen();
  const began = Date.now();
  await until(
    "it is replaced",
    async () => (await listener.metric('gpu_listener_reconnects_total{reason="pong_timeout"}')) === 1,
    15_000,
  );
  await listener.ready();
  const took = Date.now() - began;
  assert.ok(took <= 10_000, `${took} ms`);
  t.diagnostic(`replaced and registered ${took} ms after it went dead`);
  await dsp.submit({ type: "url", key: "K1" });
  await until("the next notice is heard", async () => (await stored()).length === 1);
});

test("the gateway's Redis is flushed: known again within 5 s on the same connection, with the default settings", async (t) => {
  const { dsp, listener, stored } = await loneListener(t);
  listener.start();
  await listener.ready();
  await dsp.flushRedis();
  const flushedAt = Date.now();
  await until("the gateway knows the monitor again", async () => (await dsp.store.monitors()).length === 1);
  const took = Date.now() - flushedAt;
  assert.ok(took <= 5_000, `${took} ms`);
  t.diagnostic(`known again ${took} ms after the flush`);
  await dsp.submit({ type: "url", key: "K1" });
  await until("the next notice is heard", async () => (await stored()).some(({ kind }) => kind === "job"));
  // A worker is announced to clients alone: the probe's connection is known again, too.
  await until("so is the client", async () => (await dsp.store.clients()).length === 2);
  const worker = await dsp.worker();
  await until("the worker is heard of", async () =>
    (await stored()).some(({ kind }) => kind === "worker_online"),
  );
  await worker.close();
  for (const reason of CLOSE_REASONS)
    assert.equal(await listener.metric(`gpu_listener_reconnects_total{reason="${reason}"}`), 0, reason);
});

test("a gateway that closes on a registration that is said again is told so once, and pinged from then on", async (t) => {
  const quick = { REGISTER_AGAIN: "100ms", QUIET_LIMIT: "100ms", PONG_TIMEOUT: "5s" };
  const { dsp, listener, stored } = await loneListener(t, quick);
  dsp.registerAgain("closed");
  listener.start();
  await until("it is pinged", async () => ((await listener.metric(PONGS)) ?? 0) >= 5);
  await listener.ready();
  const closed = 'gpu_listener_reconnects_total{reason="closed_by_gateway"}';
  assert.equal(await listener.metric(closed), 1);
  await dsp.submit({ type: "url", key: "K1" });
  await until("the next notice is heard", async () => (await stored()).length === 1);
  const words = listener.lines.filter((line) => line.includes("closes on a registration that is said again"));
  assert.equal(words.length, 2, "once for each of the two connections");
});

test("a flood that NATS does not keep up with costs no notice, and no connection", async (t) => {
  const quick = { OUTBOX_LIMIT: "100", PROBE_INTERVAL: "500ms", PROBE_TIMEOUT: "400ms" };
  const { nats, dsp, listener, stored } = await loneListener(t, quick);
  listener.start();
  await listener.ready();
  process.kill(nats.pid, "SIGSTOP");
  const probed = () => dsp.notified["gpu.status.query"] ?? 0;
  await dsp.notifyOnly(5_000, { type: "url", key: "K1" });
  const before = probed();
  await until("it has probed again and again while it does not read", () => probed() >= before + 6);
  process.kill(nats.pid, "SIGCONT");
  await until("every notice is stored", async () => {
    const events = await stored();
    return events.reduce((sum, event) => sum + (event.kind === "job" ? event.count : 0), 0) === 5_000;
  });
  assert.equal(await listener.metric('gpu_listener_reconnects_total{reason="replaced"}'), 0);
  assert.equal(await listener.metric('gpu_listener_probes_total{outcome="timeout"}'), 0);
  await until(
    "and the path is proven again",
    async () => ((await listener.metric('gpu_listener_probes_total{outcome="proven"}')) ?? 0) >= 2,
  );
});

test("garbage of every kind is counted with its reason, and the next notice is heard", async (t) => {
  const { dsp, listener, stored } = await loneListener(t);
  listener.start();
  await listener.ready();
  for (const kind of GARBAGE_KINDS) {
    await listener.ready();
    await dsp.garbage(kind);
  }
  const rejected = (reason: string) =>
    listener.metric(`gpu_listener_frames_rejected_total{reason="${reason}"}`);
  for (const reason of ["not_json", "not_an_object", "wrong_shape", "binary", "too_large"]) {
    await until(`${reason} is counted`, async () => ((await rejected(reason)) ?? 0) >= 1);
  }
  await listener.ready();
  await dsp.submit({ type: "gpu_task", key: "K1", taskType: "t" });
  await until("the notice is heard", async () =>
    (await stored()).some((event) => event.kind === "job" && event.taskType === "t"),
  );
  // One of the kinds is a job whose other fields are damaged: it is a job all the same.
  assert.equal((await stored()).filter((event) => event.kind === "job").length, 2);
});

test("it registers and keeps notices while NATS is not there yet, and over a stop", async (t) => {
  const { nats, dsp, listener, stored } = await loneListener(t);
  await nats.halt();
  listener.start();
  await until("it is registered", async () => (await listener.metric("gpu_listener_registered")) === 1);
  await dsp.burst(50, { type: "url", key: "K1" });
  await until("they are held", async () => (await listener.metric("gpu_listener_outbox_depth")) === 50);
  const began = Date.now();
  assert.equal(await listener.stop(), 0);
  assert.ok(Date.now() - began < 10_000);
  await nats.resume();
  listener.start();
  await listener.ready();
  await until("NATS has them all", async () => (await stored()).length === 50);
  assert.equal(new Set((await stored()).map(({ eventId }) => eventId)).size, 50);
});

test("past the outbox's limit jobs fold: the count is right, the memory bounded", async (t) => {
  const { nats, dsp, listener, stored } = await loneListener(t, { OUTBOX_LIMIT: "100" });
  listener.start();
  await listener.ready();
  await nats.kill();
  await until("it knows", async () => !(await listener.readiness()).ready);
  await dsp.notifyOnly(5_000, { type: "url", key: "K1" });
  await until(
    "all are counted",
    async () => (await listener.metric('gpu_listener_notices_total{type="url"}')) === 5_000,
  );
  assert.ok(((await listener.metric("gpu_listener_outbox_depth")) ?? 999) <= 110);
  await nats.resume();
  await until("NATS has every job", async () => {
    const events = await stored();
    return events.reduce((sum, event) => sum + (event.kind === "job" ? event.count : 0), 0) === 5_000;
  });
});

test("a notice that comes twice with its request id is stored once", async (t) => {
  const { dsp, listener, stored } = await loneListener(t);
  listener.start();
  await listener.ready();
  dsp.notifyTwice(true);
  await dsp.submitOverHttp("K1", "t", "r1");
  await until(
    "both copies came",
    async () => (await listener.metric('gpu_listener_notices_total{type="gpu.job.submit"}')) === 2,
  );
  await dsp.submit({ type: "url", key: "K1" });
  await until(
    "what came later is stored",
    async () => (await stored()).filter((event) => event.kind === "job" && event.type === "url").length === 2,
  );
  assert.equal(
    (await stored()).filter((event) => event.kind === "job" && event.requestId === "r1").length,
    1,
  );
});

test("after the gateway's restart another client's request under the same number and id is none of before", async (t) => {
  const { dsp, listener, stored } = await loneListener(t);
  listener.start();
  await listener.ready();
  const ask = async () => {
    // The listener's own two connections first, so that the client has the same number both times.
    await until("both connections are there", () => dsp.connectionCount === 2);
    const client = await dsp.client("K1");
    for (const type of ["gpu.power.boot", "gpu.status.query"]) client.send({ type, request_id: "1" });
  };
  const kinds = async () =>
    (await stored())
      .map(({ kind }) => kind)
      .filter((kind) => kind !== "job")
      .sort();
  await ask();
  await until("both requests are stored", async () => (await kinds()).length === 2);
  await dsp.crash();
  await dsp.accept();
  await listener.ready();
  await ask();
  await until("those of the next client are stored, too", async () => (await kinds()).length === 4);
  assert.deepEqual(await kinds(), ["boot", "boot", "status_query", "status_query"]);
});

test("reports wait until the gateway is there; old answers about the state are not said", async (t) => {
  const { dsp, listener, report } = await loneListener(t);
  listener.start();
  await listener.ready();
  await dsp.crash();
  await until("it knows", async () => !(await listener.readiness()).ready);
  const base = { pool: "default", at: Date.now() };
  await report(
    {
      ...base,
      reportId: "1",
      kind: "status",
      at: Date.now() - 31_000,
      status: "running",
      requestId: "old",
      fresh: true,
    },
    { ...base, reportId: "2", kind: "booted", instance: "gpu-1", requestId: "b1" },
    { ...base, reportId: "3", kind: "boot_result", requestId: "b2", message: "no" },
    { ...base, reportId: "4", kind: "status", status: "running", requestId: "new", fresh: true },
  );
  await dsp.accept();
  await until("the last is said", () => dsp.heard.some(({ frame }) => frame.includes('"new"')));
  const said = dsp.heard.map(({ frame }) => JSON.parse(frame).request_id);
  assert.deepEqual(said, ["b1", "b2", "new"]);
  assert.equal(await listener.metric('gpu_listener_reports_total{kind="status",outcome="expired"}'), 1);
});

test("a gateway and a Redis with a private CA are served when its certificate lies in CA_DIR", async (t) => {
  const ca = await makePrivateCa();
  const certificate = await ca.issue(1);
  const [nats, redis] = await Promise.all([startNats(), startRedis()]);
  const dsp = await startGateway({ redisUrl: redis.url });
  const [gatewayTls, redisTls] = await Promise.all([
    serveTls(certificate, Number(new URL(dsp.url).port)),
    serveTls(certificate, redis.port),
  ]);
  const env = {
    DSP_URL: `wss://localhost:${gatewayTls.port}${new URL(dsp.url).pathname}`,
    DSP_REDIS_URL: `rediss://localhost:${redisTls.port}`,
    NATS_URL: nats.url,
  };
  const stranger = new Service("listener", await freePort(), env);
  const listener = new Service("listener", await freePort(), { ...env, CA_DIR: ca.dir });
  t.after(async () => {
    await Promise.all([stranger.stop(), listener.stop()]);
    await dsp.stop();
    gatewayTls.stop();
    redisTls.stop();
    await Promise.all([nats.stop(), redis.stop()]);
  });
  stranger.start();
  listener.start();
  await listener.ready();
  await until("the backlog is read", async () =>
    (await listener.readiness()).words.includes("backlog is read"),
  );
  await until("the other one says why", () =>
    stranger.lines.some((line) => /unable to verify|self-signed|UNABLE_TO_VERIFY/.test(line)),
  );
  assert.equal((await stranger.readiness()).ready, false);
});
