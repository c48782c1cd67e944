/** What an operator meets: configuration, readiness in each phase, a clean stop, secrets in no log. */
import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DEFAULT_PASSWORD } from "../../sim/console/src/provider.ts";
import { Process, until } from "../harness/process.ts";
import { startStack } from "../harness/stack.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Runs a service to its end with only these variables; resolves with its exit code and output. */
async function run(service: string, env: Record<string, string>, ...args: string[]) {
  const child = new Process(service, {
    command: process.execPath,
    args: [join(ROOT, "services", service, "src/main.ts"), ...args],
    env,
  });
  return { code: await child.exited, text: child.lines.join("\n") };
}

test("a bad configuration of the listener names all of its mistakes and exits 1", async () => {
  const { code, text } = await run("listener", {
    DSP_URL: "http://nowhere",
    POOL: "a.b",
    PING_INTERVAL: "25",
    HTTP_PORT: "99999",
    LOG_LEVEL: "loud",
    NATS_PASSWORD: "x",
    NATS_PASSWORD_FILE: "/nowhere",
  });
  assert.equal(code, 1);
  for (const name of [
    "DSP_URL",
    "NATS_URL",
    "POOL",
    "PING_INTERVAL",
    "HTTP_PORT",
    "LOG_LEVEL",
    "NATS_PASSWORD",
  ]) {
    assert.match(text, new RegExp(`^  - ${name}\\b`, "m"), name);
  }
  assert.doesNotMatch(text, /\bat .*\.ts:\d+/, "no stack trace");
});

test("a bad configuration of power names all of its mistakes, those of the pool file too, and exits 1", async () => {
  const dir = await mkdtemp(join(tmpdir(), "bad-"));
  const file = join(dir, "pool.yaml");
  await writeFile(file, "pool: default\nprofile: none\ninstances: []\npolicy: { idleTimeout: soon }\n");
  const { code, text } = await run("power", {
    NATS_URL: "127.0.0.1:4222",
    POOL_FILE: file,
    PROFILES_DIR: dir,
    SESSION_KEY: "short",
    HEADLESS: "yes",
  });
  assert.equal(code, 1);
  for (const says of [
    /NATS_URL must be nats:/,
    /STATE_DIR is missing/,
    /SESSION_KEY must have/,
    /HEADLESS must be true/,
  ]) {
    assert.match(text, says);
  }
  assert.match(text, /pool\.yaml:3: instances: name at least one machine/);
  assert.match(text, /pool\.yaml:4: policy\.idleTimeout: must be a duration/);
  assert.doesNotMatch(text, /"short"/, "the value of a secret is not shown");
});

test("--check validates and exits 0 without touching anything", async () => {
  const { code, text } = await run(
    "listener",
    { DSP_URL: "wss://dsp.invalid/dsp", NATS_URL: "nats://nats.invalid" },
    "--check",
  );
  assert.equal(code, 0, text);
});

test("health, readiness and metrics answer sensibly in each phase, and both services stop cleanly", async (t) => {
  const stack = await startStack({ listenerEnv: { LOG_LEVEL: "trace" }, powerEnv: { LOG_LEVEL: "trace" } });
  t.after(() => stack.stop());
  for (const service of [stack.listener, stack.power]) {
    assert.equal((await fetch(`${service.url}/healthz`)).status, 200);
    assert.equal((await fetch(`${service.url}/readyz`)).status, 200);
  }
  assert.equal(await stack.listener.metric("gpu_listener_registered"), 1);
  assert.equal(await stack.power.metric('gpu_power_console_session{state="logged_in"}'), 1);
  assert.equal(await stack.power.metric('gpu_power_instance_state{instance="gpu-1",state="stopped"}'), 1);

  await stack.dsp.submit({ type: "url", key: "LICENSE-KEY-OF-A-CLIENT" });
  await until(
    "starting is shown",
    async () =>
      (await stack.power.metric('gpu_power_instance_state{instance="gpu-1",state="starting"}')) === 1,
  );
  assert.equal((await fetch(`${stack.power.url}/readyz`)).status, 200);
  await until(
    "running is shown",
    async () =>
      (await stack.power.metric('gpu_power_instance_state{instance="gpu-1",state="running"}')) === 1,
  );
  await until(
    "the whole start is measured",
    async () =>
      (await stack.power.metric('gpu_power_start_latency_seconds_count{instance="gpu-1",stage="total"}')) ===
      1,
  );
  await until(
    "uptime grows",
    async () => ((await stack.power.metric('gpu_power_uptime_seconds_total{instance="gpu-1"}')) ?? 0) > 0,
  );

  await stack.nats.kill();
  for (const service of [stack.listener, stack.power]) {
    const { words } = await until(`${service.name} says that NATS is away`, async () => {
      const readiness = await service.readiness();
      return readiness.ready ? undefined : readiness;
    });
    assert.match(words, /NATS is away/);
    assert.equal((await fetch(`${service.url}/healthz`)).status, 200);
  }
  await stack.nats.resume();
  await Promise.all([stack.listener.ready(), stack.power.ready()]);

  for (const service of [stack.listener, stack.power]) {
    const began = Date.now();
    assert.equal(await service.stop(), 0, `${service.name} stops cleanly`);
    assert.ok(Date.now() - began < 10_000, `${service.name} stops within 10 s`);
    const log = service.lines.join("\n");
    for (const secret of [DEFAULT_PASSWORD, "LICENSE-KEY-OF-A-CLIENT"])
      assert.ok(!log.includes(secret), `${secret} in the log`);
  }
});

test("power stops within 10 s in the middle of clicking, and the next start looks before it acts", async (t) => {
  const stack = await startStack({ lanes: ["page"], policy: { idleTimeout: "60s" } });
  t.after(() => stack.stop());
  stack.console.turn({ buttonDisabledAlways: true });
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until(
    "a click is being tried",
    async () => (await stack.status()).instances[0]?.attempt?.action === "start",
  );
  const began = Date.now();
  assert.equal(await stack.power.stop(), 0);
  assert.ok(Date.now() - began < 10_000, `${Date.now() - began} ms`);
  stack.console.turn({ buttonDisabledAlways: false });
  stack.power.start();
  await until("the job is served", async () => (await stack.status()).demand.waitingJobs === 0);
  assert.equal(stack.accepted("start"), 1);
});

test("both services wait for a NATS that is not there, say so, and stop cleanly all the same", async (t) => {
  const stack = await startStack();
  t.after(() => stack.stop());
  await stack.nats.halt();
  assert.deepEqual(await Promise.all([stack.listener.stop(), stack.power.stop()]), [0, 0]);
  for (const service of [stack.listener, stack.power]) {
    service.start();
    await until(`${service.name} says what it waits for`, async () =>
      /NATS/.test((await service.readiness()).words),
    );
    const began = Date.now();
    assert.equal(await service.stop(), 0);
    assert.ok(Date.now() - began < 10_000);
  }
});
