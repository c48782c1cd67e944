/**
 * What reading the gateway's backlog costs and takes, on Redis servers of a size that few gateways have, beside the
 * bare way (find the keys, take every list whole); how much memory the listener needs for it; and how soon it tells
 * of a job that no notice told of. Alone: `node tests/bench/backlog.ts`; ROUNDS shortens it.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { z } from "zod";
import { Ledger } from "../../services/listener/src/backlog/ledger.ts";
import { Pace } from "../../services/listener/src/backlog/pace.ts";
import { openReader } from "../../services/listener/src/backlog/reader.ts";
import { startGateway } from "../../sim/dsp/src/gateway.ts";
import { jetstreamOf } from "../harness/jetstream.ts";
import { freePort, until } from "../harness/process.ts";
import { startNats, startRedis } from "../harness/servers.ts";
import { Service } from "../harness/service.ts";

const ROUNDS = 5;
const MIB = 1024 * 1024;
/** The default settings. */
const INTERVAL_MS = 5_000;
const GRACE_MS = 10_000;
/** Starting and one reading, on a machine that does other things, too. */
const READING_MS = 120_000;

interface Case {
  readonly name: string;
  readonly foreignKeys: number;
  readonly lists: number;
  readonly jobsPerList: number;
  readonly payloadBytes: number;
}

const CASES: readonly Case[] = [
  { name: "10,000 lists of one job", foreignKeys: 0, lists: 10_000, jobsPerList: 1, payloadBytes: 100 },
  { name: "100,000 waiting jobs", foreignKeys: 0, lists: 1_000, jobsPerList: 100, payloadBytes: 100 },
  { name: "1,000,000 foreign keys", foreignKeys: 1_000_000, lists: 1, jobsPerList: 1, payloadBytes: 100 },
  { name: "300 jobs of 1 MB", foreignKeys: 0, lists: 3, jobsPerList: 100, payloadBytes: MIB },
];

const Reader = z.object({
  /** Of each round, in milliseconds. */
  tookMs: z.array(z.number()),
  cpuMs: z.array(z.number()),
  waiting: z.number(),
  /** Since before the first round. */
  grownBytes: z.number(),
  /** The longest time in which nothing else was done. */
  longestStallMs: z.number(),
});

export interface BacklogCase {
  readonly name: string;
  readonly waiting: number;
  /** Medians. */
  readonly tookMs: number;
  readonly cpuMs: number;
  readonly floorMs: number;
  /** Ours by the bare way's. */
  readonly ratio: number;
  readonly longestStallMs: number;
  readonly grownBytes: number;
  readonly floorGrownBytes: number;
  /** Of the whole listener, after its first reading. */
  readonly listenerPeakRssBytes: number;
  /** How often it reads by itself then. */
  readonly intervalSeconds: number;
}

export interface BacklogBench {
  readonly cases: readonly BacklogCase[];
  /** From a job that no notice tells of to power being told that one waits, in milliseconds, ascending. */
  readonly toldMs: readonly number[];
}

export async function measureBacklog(rounds = ROUNDS): Promise<BacklogBench> {
  const cases: BacklogCase[] = [];
  for (const each of CASES) cases.push(await measureCase(each, rounds));
  return { cases, toldMs: await measureTold(rounds) };
}

async function measureCase(each: Case, rounds: number): Promise<BacklogCase> {
  const redis = await startRedis();
  try {
    await fill(redis.url, each);
    const read = async (way: string) => {
      const args = [fileURLToPath(import.meta.url), way, redis.url, String(rounds)];
      return Reader.parse(JSON.parse((await promisify(execFile)(process.execPath, args)).stdout));
    };
    const [ours, floor] = [await read("ours"), await read("bare")];
    const [tookMs, floorMs] = [median(ours.tookMs), median(floor.tookMs)];
    return {
      name: each.name,
      waiting: ours.waiting,
      tookMs,
      cpuMs: median(ours.cpuMs),
      floorMs,
      ratio: tookMs / floorMs,
      longestStallMs: ours.longestStallMs,
      grownBytes: ours.grownBytes,
      floorGrownBytes: floor.grownBytes,
      ...(await measureListener(redis.url)),
    };
  } finally {
    await redis.stop();
  }
}

async function fill(url: string, { foreignKeys, lists, jobsPerList, payloadBytes }: Case): Promise<void> {
  const redis = new Redis(url);
  // What is filled in here need not survive.
  await redis.config("SET", "appendonly", "no");
  const STEP = 10_000;
  for (let from = 0; from < foreignKeys; from += STEP) {
    const some = Array.from({ length: STEP }, (_, index) => [`app:session:${from + index}`, "x"]);
    await redis.mset(...some.flat());
  }
  const content = "x".repeat(payloadBytes);
  const waits: Array<Promise<number>> = [];
  for (let list = 0; list < lists; list += 1) {
    const key = `K${list}`;
    for (let place = 0; place < jobsPerList; place += 1) {
      const request_id = `v${list}-${place}`;
      const job = { type: "chatglm_video", content, key, request_id, sender_fd: 2 };
      waits.push(redis.rpush(`dsp:pending_tasks:${key}`, JSON.stringify(job)));
      if (waits.length * payloadBytes > 8 * MIB) await Promise.all(waits.splice(0));
    }
  }
  await Promise.all(waits);
  redis.disconnect();
}

