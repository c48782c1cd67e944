/** Reads the gateway's backlog out of its Redis. Read-only by construction: it has no other commands than these. */
import { Redis } from "ioredis";
import { isActiveTask, PENDING_PREFIX, type PendingJob, readPending, STATUS_PREFIX } from "./pending.ts";

/** Matches both families of keys, so that one pass over the key space is enough. */
const PATTERN = "dsp:*task*";
/** Keys looked at a step; each step is short, because a live server answers others in between. */
const SCAN_COUNT = 1_000;
/** Keys read in one round trip. */
const CHUNK = 200;
/** The gateway keeps at most 100 jobs a license. */
const LIST_LIMIT = 100;
/** A Redis that takes longer is as good as away. */
const COMMAND_TIMEOUT_MS = 5_000;
const RETRY_MIN_MS = 200;
const RETRY_MAX_MS = 2_000;

/** The commands that are ever sent, for the operator's ACL; a test watches a real server receive no other. */
export const COMMANDS = ["scan", "lrange", "hvals", "time"] as const;

export interface BacklogReading {
  readonly pending: readonly PendingJob[];
  /** Entries of the lists that could not be understood: they wait, too. */
  readonly unreadable: number;
  /** Entries of task status that are young enough to mean work. */
  readonly activeTasks: number;
}

export interface BacklogReader {
  /** @throws when Redis cannot be asked. */
  read(): Promise<BacklogReading>;
  close(): void;
}

/**
 * @param url `redis://` or `rediss://` (TLS, the certificate is verified), with user and password where the server
 * has an ACL.
 */
export function openReader(url: string): BacklogReader {
  const redis = new Redis(url, {
    lazyConnect: true,
    // These three would send commands that a read-only user has no need of.
    protocol: 2,
    enableReadyCheck: false,
    disableClientInfo: true,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: COMMAND_TIMEOUT_MS,
    // A reading is worth nothing later: better none now, and a new one at the next check.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (times) => Math.min(RETRY_MAX_MS, RETRY_MIN_MS * times),
  });
  // A command that fails because there is no connection does not say why there is none.
  let connectionError: Error | undefined;
  redis.on("error", (error) => {
    connectionError = error;
  });
  redis.on("ready", () => {
    connectionError = undefined;
  });
  return {
    read: async () => {
      try {
        return await readBacklog(redis);
      } catch (error) {
        throw redis.status === "ready" ? error : (connectionError ?? error);
      }
    },
    close: () => redis.disconnect(),
  };
}

async function readBacklog(redis: Redis): Promise<BacklogReading> {
  // The gateway's task times are compared with its own side's clock, so ours may be wrong.
  const nowS = Number((await redis.time())[0]);
  const keys = await findKeys(redis);
  const lists = keys.filter((key) => key.startsWith(PENDING_PREFIX));
  const pending: PendingJob[] = [];
  let unreadable = 0;
  await inChunks(lists, async (key) => {
    for (const raw of await redis.lrange(key, -LIST_LIMIT, -1)) {
      const job = readPending(key.slice(PENDING_PREFIX.length), raw);
      if (job === undefined) unreadable += 1;
      else pending.push(job);
    }
  });
  let activeTasks = 0;
  const statuses = keys.filter((key) => key.startsWith(STATUS_PREFIX));
  await inChunks(statuses, async (key) => {
    for (const raw of await redis.hvals(key)) if (isActiveTask(raw, nowS)) activeTasks += 1;
  });
  return { pending, unreadable, activeTasks };
}

/** SCAN, never KEYS: it may tell a key twice, never hide one that was there all the while. */
async function findKeys(redis: Redis): Promise<string[]> {
  const keys = new Set<string>();
  let cursor = "0";
  do {
    const [next, found] = await redis.scan(cursor, "MATCH", PATTERN, "COUNT", SCAN_COUNT);
    cursor = next;
    for (const key of found) keys.add(key);
  } while (cursor !== "0");
  return [...keys];
}

/** Commands of one chunk leave together. A key that is of another type than it should be is a fault worth telling. */
async function inChunks(keys: readonly string[], ask: (key: string) => Promise<void>): Promise<void> {
  for (let start = 0; start < keys.length; start += CHUNK) {
    await Promise.all(keys.slice(start, start + CHUNK).map(ask));
  }
}
