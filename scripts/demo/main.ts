/**
 * The demo: everything as local processes, and the story of one job told as it happens.
 * ONCE=1 tells it once on free ports and exits, non-zero when a step did not happen; its last line is JSON.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { serveControl } from "../../sim/dsp/src/control.ts";
import { freePort, until } from "../../tests/harness/process.ts";
import { type Stack, startStack } from "../../tests/harness/stack.ts";
import { followAlerts } from "./alerts.ts";
import { DEMO_TIMES_QUICKER } from "./faults.ts";
import { startPrometheus } from "./prometheus.ts";
import { Story } from "./story.ts";

const once = process.env.ONCE === "1";
const FIXED = { dsp: 18_070, console: 18_080, api: 18_081, control: 18_082, listener: 9_101, power: 9_102 };
const GATEWAY_CONTROL_PORT = 18_072;
const PROMETHEUS_PORT = 19_090;
const LOOK_MS = 250;
/** The rules are shortened, so the path has to be proven sooner, too. */
const LISTENER = { PROBE_INTERVAL: "2s", PROBE_TIMEOUT: "2s" };
/** Short, so that the story takes half a minute; a real pool waits half an hour before it stops. */
const POLICY = {
  idleTimeout: "5s",
  minRunTime: "2s",
  startTimeout: "30s",
  stopTimeout: "20s",
  observe: { off: "2s", on: "1s", changing: "250ms", compare: "60s" },
};
const BOOT_MS = 4_000;
const STOP_MS = 1_500;

const story = new Story();

/** When the first notice reached the listener, by its own log. */
function noticeTime(lines: readonly string[]): number | undefined {
  const line = lines.find((each) => each.includes('"notice received"'));
  return line === undefined ? undefined : Date.parse(JSON.parse(line).time);
}

async function tellJob(stack: Stack) {
  const { dsp, listener } = stack;
  const machine = () => stack.console.state().machines[0];
  story.chapter("A job");
  const client = await dsp.client("demo-license");
  await dsp.submit({
    type: "gpu.job.submit",
    key: "demo-license",
    taskType: "heygem_submit",
    requestId: "demo-1",
  });
  story.tell("a client submits a video job; the gateway answers that the GPU is offline and queues it");
  const noticeAt = await until("the listener hears the notice", () => noticeTime(listener.lines));
  story.tell("the listener hears the notice and hands it to NATS");
  const start = await until("the console takes the start request", () =>
    stack.console.state().actions.find((action) => action.verb === "start" && action.outcome === "accepted"),
  );
  const noticeToStartRequestMs = Math.max(0, Math.round(start.atMs - noticeAt));
  story.tell(
    `power has requested the start, ${noticeToStartRequestMs} ms after the notice (${start.lane} lane)`,
  );
  await until("the machine runs", () => machine()?.State === "Running");
  const runningAt = Date.now();
  const startRequestToRunningMs = Math.round(runningAt - start.atMs);
  story.tell(`the machine runs, ${(startRequestToRunningMs / 1_000).toFixed(1)} s after the request`);
  await until("the gateway is told", () => dsp.heard.some(({ frame }) => frame.includes("gpu.power.booted")));
  story.tell(`the gateway is told that the machine is on, ${Date.now() - runningAt} ms later`);
  const worker = await dsp.worker();
  const job = await worker.next((frame) => frame.type === "gpu.job.submit" && frame.request_id === "demo-1");
  story.tell(`the worker is online and gets the waiting job ${String(job.request_id)} from the backlog`);
  await client.next((frame) => frame.type === "gpu.power.online");
  story.tell("the client hears that it can go ahead");
  worker.send({
    type: "gpu.job.result",
    key: "demo-license",
    task_type: "heygem_submit",
    request_id: "demo-1",
    result: {},
  });
  await client.next((frame) => frame.type === "gpu.job.result");
  story.tell("the job is done; nothing more is to do");

  story.chapter("Idle");
  const stop = await until("the console takes the stop request", () =>
    stack.console.state().actions.find((action) => action.verb === "stop" && action.outcome === "accepted"),
  );
  story.tell(
    `no job for a while, no task active, both witnesses agree: power requests the stop (${stop.lane} lane)`,
  );
  await worker.close();
  await until("the machine is off", () => machine()?.State === "Stopped");
  await until("power knows", async () => (await stack.status()).instances[0]?.state === "stopped");
  story.tell("the machine is off, and power has seen it");
  await client.close();
  return { noticeToStartRequestMs, startRequestToRunningMs };
}

type Worker = Awaited<ReturnType<Stack["dsp"]["worker"]>>;
const Job = z.object({ key: z.string(), task_type: z.string(), request_id: z.string() });

/** Finishes the jobs that the worker was given since the last time; returns how many it has been given. */
function finishJobs(worker: Worker, finished: number): number {
  for (const frame of worker.frames.slice(finished)) {
    const job = Job.safeParse(frame);
    if (!job.success || frame.type === "gpu.job.result") continue;
    worker.send({ type: "gpu.job.result", ...Job.parse(frame), result: {} });
    story.tell(`the worker has done job ${job.data.request_id}`);
  }
  return worker.frames.length;
}