/** The real service at default settings, until it has read. */
async function measureListener(redisUrl: string) {
  const [nats, emptyRedis] = await Promise.all([startNats(), startRedis()]);
  const dsp = await startGateway({ redisUrl: emptyRedis.url, newer: false });
  const listener = new Service("listener", await freePort(), {
    DSP_URL: dsp.url,
    NATS_URL: nats.url,
    DSP_REDIS_URL: redisUrl,
    LOG_LEVEL: "info",
  });
  try {
    listener.start();
    const readings = async () => (await listener.metric("gpu_listener_backlog_check_seconds_count")) ?? 0;
    await until("it has read", async () => (await readings()) >= 1, READING_MS, 250);
    const intervalSeconds = (await listener.metric("gpu_listener_backlog_interval_seconds")) ?? Number.NaN;
    return { intervalSeconds, listenerPeakRssBytes: await peakRss(listener.pid) };
  } finally {
    await listener.stop();
    await dsp.stop();
    await Promise.all([nats.stop(), emptyRedis.stop()]);
  }
}

/** Jobs that come at moments spread over the interval, on a Redis with 10,000 keys of others. */
async function measureTold(rounds: number): Promise<number[]> {
  const [nats, redis] = await Promise.all([startNats(), startRedis()]);
  await fill(redis.url, { name: "", foreignKeys: 10_000, lists: 0, jobsPerList: 0, payloadBytes: 0 });
  const dsp = await startGateway({ redisUrl: redis.url, newer: false });
  const listener = new Service("listener", await freePort(), {
    DSP_URL: dsp.url,
    NATS_URL: nats.url,
    DSP_REDIS_URL: redis.url,
    LOG_LEVEL: "info",
  });
  const admin = new Redis(redis.url);
  const told: number[] = [];
  try {
    listener.start();
    await listener.ready();
    const spy = await jetstreamOf(nats.url);
    const seen = spy.follow("gpu.jobs.default.backlog");
    for (let round = 0; round < rounds; round += 1) {
      await pause((INTERVAL_MS * (round + 0.5)) / rounds);
      const before = seen.length;
      const began = performance.now();
      await admin.rpush("dsp:pending_tasks:K1", JSON.stringify({ type: "url", url: `${round}`, key: "K1" }));
      await until("power is told", () => seen.length > before, 3 * INTERVAL_MS, 5);
      told.push(performance.now() - began);
      await admin.del("dsp:pending_tasks:K1");
      await until(
        "it is seen that none waits",
        async () => (await listener.metric("gpu_listener_backlog_jobs")) === 0,
      );
    }
    await spy.close();
    return told.sort((a, b) => a - b);
  } finally {
    admin.disconnect();
    await listener.stop();
    await dsp.stop();
    await Promise.all([nats.stop(), redis.stop()]);
  }
}

async function peakRss(pid: number): Promise<number> {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** In a process of its own, so that its memory is that of the reading. */
async function readInRounds(read: () => Promise<number>, rounds: number): Promise<z.infer<typeof Reader>> {
  const before = await peakRss(process.pid);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const result = { tookMs: [] as number[], cpuMs: [] as number[], waiting: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const [cpu, began] = [process.cpuUsage(), performance.now()];
    result.waiting = await read();
    const { user, system } = process.cpuUsage(cpu);
    result.tookMs.push(performance.now() - began);
    result.cpuMs.push((user + system) / 1_000);
  }
  delay.disable();
  const grownBytes = (await peakRss(process.pid)) - before;
  return { ...result, grownBytes, longestStallMs: delay.max / 1e6 };
}

/** As the listener reads: with its ledger, which knows what was there before. */
async function readAsWeDo(url: string, rounds: number) {
  const reader = openReader(url);
  const ledger = new Ledger(GRACE_MS, "bench");
  const pace = new Pace(INTERVAL_MS);
  await reader.open();
  const result = await readInRounds(async () => {
    const began = performance.now();
    ledger.beginRead(began);
    const { pending, waiting } = await reader.read((hash) => ledger.recall(hash));
    pace.took(performance.now() - began);
    ledger.endRead(pending, began);
    return waiting;
  }, rounds);
  reader.close();
  return result;
}

/** The least that could do it: all keys of the two families, every list whole, every entry understood. */
async function readBare(url: string, rounds: number) {
  const redis = new Redis(url);
  await redis.ping();
  const result = await readInRounds(async () => {
    let waiting = 0;
    for await (const keys of redis.scanStream({ match: "dsp:*task*", count: 1_000 })) {
      const all = await Promise.all(
        z
          .array(z.string())
          .parse(keys)
          .map((key) => redis.lrange(key, 0, -1)),
      );
      for (const raw of all.flat()) if ("type" in JSON.parse(raw)) waiting += 1;
    }
    return waiting;
  }, rounds);
  redis.disconnect();
  return result;
}

function line({ cases, toldMs }: BacklogBench): string {
  const mib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`;
  const of = (each: BacklogCase) =>
    `${each.name}: a reading ${each.tookMs.toFixed(0)} ms (${each.ratio.toFixed(2)} × bare), ` +
    `every ${each.intervalSeconds.toFixed(1)} s; longest stall ${each.longestStallMs.toFixed(0)} ms; ` +
    `memory +${mib(each.grownBytes)} (bare +${mib(each.floorGrownBytes)}), listener ${mib(each.listenerPeakRssBytes)} at the peak`;
  const told = `a job without a notice told after ${toldMs.map((ms) => `${(ms / 1_000).toFixed(1)} s`).join(", ")}`;
  return [...cases.map(of), told].join("\n");
}

if (import.meta.main) {
  const [, , way, url, rounds] = process.argv;
  if (way !== undefined && url !== undefined) {
    const read = way === "ours" ? readAsWeDo : readBare;
    console.log(JSON.stringify(await read(url, Number(rounds))));
  } else {
    const bench = await measureBacklog(Number(process.env.ROUNDS ?? ROUNDS));
    console.log(JSON.stringify(bench));
    console.error(line(bench));
  }
}
