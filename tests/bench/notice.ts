/**
 * From a notice on the socket to its event in JetStream, and on into power's hands; one at a time, seen from outside.
 * Alone: `node tests/bench/notice.ts`.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { BUCKETS, STREAMS, streamOfBucket } from "@gpu-power-manager/shared/events";
import { stringify } from "yaml";
import { consumerOf } from "../../services/power/src/demand/intake.ts";
import { profileFor } from "../harness/pool-files.ts";
import { freePort, until } from "../harness/process.ts";
import { type Bench, FLOOR, noticeOf, onBench } from "./bench.ts";
import type { Monitor } from "./gateway.ts";
import type { Row, Text } from "./row.ts";
import type { Effort, Scenario } from "./scenario.ts";
import { type Sight, watch } from "./sight.ts";
import { compare, type Round } from "./statistics.ts";

/** Between two notices, so that each finds everybody at rest. */
const PAUSE_MS = 8;
/** The first ones compile what the others run. */
const WARM_UP = 50;

/** Whose notices are timed, and by what they are seen to have arrived. */
interface Contender {
  readonly monitor: Monitor;
  readonly sight: Sight;
}

async function timeOf({ monitor, sight }: Contender, index: number): Promise<number> {
  const seen = sight.next();
  const sentAt = performance.now();
  monitor.notify(noticeOf(index));
  const ms = (await seen) - sentAt;
  await pause(PAUSE_MS);
  return ms;
}

/** Alternates the two, so that whatever else the machine does falls on both. Milliseconds. */
async function timesOf(floor: Contender, ours: Contender, { rounds, samples }: Sizes): Promise<Round[]> {
  const both = async (index: number) => ({
    floor: await timeOf(floor, index),
    ours: await timeOf(ours, index),
  });
  for (let index = 0; index < WARM_UP; index += 1) await both(index);
  const measured: Round[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const times: Array<Record<"floor" | "ours", number>> = [];
    for (let index = 0; index < samples; index += 1) times.push(await both(index));
    measured.push({ floor: times.map((time) => time.floor), ours: times.map((time) => time.ours) });
  }
  return measured;
}

interface Sizes {
  readonly rounds: number;
  readonly samples: number;
}

/** An acknowledgement of JetStream to whoever published to this stream. */
async function acksOf({ connection }: Bench, stream: string): Promise<Sight> {
  return await watch(connection, "_INBOX.>", (message) => message.string().includes(`"stream":"${stream}"`));
}

function row(id: string, what: Text, rounds: readonly Round[], share: number, atMost?: number): Row {
  const compared = compare(rounds, share);
  return {
    id,
    what,
    unit: "ms",
    ...compared,
    ...(atMost === undefined ? {} : { target: { of: "ratio", atMost } }),
  };
}

async function noticeToJetStream({ short, rounds }: Effort): Promise<Row[]> {
  const samples = short ? 150 : 1_000;
  return await onBench(async (bench) => {
    const [floorAcks, ourAcks] = [await acksOf(bench, FLOOR.stream), await acksOf(bench, STREAMS.jobs)];
    const bare = await bench.startFloor();
    const listener = await bench.startListener();
    const floor = { monitor: bare.monitor, sight: floorAcks };
    const ours = { monitor: listener.monitor, sight: ourAcks };
    const measured = await timesOf(floor, ours, { rounds, samples });
    const en = "notice → event acknowledged by JetStream, one at a time";
    const zh = "通知 → 事件被 JetStream 确认，逐个";
    return [
      row("notice-jetstream-p50", { en: `${en}, p50`, zh: `${zh}，p50` }, measured, 0.5, 1.5),
      row(
        "notice-jetstream-p99",
        { en: `${en}, p99`, zh: `${zh}，p99` },
        measured,
        0.99,
        short ? undefined : 1.5,
      ),
    ];
  });
}

