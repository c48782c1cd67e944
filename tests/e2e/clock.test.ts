/** The wall clock jumps under both services. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "../harness/process.ts";
import { startStack } from "../harness/stack.ts";

const HOUR_MS = 3_600_000;
const IDLE_MS = 15_000;

test("a clock that is set does not make a machine idle: all is looked at anew, idleness counts from then, and work goes on", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "gpm-skew-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const set = (service: "listener" | "power", ms: number) => writeFile(join(dir, service), String(ms));
  const env = (service: "listener" | "power") => ({
    NODE_OPTIONS: `--import=${new URL("../harness/skew.mjs", import.meta.url).href}`,
    SKEW_FILE: join(dir, service),
  });
  await set("listener", 0);
  await set("power", 0);
  const stack = await startStack({
    policy: {
      idleTimeout: `${IDLE_MS}ms`,
      observe: { off: "1s", on: "500ms", changing: "100ms", compare: "5m" },
    },
    listenerEnv: env("listener"),
    powerEnv: env("power"),
  });
  t.after(() => stack.stop());
  const { dsp, power, listener } = stack;
  const jumps = (service: typeof power, direction: string) =>
    service.metric(`gpu_${service.name}_clock_jumps_total{direction="${direction}"}`);
  await until("the path has been heard for longer than a machine may be idle", async () => {
    const { listeningSince, at } = await stack.status();
    return Date.parse(at) - Date.parse(listeningSince ?? at) > IDLE_MS;
  });
  await dsp.submit({ type: "url", key: "K1" });
  await until("it runs and the job is served", async () => {
    const { instances, demand } = await stack.status();
    return instances[0]?.state === "running" && demand.waitingJobs === 0;
  });

  await set("power", HOUR_MS);
  const at = performance.now();
  await until("power has noticed", async () => (await jumps(power, "ahead")) === 1);
  await until("its status has the new time", async () => {
    return Math.abs(Date.parse((await stack.status()).at) - Date.now() - HOUR_MS) < 3_000;
  });
  await until("it is stopped when idle", () => stack.accepted("stop") === 1, 120_000);
  const idle = performance.now() - at;
  assert.ok(idle >= IDLE_MS, `an hour that nobody saw pass counted: stopped after ${Math.round(idle)} ms`);
  await until("it is off", () => stack.state() === "Stopped");
  assert.equal(await jumps(power, "ahead"), 1, "told once");

  await set("listener", HOUR_MS);
  await until("the listener has noticed", async () => (await jumps(listener, "ahead")) === 1);
  const heard = async () => Date.parse((await stack.status()).listeningSince ?? "") || 0;
  await until(
    "hearing begins anew",
    async () => Date.parse((await stack.status()).at) - (await heard()) < 10_000,
  );

  await set("power", 0);
  await until("power has noticed that it was set back", async () => (await jumps(power, "behind")) === 1);
  await dsp.submit({ type: "url", key: "K1" });
  await until("a job starts it", () => stack.accepted("start") === 2);
  await until("and is served", async () => {
    const { instances, demand } = await stack.status();
    return instances[0]?.state === "running" && demand.waitingJobs === 0;
  });

  // Written by a clock that was an hour ahead; read by one that is right.
  await power.kill();
  power.start();
  await power.ready();
  await until("it is stopped by the next power, too", () => stack.accepted("stop") === 2, 120_000);
});