/** Goes on telling what the machine does, with a worker on it while it runs and the gateway lets one in. */
async function goOn(stack: Stack): Promise<never> {
  let worker: Worker | undefined;
  let finished = 0;
  for (let last = stack.state(); ; await pause(LOOK_MS)) {
    const state = stack.state();
    if (state !== last) story.tell(`the machine is ${state}`);
    last = state;
    if (state !== "Running") {
      await worker?.close().catch(() => undefined);
      worker = undefined;
    } else if (worker === undefined || worker.closed) {
      // A fault may have taken the gateway away; its worker comes back with it.
      worker = await stack.dsp.worker().catch(() => undefined);
      finished = 0;
      if (worker !== undefined) story.tell("the worker is online");
    } else finished = finishJobs(worker, finished);
  }
}

/** Where gpuctl finds what it needs while the demo runs: the token, the gateway, a license. */
const HANDS = fileURLToPath(new URL("../../.demo/", import.meta.url));

function keepForGpuctl({ tokens, dsp, redis }: Stack): void {
  mkdirSync(HANDS, { recursive: true, mode: 0o700 });
  const files = {
    "operator-token": tokens.operator,
    "dsp-url": dsp.url,
    "dsp-license-key": "demo-license",
    "dsp-redis-url": redis.url,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(HANDS, name), text, { mode: 0o600 });
}

/** Printed after everything has stopped, so that it is the last line. */
let lastLine = JSON.stringify({ ok: false });

async function main(): Promise<boolean> {
  story.chapter("Starting NATS, Redis, Prometheus, the two stand-ins and the two services");
  const stack = await startStack({
    policy: POLICY,
    console: { bootMs: BOOT_MS, stopMs: STOP_MS },
    listenerEnv: LISTENER,
    backlog: true,
    ...(once ? {} : { ports: FIXED }),
  });
  let prometheus: Awaited<ReturnType<typeof startPrometheus>> | undefined;
  let alerts: ReturnType<typeof followAlerts> | undefined;
  const stop = async () => {
    alerts?.stop();
    await prometheus?.stop();
    await stack.stop();
  };
  const interrupted = new Promise<"interrupted">((resolve) => {
    process.once("SIGINT", () => resolve("interrupted"));
    process.once("SIGTERM", () => resolve("interrupted"));
  });
  try {
    const targets = { listener: stack.listener.url, power: stack.power.url };
    prometheus = await startPrometheus(stack.dir, once ? await freePort() : PROMETHEUS_PORT, targets, {
      timesQuicker: DEMO_TIMES_QUICKER,
    });
    alerts = followAlerts(prometheus, Object.keys(targets).length, (words) => story.tell(words));
    story.tell("the listener is registered at the gateway as gpu_monitor");
    story.tell("power is logged in at the console");
    story.tell(`the machine is ${stack.state() === "Stopped" ? "off" : stack.state()}`);
    const told = await Promise.race([tellJob(stack), interrupted]);
    if (told === "interrupted") return true;
    const { query } = prometheus;
    await until(
      "Prometheus has seen the uptime",
      async () => ((await query("gpu_power_uptime_seconds_total")) ?? 0) > 0,
    );
    const starts = stack.accepted("start");
    const stops = stack.accepted("stop");
    const jobs = stack.dsp.submitted["gpu.job.submit"] ?? 0;
    await alerts.look();
    const fired = alerts.fired();
    story.tell(
      fired.length === 0
        ? "no alert has fired but Watchdog, which always does: it says that alerting works"
        : `these alerts have fired: ${fired.join(", ")}`,
    );
    const ok = starts === 1 && stops === 1 && jobs === 1 && fired.length === 0;
    lastLine = JSON.stringify({ ok, jobs, starts, stops, alerts: fired, ...told });
    if (once) return ok;
    const control = await serveControl(stack.dsp, GATEWAY_CONTROL_PORT);
    keepForGpuctl(stack);
    story.chapter("It goes on until you press Ctrl-C. Look at:");
    console.log(`  the console's stand-in   ${stack.console.consoleUrl}  (operator / only-for-the-stand-in)
  what power thinks        ./gpuctl status      what happens: ./gpuctl watch      what happened: ./gpuctl history
  take hold of it          ./gpuctl need 1m --reason trying      ./gpuctl hold --off --for 1m --reason trying
                           ./gpuctl run -- sleep 3      ./gpuctl start gpu-1 --reason trying
  a job, step by step      ./gpuctl test-job --wait-worker      a stop: ./gpuctl test-shutdown
  metrics                  ${stack.power.url}/metrics   ${stack.listener.url}/metrics
  readiness                ${stack.power.url}/readyz   ${stack.listener.url}/readyz
  Prometheus               ${prometheus.url}/alerts   (the project's rules, ${DEMO_TIMES_QUICKER} times quicker)
  a fault, and its alert   make demo-fault   lists them
  another job              curl -X POST -H 'content-type: application/json' -d '{"type":"url"}' ${control.url}/jobs`);
    await Promise.race([goOn(stack), interrupted]);
    await control.stop();
    return true;
  } finally {
    story.chapter("Stopping everything that was started");
    rmSync(HANDS, { recursive: true, force: true });
    await stop();
  }
}

let ok = false;
try {
  ok = await main();
} catch (error) {
  console.error(
    `The story did not come to its end: ${error instanceof Error ? error.message : String(error)}`,
  );
}
if (once) console.log(lastLine);
process.exit(ok ? 0 : 1);
