/** Jobs that nobody told us of: found in the gateway's own backlog, counted, passed on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Redis } from "ioredis";
import { jetstreamOf, storedGaps } from "../harness/jetstream.ts";
import { freePort, until } from "../harness/process.ts";
import { Service } from "../harness/service.ts";
import { QUICK_BACKLOG, startStack } from "../harness/stack.ts";

const MISSED = 'gpu_listener_notices_missed_total{source="backlog"}';

test("a type that the gateway no longer notifies: counted as missed, and the machine starts all the same", async (t) => {
  const stack = await startStack({ backlog: true });
  t.after(() => stack.stop());
  assert.equal(await stack.listener.metric("gpu_listener_backlog_configured"), 1);
  assert.equal(await stack.listener.metric(MISSED), 0);
  stack.dsp.mute("url");
  const began = Date.now();
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("the machine starts", () => stack.accepted("start") === 1);
  const started = Date.now() - began;
  await until("the alert's condition is true", async () => (await stack.listener.metric(MISSED)) === 1);
  t.diagnostic(
    `start requested ${started} ms, counted as missed ${Date.now() - began} ms after the job (interval 500 ms, grace 400 ms)`,
  );
  assert.equal(await stack.listener.metric("gpu_listener_backlog_jobs"), 1);
  const { counts } = (await stack.status()).demand;
  assert.equal(counts.url, 1, "once as demand");
  // A type that is notified is not missed.
  await stack.dsp.submit({ type: "chatglm_video", key: "K1" });
  const checks = () => stack.listener.metric('gpu_listener_backlog_checks_total{outcome="ok"}');
  const before = (await checks()) ?? 0;
  await until("three more checks", async () => ((await checks()) ?? 0) >= before + 3);
  assert.equal(await stack.listener.metric(MISSED), 1);
});

test("default settings: a job of which no notice comes starts the machine within 6 s, before it counts as missed", async (t) => {
  const stack = await startStack({
    backlog: true,
    listenerEnv: { BACKLOG_INTERVAL: "", BACKLOG_GRACE: "" },
  });
  t.after(() => stack.stop());
  const { listener } = stack;
  assert.equal(await listener.metric("gpu_listener_backlog_interval_seconds"), 5);
  stack.dsp.mute("url");
  const checks = async () => (await listener.metric('gpu_listener_backlog_checks_total{outcome="ok"}')) ?? 0;
  const before = await checks();
  await until("a reading is just over", async () => (await checks()) > before);
  const began = Date.now();
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("the machine starts", () => stack.accepted("start") === 1);
  const started = Date.now() - began;
  assert.equal(await listener.metric(MISSED), 0);
  t.diagnostic(`start requested ${started} ms after a job that came just after a reading`);
  assert.ok(started <= 6_000, `${started} ms`);
});

test("a database that the Redis user may not choose: refused in words, and read once it may", async (t) => {
  const port = await freePort();
  const url = `redis://watcher:secret@127.0.0.1:${port}/3`;
  const stack = await startStack({
    backlog: true,
    ports: { redis: port },
    listenerEnv: { DSP_REDIS_URL: url },
  });
  t.after(() => stack.stop());
  const admin = new Redis(`${stack.redis.url}/3`);
  t.after(() => admin.disconnect());
  const says = async (words: string) =>
    await until(words, async () => (await stack.listener.readiness()).words.includes(words));
  const allow = async (commands: string) =>
    await admin.call("ACL", "SETUSER", "watcher", "on", ">secret", "~dsp:*", ...commands.split(" "));
  await says("refuses the user or the password");
  await allow("+scan +lrange +hvals +time");
  await admin.rpush("dsp:pending_tasks:K1", '{"type":"url","url":"u","key":"K1"}');
  await says("may not choose database 3: grant it +select");
  const { ready } = await stack.listener.readiness();
  assert.equal(ready, true, "notices come all the same");
  assert.equal(await stack.listener.metric("gpu_listener_backlog_jobs"), undefined, "unknown, not none");
  await allow("+select");
  await says("backlog is read");
  await until("the job that waits there starts the machine", () => stack.accepted("start") === 1);
});

test("while jobs wait at the gateway, or a task is young, an idle machine is not stopped", async (t) => {
  const stack = await startStack({ backlog: true, policy: { idleTimeout: "1s" } });
  t.after(() => stack.stop());
  await stack.dsp.submit({ type: "gpu.job.submit", key: "K1", taskType: "heygem_submit" });
  await until("it runs", () => stack.state() === "Running");
  // The backlog goes to the worker; the task stays `queued` in the gateway's books until its result.
  const worker = await stack.dsp.worker();
  await until("nothing waits", async () => (await stack.listener.metric("gpu_listener_backlog_jobs")) === 0);
  const folded = () => stack.power.lines.filter((line) => line.includes('"activity"')).length;
  const before = folded();
  await until("activity is told again and again", () => folded() >= before + 6);
  assert.equal(stack.accepted("stop"), 0);
  worker.send({ type: "gpu.job.result", key: "K1", task_type: "heygem_submit", result: {} });
  await until("with its result the machine is idle, and stopped", () => stack.accepted("stop") === 1);
  await worker.close();
});

test("jobs that wait hold the machine even where it idles out between two readings of the backlog", async (t) => {
  const stack = await startStack({
    backlog: true,
    listenerEnv: { BACKLOG_INTERVAL: "10m" },
    policy: { idleTimeout: "1s" },
  });
  t.after(() => stack.stop());
  await stack.dsp.submit({ type: "gpu.job.submit", key: "K1", taskType: "heygem_submit" });
  await until("it runs", () => stack.state() === "Running");
  const readings = () => stack.listener.metric('gpu_listener_backlog_checks_total{outcome="ok"}');
  const before = (await readings()) ?? 0;
  await until("three stops were considered", async () => ((await readings()) ?? 0) >= before + 3);
  assert.equal(stack.accepted("stop"), 0);
  await (await stack.dsp.worker()).close();
  await stack.dsp.store.endTask("K1", "heygem_submit");
  await until("nothing waits any more, and it is stopped", () => stack.accepted("stop") === 1);
});

test("Redis away: told in words, measured, and read again within seconds of its return", async (t) => {
  const stack = await startStack({ backlog: true });
  t.after(() => stack.stop());
  await until("it is read", async () => (await stack.listener.readiness()).words.includes("backlog is read"));
  await stack.redis.halt();
  await until("it says so", async () =>
    (await stack.listener.readiness()).words.includes("Redis cannot be read"),
  );
  assert.equal((await stack.listener.readiness()).ready, true, "notices come all the same");
  assert.equal(await stack.listener.metric("gpu_listener_backlog_jobs"), undefined, "unknown is not 0");
  assert.ok(((await stack.listener.metric('gpu_listener_backlog_checks_total{outcome="failed"}')) ?? 0) >= 1);
  await stack.redis.resume();
  const began = Date.now();
  await until("it is read again", async () =>
    (await stack.listener.readiness()).words.includes("backlog is read"),
  );
  t.diagnostic(`read again ${Date.now() - began} ms after Redis came back`);
});

test("the listener is killed while 1,000 jobs arrive: each is served, none counted twice, the missed are the truth", async (t) => {
  const stack = await startStack({ backlog: true, policy: { idleTimeout: "120s" } });
  t.after(() => stack.stop());
  const spy = await jetstreamOf(stack.nats.url);
  t.after(() => spy.close());
  const published = spy.follow("gpu.jobs.default.>");
  const JOBS = 1_000;
  const submitted = () => (stack.dsp.submitted.url ?? 0) + (stack.dsp.submitted.chatglm_video ?? 0);
  // Ten licenses, since the gateway keeps at most 100 jobs each; half of the jobs are equal to the letter.
  const submitting = (async () => {
    for (let index = 0; index < JOBS; index += 1) {
      const type = index % 2 === 0 ? "url" : "chatglm_video";
      await stack.dsp.submit({ type, key: `K${index % 10}`, requestId: `v${index}` });
    }
  })();
  await until("a part has arrived", () => submitted() >= 300);
  await stack.listener.kill();
  const killedAt = submitted();
  await until("more arrive that nobody hears", () => submitted() >= killedAt + 200);
  const began = Date.now();
  stack.listener.start();
  await submitting;
  await stack.listener.ready();
  assert.equal(await stack.dsp.store.pendingCount(), JOBS);

  const total = async () => {
    const { counts } = (await stack.status()).demand;
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  };
  await until("every job is known to power", async () => (await total()) >= JOBS);
  t.diagnostic(`all known ${Date.now() - began} ms after the listener's restart`);
  const checks = () => stack.listener.metric('gpu_listener_backlog_checks_total{outcome="ok"}');
  const before = (await checks()) ?? 0;
  await until("three more checks", async () => ((await checks()) ?? 0) >= before + 3);
  assert.equal(await total(), JOBS, "none is counted twice");

  // The truth: what was published as heard, by message id; the rest was missed.
  const heard = new Set<string>();
  for (const { id, event } of published) if (event.kind === "job" && event.source === "notice") heard.add(id);
  const missed = await stack.listener.metric(MISSED);
  assert.equal(missed, JOBS - heard.size);
  assert.ok(missed >= 200, `${missed}`);
  await until("every job is served", async () => (await stack.status()).demand.waitingJobs === 0);
  assert.equal(stack.accepted("start"), 1);
  t.diagnostic(`${heard.size} heard, ${missed} missed and recovered, one start`);
  await until("the gap is recorded, with what was recovered", async () =>
    (await storedGaps(spy)).some((gap) => gap.cause === "listener_down" && gap.recovered === missed),
  );
});

test("two listeners overlap while a job comes every 20 ms: there is always one that hears", async (t) => {
  const stack = await startStack({ backlog: true, policy: { idleTimeout: "120s" } });
  t.after(() => stack.stop());
  const spy = await jetstreamOf(stack.nats.url);
  t.after(() => spy.close());
  const published = spy.follow("gpu.jobs.default.>");
  let going = true;
  const ids: string[] = [];
  const submitting = (async () => {
    for (let index = 0; going; index += 1) {
      const requestId = `h${index}`;
      ids.push(requestId);
      // Its task type tells the notice of this job, which names no request.
      await stack.dsp.submit({ type: "gpu.job.submit", key: "K1", taskType: requestId, requestId });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  await until("jobs are heard", () => published.length >= 20);
  const next = new Service("listener", await freePort(), {
    DSP_URL: stack.dsp.url,
    NATS_URL: stack.nats.url,
    STATE_DIR: stack.dir,
    DSP_REDIS_URL: stack.redis.url,
    ...QUICK_BACKLOG,
  });
  t.after(() => next.stop());
  next.start();
  await next.ready();
  assert.equal(await stack.listener.stop(), 0);
  const upTo = published.length;
  await until("the new one hears", () => published.length >= upTo + 20);
  going = false;
  await submitting;
  const heard = () =>
    new Set(
      published.flatMap(({ event }) =>
        event.kind === "job" && event.source === "notice" ? [event.taskType] : [],
      ),
    );
  await until("every job was notified", () => ids.every((id) => heard().has(id)));
  t.diagnostic(`${ids.length} jobs, each heard by at least one of the two`);
  assert.equal(await next.metric(MISSED), 0, "nothing had to be recovered");
  const gaps = await storedGaps(spy);
  assert.deepEqual(gaps, [], "no gap in the path");
  assert.equal(await next.metric('gpu_listener_gaps_total{cause="listener_down"}'), 0);
  assert.equal(stack.accepted("start"), 1);
});