/** Power with a pool of one machine and no browser: what it does at the console is another scenario's. */
async function startPower(bench: Bench) {
  const profiles = join(bench.dir, "profiles");
  await mkdir(profiles, { recursive: true });
  const nowhere = { consoleUrl: "http://127.0.0.1:9", apiUrl: "http://127.0.0.1:9" };
  await writeFile(join(profiles, "demo.yaml"), await profileFor(nowhere, {}));
  const poolFile = join(bench.dir, "pool.yaml");
  const machine = { id: "gpu-1", providerId: "uhost-bench" };
  await writeFile(poolFile, stringify({ pool: "default", profile: "demo", instances: [machine] }));
  const child = bench.start({
    file: "services/start.sh",
    args: ["power"],
    env: {
      NATS_URL: bench.natsUrl,
      POOL_FILE: poolFile,
      PROFILES_DIR: profiles,
      STATE_DIR: join(bench.dir, "power"),
      SESSION_KEY: "a key only for this bench",
      CHROMIUM_PATH: join(bench.dir, "no-browser"),
      HTTP_PORT: String(await freePort()),
    },
  });
  await until("power consumes", () => bench.manager.consumers.info(STREAMS.jobs, consumerOf("default")));
  return child;
}

async function noticeToPower({ short, rounds }: Effort): Promise<Row[]> {
  const samples = short ? 60 : 500;
  const bucket = "floor";
  return await onBench(async (bench) => {
    const { connection } = bench;
    await connection.jetstream().views.kv(bucket);
    const floorHands = await watch(connection, "floor-hands");
    const floorWritten = await acksOf(bench, `KV_${bucket}`);
    // What it has folded is on its way to KV: the first that is seen of it from outside.
    const ourHands = await watch(connection, `$KV.${BUCKETS.power}.demand.default`);
    const ourWritten = await acksOf(bench, streamOfBucket(BUCKETS.power));
    bench.start({
      file: "tests/bench/floor/consume.ts",
      args: [bench.natsUrl, FLOOR.stream, bucket, "floor-hands"],
    });
    const { monitor: bare } = await bench.startFloor();
    const { monitor: listener } = await bench.startListener();
    await startPower(bench);
    const compareBy = async (floor: Sight, ours: Sight) =>
      await timesOf({ monitor: bare, sight: floor }, { monitor: listener, sight: ours }, { rounds, samples });
    const hands = await compareBy(floorHands, ourHands);
    const written = await compareBy(floorWritten, ourWritten);
    const en = "notice → event in power's hands, folded";
    const zh = "通知 → 事件到达 power 并已计入";
    const enWritten = "notice → demand written down";
    const zhWritten = "通知 → 需求已写入";
    return [
      row("notice-power-p50", { en: `${en}, p50`, zh: `${zh}，p50` }, hands, 0.5, 1.5),
      row("notice-power-p99", { en: `${en}, p99`, zh: `${zh}，p99` }, hands, 0.99),
      row("notice-written-p50", { en: `${enWritten}, p50`, zh: `${zhWritten}，p50` }, written, 0.5),
      row("notice-written-p99", { en: `${enWritten}, p99`, zh: `${zhWritten}，p99` }, written, 0.99),
    ];
  });
}

export const noticeScenarios: readonly Scenario[] = [
  {
    name: "notice-jetstream",
    isolates: {
      en: "The listener alone: parsing, ids, the outbox and its log, beside a bare `ws` client that publishes what it hears. Each notice finds both at rest.",
      zh: "仅 listener：解析、id、发件箱和日志；旁边是一个把听到的内容直接发布的裸 `ws` 客户端。每条通知到来时两者都空闲。",
    },
    run: noticeToJetStream,
  },
  {
    name: "notice-power",
    isolates: {
      en: "Listener and power's intake: until what the event means is on its way to KV, and until it is written there; beside two bare scripts that publish, consume, put one key and acknowledge. No browser.",
      zh: "listener 和 power 的接收：直到事件的含义发往 KV，以及写入完成；旁边是两个裸脚本：发布、消费、写一个键、确认。不含浏览器。",
    },
    run: noticeToPower,
  },
];
