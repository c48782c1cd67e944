/**
 * A burst of notices: how fast the listener brings them into JetStream, and how much memory that takes; with the
 * memory that its container has as well. Alone: `node tests/bench/burst.ts`; FRAMES=1000000 makes it a flood.
 */
import { setTimeout as pause } from "node:timers/promises";
import { STREAMS } from "@gpu-power-manager/shared/events";
import { type Bench, FLOOR, type Hearing, noticeOf, onBench } from "./bench.ts";
import { memoryLimited } from "./child.ts";
import type { Row } from "./row.ts";
import type { Effort, Scenario } from "./scenario.ts";
import { compare, median, type Round } from "./statistics.ts";

const SIZES = [5_000, 40_000] as const;
const SHORT_SIZES = [20_000] as const;
/** The bare client keeps everything in flight, which takes 10 kB an event: of a flood it gets only a part. */
const FLOOR_MOST = 40_000;
/** The listener's limit in docker-compose.yml. */
const CONTAINER = { memoryMib: 256 } as const;
const MB = 1_000_000;
const LOOK_MS = 10;

interface Burst {
  readonly perSecond: number;
  /** CPU time of the process for each notice, in microseconds. */
  readonly cpuUs: number;
  readonly peakBytes: number;
}

/** Sends so many at once; resolves when JetStream has stored all. */
async function burst({ manager }: Bench, stream: string, child: Hearing, size: number): Promise<Burst> {
  const stored = async () => (await manager.streams.info(stream)).state.messages;
  await manager.streams.purge(stream);
  const [beganAt, cpuMs] = [performance.now(), child.cpuMs()];
  const sent = child.monitor.flood(size, noticeOf);
  for (let count = 0; count < size; count = await stored()) {
    if (!child.running) throw new Error(`${stream}: the process ended after ${count} of ${size} events`);
    await pause(LOOK_MS);
  }
  const seconds = (performance.now() - beganAt) / 1_000;
  await sent;
  const peakBytes = child.peakBytes();
  const cpuUs = ((child.cpuMs() - cpuMs) * 1_000) / size;
  await manager.streams.purge(stream);
  return { perSecond: size / seconds, cpuUs, peakBytes };
}

/** What is isolated is the listener, not the disk: the server syncs as it does by default. */
const withoutSync = (configuration: string) => configuration.replace("sync_interval: always", "");

/** What was measured in one surrounding, round by round. */
interface Series {
  readonly rates: Round[];
  readonly cpu: Round[];
  readonly peaks: number[];
}

/**
 * The bare client's burst and ours follow each other, and the ratio is formed of the two: whatever else the machine
 * does, falls on both. Where it does much else, CPU time is what still holds: how long a burst takes then says how soon
 * each of four processes got its turn, and whoever keeps a limit waits at each of them. So the short form, which runs
 * on any machine at any time, judges CPU time, and the full form judges the rate.
 */
async function measureBurst(size: number, { short, rounds }: Effort): Promise<Row[]> {
  const limited = memoryLimited();
  return await onBench(async (bench) => {
    const series = (): Series => ({ rates: [], cpu: [], peaks: [] });
    const [free, bound] = [series(), series()];
    for (let round = 0; round < rounds; round += 1) {
      for (const [where, into] of [
        [{}, free],
        [CONTAINER, bound],
      ] as const) {
        if (where === CONTAINER && !limited) continue;
        const bare = await bench.startFloor();
        const floor = await burst(bench, FLOOR.stream, bare, Math.min(size, FLOOR_MOST));
        await bare.stop();
        const listener = await bench.startListener(where);
        const ours = await burst(bench, STREAMS.jobs, listener, size);
        await listener.stop();
        into.rates.push({ floor: [floor.perSecond], ours: [ours.perSecond] });
        into.cpu.push({ floor: [floor.cpuUs], ours: [ours.cpuUs] });
        into.peaks.push(ours.peakBytes);
      }
    }
    const rows = (where: "free" | "bound", { rates, cpu, peaks }: Series, en: string, zh: string): Row[] => {
      const count = size.toLocaleString("en");
      const id = `burst-${size}-${where}`;
      return [
        {
          id,
          what: { en: `a burst of ${count} notices${en}`, zh: `突发 ${count} 条通知${zh}` },
          unit: "/s",
          ...compare(rates, 0.5),
          ...(short ? {} : { target: { of: "ratio", atLeast: 0.9 } }),
        },
        {
          id: `${id}-cpu`,
          what: { en: `CPU time for each of its notices${en}`, zh: `其中每条通知的 CPU 时间${zh}` },
          unit: "µs",
          ...compare(cpu, 0.5),
          ...(short ? { target: { of: "ratio", atMost: 1.1 } } : {}),
        },
        {
          id: `${id}-rss`,
          what: { en: `its peak RSS in the listener${en}`, zh: `listener 的峰值 RSS${zh}` },
          unit: "MB",
          ours: median(peaks) / MB,
          ...(where === "free" ? {} : { target: { of: "ours", atMost: 160 } }),
        },
      ];
    };
    const { memoryMib } = CONTAINER;
    const [en, zh] = [`, ${memoryMib} MB as in the container`, `，与容器相同的 ${memoryMib} MB`];
    return [...rows("free", free, "", ""), ...(limited ? rows("bound", bound, en, zh) : [])];
  }, withoutSync);
}

async function run(effort: Effort): Promise<Row[]> {
  const { short, rounds } = effort;
  const asked = Number(process.env.FRAMES ?? 0);
  const sizes = short ? SHORT_SIZES : asked > 0 ? [...SIZES, asked] : SIZES;
  const rows: Row[] = [];
  for (const size of sizes) {
    rows.push(...(await measureBurst(size, { short, rounds: size > 100_000 ? 1 : rounds })));
  }
  return rows;
}

export const burstScenarios: readonly Scenario[] = [
  {
    name: "burst",
    isolates: {
      en: "The listener's throughput and memory, beside the bare client that publishes everything at once and keeps no order, no limit and no copy. The server syncs as it does by default, so that the disk is not what is measured.",
      zh: "listener 的吞吐量和内存；旁边是一次全部发布的裸客户端，不保证顺序、没有上限、也不去重。服务器按默认方式同步，因此测的不是磁盘。",
    },
    run,
  },
];
