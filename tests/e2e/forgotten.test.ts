/** A machine that is taken out of the pool file while it is on. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import { until } from "../harness/process.ts";
import { type Stack, startStack } from "../harness/stack.ts";

async function rewrite(
  stack: Stack,
  change: (instances: Array<Record<string, unknown>>) => unknown,
): Promise<void> {
  const pool = parse(await readFile(stack.poolFile, "utf8"));
  await writeFile(stack.poolFile, stringify({ ...pool, instances: change(pool.instances) }));
}

const shown = async (stack: Stack) =>
  (await stack.status()).instances.map(
    ({ id, state, forgotten }) => `${id} ${state}${forgotten ? " forgotten" : ""}`,
  );

test("a machine that is taken out while it runs is watched over a restart of power, told of, and stopped when idle", async (t) => {
  const stack = await startStack({ machines: 2, policy: { idleTimeout: "15s" } });
  t.after(() => stack.stop());
  const { power, dsp } = stack;
  await dsp.submit({ type: "url", key: "K1" });
  await until("it runs", async () => (await shown(stack)).includes("gpu-1 running"));
  await rewrite(stack, (instances) => instances.slice(1));
  const now = ["gpu-2 stopped", "gpu-1 running forgotten"];
  await until("it is watched", async () => String(await shown(stack)) === String(now));
  assert.equal(await power.metric('gpu_power_instance_forgotten{instance="gpu-1"}'), 1);
  assert.match((await power.readiness()).words, /gpu-1 .* the pool file lists it no more/);

  await power.kill();
  power.start();
  await power.ready();
  await until("the next power knows of it", async () => String(await shown(stack)) === String(now));
  // It does nobody's work any more: a job has the machine that is listed.
  await dsp.submit({ type: "url", key: "K1" });
  await until("the other is started", () => stack.state(1) === "Running");

  await until("it is stopped when idle", () => stack.state(0) === "Stopped");
  await until("and let go", async () => !String(await shown(stack)).includes("gpu-1"));
  assert.equal(await power.metric('gpu_power_instance_forgotten{instance="gpu-1"}'), undefined);
  assert.ok(power.lines.some((line) => line.includes("lists no more is still on")));
});

test("a machine whose providerId is changed while it runs is watched beside the one that has its name", async (t) => {
  const stack = await startStack({ machines: 2 });
  t.after(() => stack.stop());
  const [first = "", second = ""] = stack.ids;
  await rewrite(stack, (instances) => instances.slice(0, 1));
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("it runs", async () => (await shown(stack)).includes("gpu-1 running"));
  await rewrite(stack, (instances) => instances.map((instance) => ({ ...instance, providerId: second })));
  const now = ["gpu-1 stopped", `gpu-1_${first} running forgotten`];
  await until("both are watched", async () => String(await shown(stack)) === String(now));
  await until("it is stopped when idle", () => stack.state(0) === "Stopped");
  await until("and let go", async () => String(await shown(stack)) === "gpu-1 stopped");
  assert.equal(stack.accepted("start"), 1);
});
