/** Two machines for one machine's work: what is certainly too much is stopped, and nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CONSOLE_LAG_MS } from "../../services/power/src/pool/decide/surplus.ts";
import { until } from "../harness/process.ts";
import { type Stack, startStack } from "../harness/stack.ts";

const decided = async (stack: Stack, words: string): Promise<boolean> =>
  (await stack.status()).decisions.some(
    ({ kind, instance, reason }) => `${kind} ${instance} ${reason}` === words,
  );

test("a machine that comes up after it was given up is stopped, in the midst of work that another does", async (t) => {
  const stack = await startStack({
    machines: 2,
    policy: { startTimeout: "3s", idleTimeout: "10m", minRunTime: "5m" },
    console: { faults: { initializing: "never" } },
  });
  t.after(() => stack.stop());
  const { dsp, power } = stack;
  const [first = ""] = stack.ids;
  stack.console.turn({ stuckStarting: [first] });
  let jobs = 0;
  const submit = async () => {
    jobs += 1;
    await dsp.submit({ type: "url", key: "K1" });
  };
  await submit();
  await until("the first is given up, and the second runs in its place", () => stack.state(1) === "Running");
  assert.equal(stack.state(0), "Starting");
  const worker = await dsp.worker();
  const online = 'gpu_power_worker_online{instance="gpu-2"}';
  await until("power knows its worker", async () => (await power.metric(online)) === 1);
  const since = performance.now();
  // Steady work: never idle, and each new job waits for a look.
  const timer = setInterval(() => void submit(), 500);
  t.after(() => clearInterval(timer));
  await until(
    "a slow console is no explanation any more",
    () => performance.now() - since > CONSOLE_LAG_MS + 2_000,
    60_000,
  );

  await stack.setState(0, "Running", false);
  await until("the first is stopped", () => stack.state(0) === "Stopped");
  assert.match(power.lines.find((line) => line.includes("stop requested")) ?? "", /"reason":"surplus"/);
  assert.equal(stack.state(1), "Running");
  assert.equal(stack.accepted("stop"), 1);
  assert.equal(await power.metric("gpu_power_surplus_instances"), 0);

  // What a person turns on beside it is left alone, and told of; not what comes up while our stop is under way.
  await until("power has seen it stop", async () =>
    (await stack.status()).instances.some(
      ({ id, state, attempt }) => id === "gpu-1" && state === "stopped" && attempt === null,
    ),
  );
  await stack.setState(0, "Running", false);
  await until("it is told of", () => decided(stack, "keep gpu-1 surplus_by_hand"));
  assert.equal(await power.metric("gpu_power_surplus_instances"), 1);
  clearInterval(timer);
  await until(
    "the worker has every job",
    () => worker.frames.filter(({ type }) => type === "url").length === jobs,
  );
  assert.equal(stack.accepted("stop"), 1);
  await worker.close();
});

test("where a worker came online after both were up, neither is stopped: either may have what waited", async (t) => {
  const stack = await startStack({
    machines: 2,
    policy: { startTimeout: "3s", idleTimeout: "10m" },
    console: { faults: { initializing: "never" } },
  });
  t.after(() => stack.stop());
  const [first = ""] = stack.ids;
  stack.console.turn({ stuckStarting: [first] });
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("the second runs", () => stack.state(1) === "Running");
  await stack.setState(0, "Running", false);
  await until("both are seen", async () =>
    (await stack.status()).instances.every(({ state }) => state === "running"),
  );
  const worker = await stack.dsp.worker();
  for (const id of ["gpu-1", "gpu-2"])
    await until(`${id} is kept and told of`, () => decided(stack, `keep ${id} surplus_unproven`));
  await until("with the worker known", async () => (await stack.status()).demand.waitingJobs === 0);
  assert.equal(stack.accepted("stop"), 0);
  await worker.close();
});
