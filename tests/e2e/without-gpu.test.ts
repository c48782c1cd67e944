/** A machine that somebody started without its GPU: it runs, and no job can be done on it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../harness/process.ts";
import { startStack } from "../harness/stack.ts";

test("a job is not served by a machine without its GPU: the next is started, and where there is none it waits", async (t) => {
  const stack = await startStack({ machines: 2, policy: { idleTimeout: "10m" } });
  t.after(() => stack.stop());
  const { console: site, dsp, power } = stack;
  const [first = "", second = ""] = stack.ids;
  site.turn({ facts: { [first]: { withoutGpu: "A" } }, soldOut: [second] });
  await stack.setState(0, "Running", false);
  await until(
    "power sees it without its GPU",
    async () => (await power.metric('gpu_power_without_gpu{instance="gpu-1"}')) === 1,
  );
  await dsp.submit({ type: "url", key: "K1" });
  await until("no other can be had", () => power.lines.some((line) => line.includes('"outcome":"sold_out"')));
  assert.equal(await power.metric("gpu_power_pending_jobs"), 1, "it waits, and that is seen");
  site.turn({ soldOut: [] });
  await until("the other runs", () => stack.state(1) === "Running");
  await until("the job is served", async () => (await power.metric("gpu_power_pending_jobs")) === 0);
  assert.equal(stack.state(0), "Running", "whoever started it so may be at work on it");
  assert.equal(stack.accepted("stop"), 0);
});
