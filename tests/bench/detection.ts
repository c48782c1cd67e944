/**
 * Each way to lose a notice, with the listener's default settings: how long until it is noticed, and how long until
 * the machine is asked for all the same. Alone: `node tests/bench/detection.ts`.
 */
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { freePort, until } from "../harness/process.ts";
import { type Stack, startStack } from "../harness/stack.ts";
import type { Row, Text } from "./row.ts";
import type { Effort, Scenario } from "./scenario.ts";
import { median } from "./statistics.ts";

/** The browser that the image has, where it is here. */
const HEADLESS_SHELL = "/usr/bin/chromium-headless-shell";
const LICENSE = "bench-license";
/** Longer than the slowest of them takes. */
const PATIENCE_MS = 60_000;
/** Power's own looks are quick, because what is measured is how it hears of the job. */
const POLICY = {
  observe: { off: "1s", on: "200ms", changing: "100ms", compare: "5m" },
  maxStartsPerHour: 10_000,
};
/** So much, so that rounds fall on different moments of whatever comes at intervals. */
const SPREAD_MS = 700;

interface Way {
  readonly id: string;
  readonly what: Text;
  /** Loses the notice of one job. @returns resolves when the listener has noticed, or put right, what was lost. */
  readonly lose: (stack: Stack) => Promise<() => Promise<unknown>>;
  readonly mend?: (stack: Stack) => Promise<void>;
  /** At most so many milliseconds from the loss to its being noticed. */
  readonly noticedMs?: number;
}

const JOB = { type: "url", key: LICENSE } as const;
const reconnects = async ({ listener }: Stack, reason: string) =>
  (await listener.metric(`gpu_listener_reconnects_total{reason="${reason}"}`)) ?? 0;
const isRegistered = async ({ listener }: Stack) =>
  (await listener.metric("gpu_listener_registered").catch(() => 0)) === 1;
const isKnown = async ({ dsp }: Stack) => (await dsp.store.monitors()).length > 0;

const WAYS: readonly Way[] = [
  {
    id: "flushed",
    what: {
      en: "the gateway's Redis is flushed: nobody is registered, the connection lives",
      zh: "网关的 Redis 被清空：没有人登记，连接还在",
    },
    lose: async (stack) => {
      await stack.dsp.flushRedis();
      await stack.dsp.submit(JOB);
      return () => until("it is registered again", () => isKnown(stack), PATIENCE_MS);
    },
    noticedMs: 5_000,
  },
  {
    id: "half-open",
    what: { en: "the connection is dead without a word (no FIN)", zh: "连接无声地死去（没有 FIN）" },
    lose: async (stack) => {
      const before = await reconnects(stack, "pong_timeout");
      stack.dsp.halfOpen();
      await stack.dsp.submit(JOB);
      return () =>
        until("it is replaced", async () => (await reconnects(stack, "pong_timeout")) > before, PATIENCE_MS);
    },
    noticedMs: 10_000,
  },
  {
    id: "muted",
    what: {
      en: "the gateway no longer notifies this type of job; noticed is: counted as missed",
      zh: "网关不再通知这种任务；“发现”指计为错过",
    },
    lose: async (stack) => {
      const missed = async () =>
        (await stack.listener.metric('gpu_listener_notices_missed_total{source="backlog"}')) ?? 0;
      const before = await missed();
      stack.dsp.mute("url");
      await stack.dsp.submit(JOB);
      return () => until("it is counted", async () => (await missed()) > before, PATIENCE_MS);
    },
    mend: async (stack) => stack.dsp.mute("url", false),
  },
  {
    id: "gateway-restart",
    what: {
      en: "the gateway is killed and comes back; the job arrives before the listener does",
      zh: "网关被杀死后回来；任务先于 listener 到达",
    },
    lose: async (stack) => {
      const before = await reconnects(stack, "closed_by_gateway");
      await stack.dsp.crash();
      await stack.dsp.accept();
      await stack.dsp.submit(JOB);
      const again = async () =>
        (await reconnects(stack, "closed_by_gateway")) > before && (await isRegistered(stack));
      return () => until("it is registered again", again, PATIENCE_MS);
    },
  },
  {
    id: "listener-killed",
    what: {
      en: "the listener is killed and started again; the job arrives in between",
      zh: "listener 被杀死后重新启动；任务在其间到达",
    },
    lose: async (stack) => {
      await stack.listener.kill();
      await stack.dsp.submit(JOB);
      stack.listener.start();
      return () => until("it is registered again", () => isRegistered(stack), PATIENCE_MS);
    },
  },
];

