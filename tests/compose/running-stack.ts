/** The running stack as the tests see it: its stand-ins, its services, its containers, and a job through all of it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { z } from "zod";
import { until } from "../harness/process.ts";

/** On this host, at the port of the setting: several installations may be up. */
const at = (setting: string, port: number) => `http://127.0.0.1:${process.env[setting] ?? port}`;
export const DSP = at("SIM_DSP_PORT", 18_072);
export const CONSOLE = at("SIM_CONSOLE_PORT", 18_082);
export const POWER = at("POWER_PORT", 9_102);
export const PROMETHEUS = at("PROMETHEUS_PORT", 9_090);
export const LONG_MS = 150_000;
export const JOB = { type: "gpu.job.submit", key: "demo-license", taskType: "heygem_submit" };

const Site = z.object({
  machines: z.array(z.object({ UHostId: z.string(), State: z.string() })),
  actions: z.array(z.object({ verb: z.string(), outcome: z.string(), atMs: z.number() })),
});
const Status = z.object({
  instances: z.array(z.object({ state: z.string() })),
  demand: z.object({ waitingJobs: z.number() }),
});
export const Gateway = z.object({ pending: z.number(), notified: z.record(z.string(), z.number()) });

/** How each service knows who asks; the stand-ins do not want to know. */
function loginAt(url: string): Readonly<Record<string, string>> {
  const secret = (name: string) => readFileSync(`secrets/${name}`, "utf8");
  if (url.startsWith(POWER)) return { authorization: `Bearer ${secret("viewer-token")}` };
  if (url.startsWith(PROMETHEUS))
    return { authorization: `Basic ${btoa(`admin:${secret("prometheus-admin")}`)}` };
  return {};
}
export async function ask<S extends z.ZodType>(url: string, schema: S): Promise<z.output<S>> {
  const options = { headers: loginAt(url), signal: AbortSignal.timeout(5_000) };
  return schema.parse(await (await fetch(url, options)).json());
}
export async function post(path: string, body: unknown): Promise<void> {
  const response = await fetch(`${DSP}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200, `${path}: ${await response.text()}`);
}
const site = async () => await ask(`${CONSOLE}/state`, Site);
export const starts = async () =>
  (await site()).actions.filter(({ verb, outcome }) => verb === "start" && outcome === "accepted");
export const machine = async () => (await site()).machines[0]?.State;
export const run = promisify(execFile);
export const make = async (target: string) => await run("make", ["--no-print-directory", target]);
export const project = process.env.COMPOSE_PROJECT_NAME ?? "";
export async function containerOf(service: string): Promise<string> {
  const labels = [`project=${project}`, `service=${service}`];
  const filters = labels.flatMap((label) => ["--filter", `label=com.docker.compose.${label}`]);
  return (await run("docker", ["ps", "-q", ...filters])).stdout.trim();
}
/** By a client of its own: one that was registered before the gateway's Redis died is unknown to it afterwards. */
export const submit = async (requestId: string) => await post("/jobs", { ...JOB, key: requestId, requestId });

/** The machine off, every job served, and power ready and aware of it: where the next step begins. */
export async function settled(): Promise<void> {
  await until("the machine is off", async () => (await machine()) === "Stopped", LONG_MS);
  await until(
    "power sees it off, has no job and is ready",
    async () => {
      const { instances, demand } = await ask(`${POWER}/api/v1/status`, Status);
      const { ok } = await fetch(`${POWER}/readyz`);
      return ok && instances[0]?.state === "stopped" && demand.waitingJobs === 0;
    },
    LONG_MS,
  );
}

/** Runs `act` around a job and holds that the machine was started exactly once for it, and no job was left. */
export async function oneStart(words: string, act: () => Promise<void>): Promise<void> {
  await settled();
  const before = (await starts()).length;
  const began = Date.now();
  // Watched from the beginning: what is done meanwhile may take longer than the machine runs.
  const running = until("the machine runs", async () => (await machine()) === "Running", 2 * LONG_MS).then(
    () => Date.now(),
  );
  await Promise.all([act(), running]);
  const ran = await running;
  await until("it idles and stops", async () => (await machine()) === "Stopped", LONG_MS);
  assert.equal((await starts()).length - before, 1, `${words}: one start`);
  assert.equal((await ask(`${DSP}/state`, Gateway)).pending, 0, `${words}: no job is left at the gateway`);
  console.log(
    `  ok   ${words}: running after ${ran - began} ms, off after ${Date.now() - began} ms, one start`,
  );
}

export const underWay = async () =>
  await until("the start is under way", async () => (await machine()) !== "Stopped", LONG_MS);
