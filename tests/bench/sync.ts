/**
 * What it costs that an acknowledged event outlives a power cut: `sync_interval: always`, which is shipped, beside the
 * server's default of two minutes. The same server program, one publisher, nothing of the product.
 */
import { setTimeout as pause } from "node:timers/promises";
import { connect, StorageType } from "nats";
import { natsProgram } from "../harness/nats-server.ts";
import { startNats } from "../harness/servers.ts";
import type { Row } from "./row.ts";
import type { Effort, Scenario } from "./scenario.ts";
import { compare, type Round } from "./statistics.ts";

const SUBJECT = "sync.test";
const SAMPLES = 500;
const PAUSE_MS = 2;
const BURST = 5_000;
/** Publishes in flight in the burst; the listener has as many. */
const WINDOW = 512;
const BODY = JSON.stringify({ type: "url", padding: "x".repeat(200) });

async function measure(always: boolean) {
  const nats = await startNats(undefined, (configuration) =>
    always ? configuration : configuration.replace("sync_interval: always", ""),
  );
  const connection = await connect({ servers: nats.url, noAsyncTraces: true });
  try {
    const manager = await connection.jetstreamManager();
    await manager.streams.add({ name: "SYNC", subjects: [SUBJECT], storage: StorageType.File });
    const js = connection.jetstream({ timeout: 60_000 });
    const times: number[] = [];
    for (let index = 0; index < SAMPLES; index += 1) {
      const sentAt = performance.now();
      await js.publish(SUBJECT, BODY);
      times.push(performance.now() - sentAt);
      await pause(PAUSE_MS);
    }
    const beganAt = performance.now();
    let left = BURST;
    const keepSending = async () => {
      for (; left > 0; left -= 1) await js.publish(SUBJECT, BODY);
    };
    await Promise.all(Array.from({ length: WINDOW }, keepSending));
    return { times, perSecond: BURST / ((performance.now() - beganAt) / 1_000) };
  } finally {
    await connection.close();
    await nats.stop();
  }
}

async function run({ rounds }: Effort): Promise<Row[]> {
  // The server of before 2.10 does not know it.
  if (!(await natsProgram()).knowsSyncInterval) return [];
  const single: Round[] = [];
  const bursts: Round[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const usual = await measure(false);
    const always = await measure(true);
    single.push({ floor: usual.times, ours: always.times });
    bursts.push({ floor: [usual.perSecond], ours: [always.perSecond] });
  }
  const en = "a publish that is on disk when it is acknowledged";
  const zh = "确认时已落盘的发布";
  return [
    { id: "sync-p50", what: { en: `${en}, p50`, zh: `${zh}，p50` }, unit: "ms", ...compare(single, 0.5) },
    { id: "sync-p99", what: { en: `${en}, p99`, zh: `${zh}，p99` }, unit: "ms", ...compare(single, 0.99) },
    {
      id: "sync-burst",
      what: { en: `the same, a burst of ${BURST}`, zh: `同上，突发 ${BURST} 条` },
      unit: "/s",
      ...compare(bursts, 0.5),
    },
  ];
}

export const syncScenarios: readonly Scenario[] = [
  {
    name: "sync",
    isolates: {
      en: "The disk: the same publisher and server, once with `sync_interval: always` as shipped, once with the server's default as the floor. No target: it is the price of the promise.",
      zh: "磁盘：同一个发布者和服务器，一次使用发布配置中的 `sync_interval: always`，一次以服务器默认值为基准。没有目标：这是承诺的代价。",
    },
    fullOnly: true,
    run,
  },
];
