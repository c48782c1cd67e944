/** `gpuctl dsp …`: the old guide's look-ups in the gateway's Redis, as tables. It has no command that could write. */
import { describeError } from "@gpu-power-manager/shared/errors";
import { hashKey } from "@gpu-power-manager/shared/license";
import { Redis } from "ioredis";
import { z } from "zod";
import { CommandError, EXIT } from "../command-error.ts";
import type { Session } from "../session.ts";

export const LOOKUPS = ["monitors", "workers", "clients", "pending", "status"] as const;
export type Lookup = (typeof LOOKUPS)[number];

/** A Redis that takes longer is as good as away. */
const ANSWER_MS = 5_000;
/** Keys looked at a step; a live server answers others in between. */
const SCAN_COUNT = 1_000;
/** Entries of one list that are shown; the gateway keeps 100. */
const SHOWN = 100;
/** Stands for no license, in the gateway's own keys. */
const ALL_LICENSES = "__global__";
/** A task counts as given up after this; its entry stays until the hash expires. */
const TASK_LIVES_S = 600;

export interface DspFlags {
  readonly url: string | undefined;
  /** License keys as they are; else a hash tells them apart. */
  readonly showKeys: boolean;
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: ReadonlyArray<readonly string[]>;
}

const Pending = z.object({
  type: z.string().catch("?"),
  task_type: z.string().catch(""),
  request_id: z.union([z.string(), z.number()]).transform(String).catch(""),
});
const Task = z.object({
  status: z.string().catch("?"),
  request_id: z.union([z.string(), z.number()]).transform(String).catch(""),
  start_time: z.coerce.number().catch(0),
});

function parsed<S extends z.ZodType>(schema: S, text: string): z.output<S> | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Looks up one thing. @param name of a license: its key, or the hash of it. */
async function lookUp(redis: Redis, lookup: Lookup, name: (license: string) => string): Promise<Table> {
  switch (lookup) {
    case "monitors":
    case "workers": {
      const members = await redis.smembers(lookup === "monitors" ? "dsp:gpu_monitors" : "dsp:workers");
      return { columns: ["fd"], rows: members.sort((a, b) => Number(a) - Number(b)).map((fd) => [fd]) };
    }
    case "clients": {
      const keys = await redis.hgetall("dsp:fdToKey");
      const rows = Object.entries(keys).map(([fd, license]) => [fd, name(license)]);
      return { columns: ["fd", "license"], rows: rows.sort((a, b) => Number(a[0]) - Number(b[0])) };
    }
    case "pending": {
      const rows: string[][] = [];
      for (const key of await scan(redis, "dsp:pending_tasks:*")) {
        const license = name(key.slice("dsp:pending_tasks:".length));
        for (const raw of await redis.lrange(key, 0, SHOWN - 1)) {
          const job = parsed(Pending, raw);
          rows.push([license, job?.type ?? "?", job?.task_type ?? "", job?.request_id ?? ""]);
        }
      }
      return { columns: ["license", "type", "task type", "request"], rows };
    }
    case "status": {
      // Ages on the gateway's own side: this clock may be wrong.
      const nowS = Number((await redis.time())[0]);
      const rows: string[][] = [];
      for (const key of await scan(redis, "dsp:task_status:*")) {
        const license = name(key.slice("dsp:task_status:".length));
        for (const [type, raw] of Object.entries(await redis.hgetall(key))) {
          const task = parsed(Task, raw);
          const age = nowS - (task?.start_time ?? 0);
          const given = age >= TASK_LIVES_S ? " (given up)" : "";
          rows.push([license, type, `${task?.status ?? "?"}${given}`, `${age} s`, task?.request_id ?? ""]);
        }
      }
      return { columns: ["license", "task type", "status", "age", "request"], rows };
    }
  }
}

/** SCAN, never KEYS: a live server must not stand still for a look. */
async function scan(redis: Redis, pattern: string): Promise<string[]> {
  const keys = new Set<string>();
  let cursor = "0";
  do {
    const [next, found] = await redis.scan(cursor, "MATCH", pattern, "COUNT", SCAN_COUNT);
    cursor = next;
    for (const key of found) keys.add(key);
  } while (cursor !== "0");
  return [...keys].sort();
}

/** Columns as wide as their widest text. */
export function drawTable({ columns, rows }: Table): string[] {
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(columns), ...rows.map(line)];
}

/** Connects, looks, and leaves. @throws when the server cannot be asked. */
async function withRedis<T>(url: string, look: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, {
    lazyConnect: true,
    protocol: 2,
    enableReadyCheck: false,
    disableClientInfo: true,
    commandTimeout: ANSWER_MS,
    connectTimeout: ANSWER_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let cause: Error | undefined;
  redis.on("error", (error) => {
    cause = error;
  });
  try {
    await redis.connect();
    return await look(redis);
  } catch (error) {
    throw cause ?? error;
  } finally {
    redis.disconnect();
  }
}

/** All look-ups, licenses by their hashes. @param onLicense called with each key and its hash. */
export async function readGateway(
  url: string,
  onLicense: (license: string, hash: string) => void,
): Promise<ReadonlyArray<{ readonly lookup: Lookup } & Table>> {
  const hash = (license: string) => {
    if (license === ALL_LICENSES) return license;
    onLicense(license, hashKey(license));
    return hashKey(license);
  };
  return await withRedis(url, async (redis) => {
    const tables: Array<{ lookup: Lookup } & Table> = [];
    for (const lookup of LOOKUPS) tables.push({ lookup, ...(await lookUp(redis, lookup, hash)) });
    return tables;
  });
}

export async function printDsp(session: Session, lookup: Lookup, { url, showKeys }: DspFlags): Promise<void> {
  const { json, print, say, paint } = session;
  if (url === undefined) {
    const words = say(
      "Where the gateway's Redis is, is not known: --redis, DSP_REDIS_URL, or secrets/dsp-redis-url.",
      "不知道网关的 Redis 在哪里：请用 --redis、DSP_REDIS_URL 或 secrets/dsp-redis-url。",
    );
    throw new CommandError(EXIT.unreachable, words);
  }
  const name = (license: string) => (license === ALL_LICENSES || showKeys ? license : hashKey(license));
  try {
    const table = await withRedis(url, async (redis) => await lookUp(redis, lookup, name));
    if (json) print(JSON.stringify({ lookup, ...table }, null, 2));
    else if (table.rows.length === 0) print(say("None.", "没有。"));
    else {
      const [head = "", ...rest] = drawTable(table);
      for (const line of [paint("bold", head), ...rest]) print(line);
    }
  } catch (error) {
    const words = say(
      `The gateway's Redis cannot be read: ${describeError(error)}`,
      `无法读取网关的 Redis：${describeError(error)}`,
    );
    throw new CommandError(EXIT.unreachable, words);
  }
}
