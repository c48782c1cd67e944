/**
 * Faults of the outside world, by the stand-ins' control APIs: what `make demo-fault` injects into a running demo,
 * and what the tests fire the alerts with.
 */
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";

/** Addresses of the control APIs. */
export interface Controls {
  readonly console: string;
  readonly gateway: string;
}

export interface Fault {
  readonly name: string;
  readonly does: string;
  readonly alert: string;
  /** How long the alert's rule waits, in seconds. */
  readonly ruleSeconds: number;
  /** What passes besides, until the fault is noticed, in the demo. */
  readonly noticedSeconds: number;
  readonly inject: (controls: Controls) => Promise<void>;
}

/** Nobody wants to look at the local demo for minutes until an alert fires: its rules' times are divided by this. */
export const DEMO_TIMES_QUICKER = 12;

const JOB = { type: "gpu.job.submit", key: "demo-fault", taskType: "heygem_submit" };
/** Everything that the gateway tells monitors of. */
const NOTICES = [
  "url",
  "chatglm_video",
  "gpu.job.submit",
  "gpu_task",
  "gpu.power.boot",
  "gpu.status.query",
  "gpu.task.active",
];
/** Long enough for a scrape every ten seconds to see the machine on, and off again. */
const FLAP_MS = 12_000;
const FLAPS = 4;

const State = z.object({ machines: z.array(z.object({ UHostId: z.string() })) });

async function post(url: string, body: object = {}): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
}

const turn = (controls: Controls, knobs: object) => post(`${controls.console}/faults`, knobs);
const mute = (controls: Controls, type: string, on: boolean) =>
  post(`${controls.gateway}/mute`, { type, on });
const submit = (controls: Controls) =>
  post(`${controls.gateway}/jobs`, { ...JOB, requestId: `fault-${Date.now()}` });

/** The first machine, which is the demo's. */
async function machineOf({ console: url }: Controls): Promise<string> {
  const [first] = State.parse(await (await fetch(`${url}/state`)).json()).machines;
  if (first === undefined) throw new Error("The console's stand-in has no machine.");
  return first.UHostId;
}

export const FAULTS: readonly Fault[] = [
  {
    name: "gateway-away",
    does: "the gateway is down",
    alert: "ListenerNotRegistered",
    ruleSeconds: 60,
    noticedSeconds: 2,
    inject: (controls) => post(`${controls.gateway}/away`, { on: true }),
  },
  {
    name: "notifies-nobody",
    does: "the gateway answers, and notifies nobody (problem A of the old guide)",
    alert: "NotificationPathUnproven",
    ruleSeconds: 120,
    noticedSeconds: 5,
    inject: async (controls) => {
      for (const type of NOTICES) await mute(controls, type, true);
    },
  },
  {
    name: "forgets-a-type",
    does: "the gateway does not notify of one type of job, and one is submitted (problem A too)",
    alert: "NotificationsMissed",
    ruleSeconds: 0,
    noticedSeconds: 25,
    inject: async (controls) => {
      await mute(controls, JOB.type, true);
      await submit(controls);
    },
  },
  {
    name: "sold-out",
    does: "the provider has no machine left, and a job is submitted",
    alert: "GpuStartFailed",
    ruleSeconds: 0,
    noticedSeconds: 12,
    inject: async (controls) => {
      await turn(controls, { soldOut: [await machineOf(controls)] });
      await submit(controls);
    },
  },
  {
    name: "no-effect",
    does: "the provider accepts a start and nothing happens, while a job waits",
    alert: "JobWaitingWithoutGpu",
    ruleSeconds: 240,
    noticedSeconds: 5,
    inject: async (controls) => {
      await turn(controls, { acceptButNothing: true });
      await submit(controls);
    },
  },
  {
    name: "hangs-in-starting",
    does: "the machine never gets out of starting",
    alert: "GpuStuckStarting",
    ruleSeconds: 360,
    noticedSeconds: 5,
    inject: async (controls) => {
      await turn(controls, { stuckStarting: [await machineOf(controls)] });
      await submit(controls);
    },
  },
  {
    name: "switched-by-others",
    does: `somebody switches the machine on and off, ${FLAPS} times`,
    alert: "GpuFlapping",
    ruleSeconds: 0,
    noticedSeconds: (2 * FLAPS * FLAP_MS) / 1_000,
    inject: async (controls) => {
      const url = `${controls.console}/machines/${await machineOf(controls)}/state`;
      for (let flap = 0; flap < FLAPS; flap += 1) {
        await post(url, { state: "Running" });
        await pause(FLAP_MS);
        await post(url, { state: "Stopped" });
        await pause(FLAP_MS);
      }
    },
  },
  {
    name: "login-lost",
    does: "the console's session ends, and only a person can log in (problem C)",
    alert: "ConsoleLoginRequired",
    ruleSeconds: 30,
    noticedSeconds: 10,
    inject: async (controls) => {
      await turn(controls, { loginByHandOnly: true });
      await post(`${controls.console}/expire-session`);
    },
  },
  {
    name: "empty-list",
    does: "the provider's list is empty",
    alert: "ConsoleStateUnknown",
    ruleSeconds: 300,
    noticedSeconds: 5,
    inject: (controls) => turn(controls, { emptyList: true }),
  },
  {
    name: "page-disagrees",
    does: "the page goes on showing the machine as stopped when a job has started it (problem B)",
    alert: "ConsoleWitnessesDisagree",
    ruleSeconds: 0,
    noticedSeconds: 45,
    inject: async (controls) => {
      await turn(controls, { pageDisagrees: { [await machineOf(controls)]: "Stopped" } });
      await submit(controls);
    },
  },
  {
    name: "page-changed",
    does: "a new release of the console renames what the profile looks for (problem B)",
    alert: "ConsoleSelectorDrift",
    ruleSeconds: 0,
    noticedSeconds: 45,
    inject: async (controls) => {
      await turn(controls, { changedSelectors: ["row"] });
      await submit(controls);
    },
  },
];

export const faultNamed = (name: string) => FAULTS.find((fault) => fault.name === name);

/** Everything is well again; a person has logged in. */
export async function mendAll(controls: Controls): Promise<void> {
  await post(`${controls.console}/faults/reset`);
  await post(`${controls.console}/login-by-hand`);
  await post(`${controls.gateway}/away`, { on: false });
  for (const type of NOTICES) await mute(controls, type, false);
}