async function measure(stack: Stack, way: Way) {
  const starts = () => stack.accepted("start");
  const before = starts();
  const lostAt = performance.now();
  const since = async (what: Promise<unknown>) => {
    await what;
    return performance.now() - lostAt;
  };
  const noticed = await way.lose(stack);
  const asked = until("the machine is asked for", () => starts() > before, PATIENCE_MS, 5);
  const [noticedMs, askedMs] = await Promise.all([since(noticed()), since(asked)]);
  await way.mend?.(stack);
  await reset(stack);
  return { noticedMs, askedMs };
}

/** Nothing waits, everybody is registered, and the machine is off. */
async function reset(stack: Stack): Promise<void> {
  await stack.dsp.redis.del(`dsp:pending_tasks:${LICENSE}`);
  await until(
    "everybody is registered",
    async () => (await isKnown(stack)) && (await isRegistered(stack)),
    PATIENCE_MS,
  );
  await stack.listener.ready();
  const waiting = () => stack.listener.metric("gpu_listener_backlog_jobs");
  await until("nothing waits at the gateway", async () => (await waiting()) === 0, PATIENCE_MS);
  await until(
    "nothing waits in power",
    async () => (await stack.status()).demand.waitingJobs === 0,
    PATIENCE_MS,
  );
  await stack.setState(0, "Stopped", false);
  await until("power sees it stopped", async () => {
    const [machine] = (await stack.status()).instances;
    return machine?.state === "stopped" && machine.attempt === null;
  });
}

async function run({ rounds }: Effort): Promise<Row[]> {
  const redis = await freePort();
  const stack = await startStack({
    lanes: ["api"],
    policy: POLICY,
    console: { bootMs: 100 },
    ports: { redis },
    listenerEnv: { LOG_LEVEL: "info", DSP_REDIS_URL: `redis://127.0.0.1:${redis}` },
    powerEnv: {
      LOG_LEVEL: "info",
      ...(existsSync(HEADLESS_SHELL) ? { CHROMIUM_PATH: HEADLESS_SHELL } : {}),
    },
  });
  try {
    const rows: Row[] = [];
    for (const way of WAYS) {
      const times: Array<Awaited<ReturnType<typeof measure>>> = [];
      for (let round = 0; round < rounds; round += 1) {
        await pause(round * SPREAD_MS);
        times.push(await measure(stack, way));
      }
      const { en, zh } = way.what;
      rows.push(
        {
          id: `detection-${way.id}-noticed`,
          what: { en: `${en} → noticed`, zh: `${zh} → 发现` },
          unit: "ms",
          ours: median(times.map(({ noticedMs }) => noticedMs)),
          ...(way.noticedMs === undefined ? {} : { target: { of: "ours", atMost: way.noticedMs } }),
        },
        {
          id: `detection-${way.id}-asked`,
          what: { en: "→ the machine is asked for", zh: "→ 请求开机" },
          unit: "ms",
          ours: median(times.map(({ askedMs }) => askedMs)),
          target: { of: "ours", atMost: 6_000 },
        },
      );
    }
    return rows;
  } finally {
    await stack.stop();
  }
}

export const detectionScenarios: readonly Scenario[] = [
  {
    name: "detection",
    isolates: {
      en: "Each way to lose a notice, from the loss on, with the listener's default settings and the gateway's Redis readable. Power asks for the machine on what the backlog tells, whether or not it is known yet which notice was lost.",
      zh: "丢失通知的每种方式，从丢失时算起，listener 使用默认设置且可读取网关的 Redis。power 根据积压请求开机，不论是否已知丢的是哪条通知。",
    },
    fullOnly: true,
    run,
  },
];
