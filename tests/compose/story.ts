/** The main job through the containers, then restarts and kills in turn: one start each, nothing lost. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { z } from "zod";
import { until } from "../harness/process.ts";

const DSP = "http://127.0.0.1:18072";
const CONSOLE = "http://127.0.0.1:18082";
const POWER = "http://127.0.0.1:9102";
const LONG_MS = 120_000;
const BURST = 2_000;

const Site = z.object({
  machines: z.array(z.object({ UHostId: z.string(), State: z.string() })),
  actions: z.array(z.object({ verb: z.string(), outcome: z.string(), atMs: z.number() })),
});
const Status = z.object({
  ready: z.boolean().optional(),
  instances: z.array(z.object({ state: z.string() })),
});

async function ask<S extends z.ZodType>(url: string, schema: S): Promise<z.output<S>> {
  return schema.parse(await (await fetch(url, { signal: AbortSignal.timeout(5_000) })).json());
}
async function post(path: string, body: unknown) {
  const response = await fetch(`${DSP}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200, `${path}: ${await response.text()}`);
}
const site = () => ask(`${CONSOLE}/state`, Site);
const starts = async () =>
  (await site()).actions.filter(({ verb, outcome }) => verb === "start" && outcome === "accepted");
const machine = async () => (await site()).machines[0]?.State;
const make = (target: string) =>
  execFileSync("make", ["--no-print-directory", target], { stdio: ["ignore", "inherit", "inherit"] });
const docker = (...words: string[]) => execFileSync("docker", words, { encoding: "utf8" }).trim();
const project = process.env.COMPOSE_PROJECT_NAME ?? "";
const containerOf = (service: string) =>
  docker(
    "ps",
    "-q",
    "--filter",
    `label=com.docker.compose.project=${project}`,
    "--filter",
    `label=com.docker.compose.service=${service}`,
  );
const submit = (requestId: string) =>
  post("/jobs", { type: "gpu.job.submit", key: "demo-license", taskType: "heygem_submit", requestId });

/** The machine off, and power ready and aware of it, so that the next step begins where a job would. */
async function settled() {
  await until("the machine is off", async () => (await machine()) === "Stopped", LONG_MS);
  await until(
    "power sees it off and is ready",
    async () => {
      try {
        if (!(await fetch(`${POWER}/readyz`)).ok) return false;
        return (await ask(`${POWER}/status`, Status)).instances[0]?.state === "stopped";
      } catch {
        // It is being restarted.
        return false;
      }
    },
    LONG_MS,
  );
}

/** Runs `act` around a job and holds that the machine was started exactly once for it. */
async function oneStart(words: string, act: () => Promise<void>) {
  await settled();
  const before = (await starts()).length;
  const began = Date.now();
  await act();
  await until("the machine runs", async () => (await machine()) === "Running", LONG_MS);
  const ran = Date.now();
  await until("it idles and stops", async () => (await machine()) === "Stopped", LONG_MS);
  assert.equal((await starts()).length - before, 1, `${words}: one start`);
  console.log(
    `  ok   ${words}: running after ${ran - began} ms, off after ${Date.now() - began} ms, one start`,
  );
}

await settled();
const submitted = Date.now();
const count = (await starts()).length;
await submit("main-1");
const start = await until("the console takes the start", async () => (await starts())[count], LONG_MS);
console.log(`main job: start requested ${Math.round(start.atMs - submitted)} ms after the submission`);
await until("the machine runs", async () => (await machine()) === "Running", LONG_MS);
console.log(`main job: machine running after ${Date.now() - submitted} ms`);
await until("idleness stops it", async () => (await machine()) === "Stopped", LONG_MS);
console.log(`main job: machine off after ${Date.now() - submitted} ms`);

await oneStart("power restarted in the middle of a start", async () => {
  await submit("restart-1");
  await until("the start is under way", async () => (await machine()) !== "Stopped", LONG_MS);
  make("restart-power");
});
await oneStart("power restarted in the middle of a burst", async () => {
  const burst = post("/jobs/burst", { count: BURST, type: "gpu.job.submit", key: "k", notifyOnly: true });
  make("restart-power");
  await burst;
});
await oneStart("the listener restarted with overlap, a job in between", async () => {
  const restarted = submit("restart-2");
  make("restart-listener");
  await restarted;
});
for (const service of ["nats", "listener", "power"]) {
  await oneStart(`${service} killed in the middle of a start`, async () => {
    await submit(`kill-${service}`);
    await until("the start is under way", async () => (await machine()) !== "Stopped", LONG_MS);
    docker("kill", "-s", "KILL", containerOf(service));
    // The restart policy leaves a container alone that a person killed; whoever brings the stack up starts it.
    make("up");
  });
}
