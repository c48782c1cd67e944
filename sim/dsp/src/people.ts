/**
 * Who else is at the gateway in the demo of containers, as a process: a worker on the machine while it runs, and
 * a client that submits a job now and then. It speaks to both stand-ins by their control APIs alone.
 */
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";

const LOOK_MS = 250;
const LICENSE = "demo-license";
const TASK_TYPE = "heygem_submit";

const Env = z.object({
  GATEWAY_CONTROL: z.url({ protocol: /^http$/ }),
  CONSOLE_CONTROL: z.url({ protocol: /^http$/ }),
  /** How long the worker takes for a job. */
  JOB_MS: z.coerce.number().min(0).default(5_000),
  /** Between two jobs of the client; 0 submits none. */
  JOB_EVERY_MS: z.coerce.number().min(0).default(0),
});
const Machines = z.object({ machines: z.array(z.object({ State: z.string() })) });
const Gateway = z.object({ workers: z.number() });
const Jobs = z.array(
  z.looseObject({
    key: z.string().optional(),
    task_type: z.string().optional(),
    request_id: z.string().optional(),
  }),
);

const parsed = Env.safeParse(process.env);
if (!parsed.success) {
  console.error(z.prettifyError(parsed.error));
  process.exit(1);
}
const env = parsed.data;
const stopped = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stopped.abort());

async function ask<S extends z.ZodType>(schema: S, url: string, body?: object): Promise<z.output<S>> {
  const response = await fetch(url, {
    signal: AbortSignal.timeout(5_000),
    ...(body === undefined
      ? {}
      : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return schema.parse(await response.json());
}
const tell = async (path: string, body: object = {}) =>
  await ask(z.unknown(), `${env.GATEWAY_CONTROL}${path}`, body);

interface Worker {
  readonly id: number;
  taken: number;
}

async function finishNewJobs(worker: Worker): Promise<void> {
  const jobs = await ask(Jobs, `${env.GATEWAY_CONTROL}/workers/${worker.id}/jobs`);
  for (const { key, task_type: taskType, request_id: requestId } of jobs.slice(worker.taken)) {
    worker.taken += 1;
    if (key === undefined || taskType === undefined || requestId === undefined) continue;
    setTimeout(() => {
      tell(`/workers/${worker.id}/finish`, { key, taskType, requestId }).catch(complain);
    }, env.JOB_MS);
  }
}

/** The worker as it should be: there while a machine runs and the gateway knows it. */
async function keepWorker(worker: Worker | undefined): Promise<Worker | undefined> {
  const { machines } = await ask(Machines, `${env.CONSOLE_CONTROL}/state`);
  if (!machines.some(({ State }) => State === "Running")) {
    if (worker !== undefined) await tell(`/workers/${worker.id}/leave`).catch(complain);
    return undefined;
  }
  const known = (await ask(Gateway, `${env.GATEWAY_CONTROL}/state`)).workers > 0;
  if (worker !== undefined && known) return worker;
  const { workerId } = await ask(z.object({ workerId: z.number() }), `${env.GATEWAY_CONTROL}/workers`, {});
  console.log("the machine runs: its worker is online");
  return { id: workerId, taken: 0 };
}

/** A stand-in that restarts is nothing to end for. */
let lastComplaint = "";
function complain(error: unknown): void {
  const words = error instanceof Error ? error.message : String(error);
  if (words !== lastComplaint) console.error(words);
  lastComplaint = words;
}

let worker: Worker | undefined;
let nextJobAt = Date.now() + env.JOB_EVERY_MS;
console.log(JSON.stringify({ ready: true, ...env }));
while (!stopped.signal.aborted) {
  try {
    worker = await keepWorker(worker);
    if (worker !== undefined) await finishNewJobs(worker);
    if (env.JOB_EVERY_MS > 0 && Date.now() >= nextJobAt) {
      nextJobAt = Date.now() + env.JOB_EVERY_MS;
      const requestId = `demo-${Date.now()}`;
      await tell("/jobs", { type: "gpu.job.submit", key: LICENSE, taskType: TASK_TYPE, requestId });
      console.log(`a client submits job ${requestId}`);
    }
  } catch (error) {
    complain(error);
  }
  await pause(LOOK_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
}
process.exit(0);
