/**
 * The pool's growth from 1 to 200 machines: `decide` alone, a whole pass of the reconciler, and memory.
 * Alone: `node tests/bench/pool.ts`.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";
import { startNats } from "../harness/servers.ts";
import type { Row } from "./row.ts";
import type { Effort, Scenario } from "./scenario.ts";
import { median } from "./statistics.ts";

const MACHINES = 200;
const MB = 1_000_000;
const PROCESS = new URL("pool-process.ts", import.meta.url).pathname;

const Measured = z.object({
  heapBytes: z.number(),
  passP50Ms: z.number(),
  passP99Ms: z.number(),
  decisionsPerSecond: z.number(),
});
type Measured = z.output<typeof Measured>;

async function measure(natsUrl: string, machines: number): Promise<Measured> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--expose-gc",
    PROCESS,
    natsUrl,
    String(machines),
  ]);
  return Measured.parse(JSON.parse(stdout));
}

async function run({ rounds }: Effort): Promise<Row[]> {
  const nats = await startNats();
  try {
    const measured: Array<Record<"one" | "many", Measured>> = [];
    for (let round = 0; round < rounds; round += 1) {
      measured.push({ one: await measure(nats.url, 1), many: await measure(nats.url, MACHINES) });
    }
    const over = (value: (of: (typeof measured)[number]) => number) => median(measured.map(value));
    const of = {
      en: `of ${MACHINES} machines, 10,000 waiting groups`,
      zh: `${MACHINES} 台机器、10,000 组等待任务`,
    };
    return [
      {
        id: "decide",
        what: { en: `decisions ${of.en}`, zh: `决定，${of.zh}` },
        unit: "/s",
        ours: over(({ many }) => many.decisionsPerSecond),
        floor: over(({ one }) => one.decisionsPerSecond),
        target: { of: "ours", atLeast: 50_000 },
      },
      {
        id: "pass-p50",
        what: { en: `one pass of the reconciler ${of.en}, p50`, zh: `协调器一轮，${of.zh}，p50` },
        unit: "ms",
        ours: over(({ many }) => many.passP50Ms),
        floor: over(({ one }) => one.passP50Ms),
        target: { of: "ours", atMost: 5 },
      },
      {
        id: "pass-p99",
        what: {
          en: "the same, p99, with what a look brings written down",
          zh: "同上，p99，含把观察结果写入",
        },
        unit: "ms",
        ours: over(({ many }) => many.passP99Ms),
        floor: over(({ one }) => one.passP99Ms),
      },
      {
        id: "pool-memory",
        what: {
          en: `memory that ${MACHINES} machines take beyond one`,
          zh: `${MACHINES} 台机器比一台多占的内存`,
        },
        unit: "MB",
        ours: over(({ one, many }) => (many.heapBytes - one.heapBytes) / MB),
        target: { of: "ours", atMost: 20 },
      },
    ];
  } finally {
    await nats.stop();
  }
}

export const poolScenarios: readonly Scenario[] = [
  {
    name: "pool",
    isolates: {
      en: "Power's core without a browser: the pure decision, and a pass woken by demand, on real NATS. The floor's column holds the same with one machine.",
      zh: "不含浏览器的 power 核心：纯粹的决定，以及由需求唤醒的一轮，使用真实的 NATS。基准一列是一台机器时的同样数字。",
    },
    fullOnly: true,
    run,
  },
];
