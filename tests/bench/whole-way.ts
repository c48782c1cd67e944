/**
 * From the client's send to the start request at the provider: gateway, listener, NATS, power and its browser, by the
 * API lane. Alone: `node tests/bench/whole-way.ts`.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Gateway, startGateway } from "../../sim/dsp/src/gateway.ts";
import { until } from "../harness/process.ts";
import { type Stack, startStack } from "../harness/stack.ts";
import { startChild } from "./child.ts";
import type { Row } from "./row.ts";
import type { Effort, Scenario } from "./scenario.ts";
import { compare, quantile, type Round } from "./statistics.ts";

/** The browser that the image has, where it is here. */
const HEADLESS_SHELL = "/usr/bin/chromium-headless-shell";
/** What follows a start (the page is loaded and compared) is over by then. */
const QUIET_MS = 1_500;
const LICENSE = "bench-license";

/** Looks only as often as it has to, so that a look is not what a start waits for. */
const POLICY = {
  observe: { off: "1s", on: "200ms", changing: "100ms", compare: "5m" },
  maxStartsPerHour: 10_000,
};

const now = () => performance.timeOrigin + performance.now();

/** Submits a job as a client does; milliseconds until a start request arrives at the provider. */
async function timeOf({ console: site }: Stack, gateway: Gateway): Promise<number> {
  const before = site.state().actions.length;
  const sentAt = now();
  const submitted = gateway.submit({ type: "url", key: LICENSE });
  const arrived = await until("a start request arrives", () => site.state().actions[before], 15_000, 2);
  await submitted;
  return arrived.atMs - sentAt;
}

/** The machine is off again, and power has seen it and has nothing left to do. */
async function reset(stack: Stack): Promise<void> {
  await until("the job is served", async () => (await stack.status()).demand.waitingJobs === 0);
  await stack.setState(0, "Stopped", false);
  await until("power sees it stopped", async () => {
    const [machine] = (await stack.status()).instances;
    return machine?.state === "stopped" && machine.attempt === null;
  });
  await pause(QUIET_MS);
}

async function run({ short, rounds }: Effort): Promise<Row[]> {
  const samples = short ? 2 : 12;
  const dir = await mkdtemp(join(tmpdir(), "gpm-bench-way-"));
  const stack = await startStack({
    lanes: ["api"],
    policy: POLICY,
    console: { bootMs: 100 },
    listenerEnv: { LOG_LEVEL: "info" },
    powerEnv: {
      LOG_LEVEL: "info",
      ...(existsSync(HEADLESS_SHELL) ? { CHROMIUM_PATH: HEADLESS_SHELL } : {}),
    },
  });
  // A gateway of its own, so that each job is heard by one of the two alone.
  const beside = await startGateway({ redisUrl: `${stack.redis.url}/1` });
  const bare = startChild({
    file: "tests/bench/floor/start.ts",
    args: [beside.url, stack.console.apiUrl, stack.ids[0] ?? ""],
    dir,
  });
  try {
    await until("the floor is registered", async () => (await beside.store.monitors()).length === 1);
    await timeOf(stack, beside);
    await timeOf(stack, stack.dsp);
    await reset(stack);
    const measured: Round[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const times = { floor: [] as number[], ours: [] as number[] };
      for (let index = 0; index < samples; index += 1) {
        times.floor.push(await timeOf(stack, beside));
        times.ours.push(await timeOf(stack, stack.dsp));
        await reset(stack);
      }
      measured.push(times);
    }
    const all = {
      floor: measured.flatMap(({ floor }) => floor),
      ours: measured.flatMap(({ ours }) => ours),
    };
    const en = "client's send → start request at the provider, API lane";
    const zh = "客户端发送 → 供应商收到开机请求，API 通道";
    return [
      {
        id: "whole-way-p50",
        what: { en: `${en}, p50`, zh: `${zh}，p50` },
        unit: "ms",
        ...compare(measured, 0.5),
        target: { of: "ratio", atMost: 3 },
      },
      {
        id: "whole-way-p95",
        what: { en: `${en}, p95`, zh: `${zh}，p95` },
        unit: "ms",
        ours: quantile(all.ours, 0.95),
        floor: quantile(all.floor, 0.95),
        target: { of: "ours", atMost: 10 },
      },
    ];
  } finally {
    await bare.stop();
    await beside.stop();
    await stack.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

export const wholeWayScenarios: readonly Scenario[] = [
  {
    name: "whole-way",
    isolates: {
      en: "Everything between a client and the provider, each part a real process but the two stand-ins; kept durably at each step. Beside it a bare script that sends the request at every notice and keeps nothing, as the last old script did.",
      zh: "客户端与供应商之间的全部环节：除两个替身外都是真实进程，每一步都持久保存。旁边是一个裸脚本，每条通知都直接发请求、什么都不保存，和最后一版旧脚本一样。",
    },
    run,
  },
];
