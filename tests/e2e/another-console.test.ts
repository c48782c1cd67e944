/** The main job on a console of another kind, by its profile alone. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { until } from "../harness/process.ts";
import { type Stack, startStack } from "../harness/stack.ts";

/** A job starts a machine, and idleness stops it. */
async function mainJob(stack: Stack, lane: "api" | "page", index: number): Promise<void> {
  const [starts, stops] = [stack.accepted("start"), stack.accepted("stop")];
  await stack.dsp.submit({ type: "url", key: `K${starts}` });
  await until("the console takes a start", () => stack.accepted("start") === starts + 1);
  await until("the machine runs", () => stack.state(index) === "Running");
  await until("the job is served", async () => (await stack.status()).demand.waitingJobs === 0);
  await until("the idle machine is stopped", () => stack.accepted("stop") === stops + 1);
  await until("power knows", async () => (await stack.status()).instances[index]?.state === "stopped");
  const [last] = stack.console.state().actions.slice(-1);
  assert.deepEqual([last?.uHostId, last?.lane], [stack.ids[index], lane]);
}

test("JSON bodies, a token in a header, another component library: the main job by both lanes, through want of stock and an expired token", async (t) => {
  const stack = await startStack({ skin: "autodl", console: { skin: "autodl" }, machines: 2 });
  t.after(() => stack.stop());
  const { console: site } = stack;
  const [first = ""] = stack.ids;
  await mainJob(stack, "api", 0);

  const { logins } = site.state();
  await stack.expireSession();
  await until("it is logged in again", () => site.state().logins > logins);
  site.turn({ soldOut: [first] });
  await mainJob(stack, "api", 1);

  // It runs, and no job can be done on it.
  site.turn({ soldOut: [], facts: { [first]: { withoutGpu: "A" } } });
  await stack.setState(0, "Running", false);
  await until("power sees it", async () => (await stack.status()).instances[0]?.state === "running");
  const starts = stack.accepted("start");
  await stack.dsp.submit({ type: "url", key: "K-without" });
  await until("the other runs", () => stack.accepted("start") === starts + 1 && stack.state(1) === "Running");
  site.turn({ facts: {} });
  await until("both are off again", () => stack.state(0) === "Stopped" && stack.state(1) === "Stopped");

  const file = join(dirname(stack.poolFile), "profiles/demo.yaml");
  await writeFile(file, `${await readFile(file, "utf8")}lanes: [page]\n`);
  await until("power has taken it up", () =>
    stack.power.lines.some((line) => line.includes("a changed file is in use")),
  );
  await mainJob(stack, "page", 0);
});
