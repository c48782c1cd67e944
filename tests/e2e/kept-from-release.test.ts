/** A machine that has been off for so long that its provider would delete it: started for a moment, and told of. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Why } from "@gpu-power-manager/shared/why";
import { until } from "../harness/process.ts";
import { startStack } from "../harness/stack.ts";

test("policy.keepFromRelease starts it once before it is deleted, and it is stopped again", async (t) => {
  const stack = await startStack({ policy: { keepFromRelease: "2d" } });
  t.after(() => stack.stop());
  const { console: site, power } = stack;
  const [first = ""] = stack.ids;
  assert.equal(stack.accepted("start"), 0, "its deletion is far");
  // A provider whose time does not move whatever is done: once a day is enough.
  site.turn({ facts: { [first]: { releaseAfterMs: 86_400_000 } } });
  await until("it runs", () => stack.state() === "Running");
  await until("it is off again", () => stack.state() === "Stopped");
  assert.ok(power.lines.some((line) => line.includes('"reason":"keep_from_release"')));
  await until("its deletion is seen again", async () => {
    const told = (await stack.status()).instances[0];
    return told?.state === "stopped" && told.provider?.releaseAt != null;
  });
  const { releases } = Why.parse(await (await stack.api("/why")).json());
  assert.deepEqual(
    releases?.[0]?.conditions.filter(({ holds }) => !holds).map(({ name }) => name),
    ["not_kept_lately"],
  );
  assert.equal(stack.accepted("start"), 1);
  assert.ok(((await power.metric('gpu_power_cost_total{instance="gpu-1",currency="CNY"}')) ?? 0) > 0);
});
