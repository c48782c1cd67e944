/** `gpuctl test-job` and `test-shutdown` on a real stack: each step is seen, and where it stops the cause is said. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { QUICK_POLICY } from "../harness/pool-files.ts";
import { Process, until } from "../harness/process.ts";
import { startStack } from "../harness/stack.ts";

const GPUCTL = new URL("../../packages/cli/src/gpuctl.ts", import.meta.url).pathname;
const KEY = "license-of-anna-1234";

const Line = z.object({
  step: z.string().optional(),
  status: z.string().optional(),
  afterMs: z.number().optional(),
  seen: z.string().optional(),
  ok: z.boolean().optional(),
  stoppedAt: z.string().optional(),
  cause: z.string().nullish(),
  why: z.object({ start: z.array(z.unknown()) }).nullish(),
});

test("a test job and a test stop are followed step by step, and where they stop the cause is said", async (t) => {
  const stack = await startStack({
    newerGateway: true,
    policy: { ...QUICK_POLICY, idleTimeout: "10m" },
    listenerEnv: { PROBE_INTERVAL: "500ms", PROBE_TIMEOUT: "500ms" },
  });
  t.after(() => stack.stop());
  const begin = (...args: string[]) =>
    new Process("gpuctl", {
      command: process.execPath,
      args: [GPUCTL, ...args],
      env: {
        POWER_URL: stack.power.url,
        OPERATOR_TOKEN: stack.tokens.operator,
        DSP_URL: stack.dsp.url,
        DSP_LICENSE_KEY: KEY,
        GPUCTL_ACTOR: "anna",
        LANG: "C",
      },
    });
  /** Its exit code, its steps with their status, and its last word. */
  const ended = async (child: Process) => {
    const code = await child.exited;
    const text = child.lines.join("\n");
    assert.ok(!text.includes(KEY), "the license key is shown nowhere");
    const lines = child.lines.map((line) => Line.parse(JSON.parse(line)));
    const times = lines.flatMap(({ afterMs }) => afterMs ?? []);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
      "one after the other",
    );
    const steps = lines.flatMap(({ step, status }) => (step === undefined ? [] : `${step} ${status}`));
    return { code, steps, end: lines.at(-1), text };
  };
  const gpuctl = async (...args: string[]) => await ended(begin("--json", ...args));
  const plain = async (...args: string[]) => {
    const child = begin(...args);
    return { code: await child.exited, text: child.lines.join("\n") };
  };
  const BEFORE = ["gateway ok", "sent ok"];

  const nothing = await plain("test-shutdown");
  assert.equal(nothing.code, 1);
  assert.match(nothing.text, /No machine runs.*gpu-1 stopped/);

  const away = await gpuctl("test-job", "--gateway", "ws://127.0.0.1:9/dsp");
  assert.equal(away.code, 1);
  assert.deepEqual(away.steps, ["gateway fail"]);
  assert.match(away.end?.seen ?? "", /ECONNREFUSED/);

  // The old guide's headline: the gateway has the job and tells no monitor.
  stack.dsp.mute("gpu.job.submit", true);
  const unheard = await gpuctl("test-job", "--limit", "1s", "--task-type", "unheard");
  assert.equal(unheard.code, 1);
  assert.deepEqual(unheard.steps, [...BEFORE, "answered ok", "heard fail"]);
  assert.match(unheard.end?.seen ?? "", /not seen within 1\.0 s.*_notifyGpuMonitors/);
  stack.dsp.mute("gpu.job.submit", false);

  const held = await plain("hold", "--off", "--reason", "maintenance");
  assert.equal(held.code, 0, held.text);
  const heldJob = await plain("test-job", "--type", "url");
  assert.equal(heldJob.code, 1);
  assert.match(
    heldJob.text,
    /✗ it is decided: the GPU is kept off \(anna: maintenance\)[\s\S]*✗ no operator holds it back/,
  );
  assert.equal(stack.accepted("start"), 0);

  assert.equal((await plain("resume", "--reason", "done")).code, 0);
  await until("the job that was held back starts it", () => stack.accepted("start") === 1);
  await until("it runs", async () => (await stack.status()).instances[0]?.state === "running");
  assert.equal((await plain("need", "1h", "--id", "n1", "--reason", "training")).code, 0);
  const needed = await gpuctl("test-shutdown");
  assert.equal(needed.code, 1);
  assert.deepEqual(needed.steps, ["idle fail"]);
  assert.match(needed.end?.seen ?? "", /nobody says that it is needed.*need n1: anna: training/);
  assert.equal(stack.accepted("stop"), 0);
  assert.equal((await plain("need", "--end", "n1", "--reason", "done")).code, 0);

  const stopped = await gpuctl("test-shutdown");
  assert.equal(stopped.code, 0, stopped.text);
  assert.deepEqual(
    stopped.steps.map((step) => step.replace("stopping skipped", "stopping ok")),
    ["idle", "asked", "proven", "compared", "decided", "requested", "stopping", "stopped"].map(
      (id) => `${id} ok`,
    ),
  );
  assert.equal(stack.state(), "Stopped");
  assert.equal(stack.accepted("stop"), 1);
  t.diagnostic(stopped.text);

  const child = begin("--json", "test-job", "--wait-worker");
  await until("it runs", () => child.lines.some((line) => line.includes('"running"')));
  const worker = await stack.dsp.worker();
  const { code, steps, end, text } = await ended(child);
  assert.equal(code, 0, text);
  const way = [
    "answered",
    "heard",
    "stored",
    "demand",
    "decided",
    "requested",
    "starting",
    "running",
    "worker",
  ];
  assert.deepEqual(
    steps.map((step) => step.replace("starting skipped", "starting ok")),
    [...BEFORE, ...way.map((id) => `${id} ok`)],
  );
  assert.equal(end?.ok, true);
  await worker.next((frame) => frame.type === "gpu.job.submit" && frame.task_type === "gpuctl_test");
  t.diagnostic(text);

  const again = await gpuctl("test-job", "--task-type", "another");
  assert.equal(again.code, 0, again.text);
  assert.deepEqual(again.steps.slice(-4), [
    "decided skipped",
    "requested skipped",
    "starting skipped",
    "running ok",
  ]);

  const busy = await gpuctl("test-shutdown");
  assert.equal(busy.code, 1);
  assert.deepEqual(busy.steps, ["idle ok", "asked fail"]);
  assert.match(busy.end?.seen ?? "", /A task was active .* ago/);
  assert.equal(stack.accepted("stop"), 1);
});
