/** The connection to the gateway's Redis. Read-only by construction: it has no other commands than these. */
import { NeedsHuman } from "@gpu-power-manager/shared/errors";
import type { Redis } from "ioredis";
import { type BacklogReading, LIMITS, type ReadingLimits, type Recall, readBacklog } from "./reading.ts";

/** A Redis that takes longer is as good as away. */
const COMMAND_TIMEOUT_MS = 5_000;
const RETRY_MIN_MS = 200;
const RETRY_MAX_MS = 2_000;

/**
 * The commands that are ever sent, for the operator's ACL (`select` only where the database is another than 0); a
 * test watches a real server receive no other.
 */
export const COMMANDS = ["scan", "lrange", "hvals", "time", "select"] as const;

export interface BacklogReader {
  /**
   * Connects where there is no connection, and chooses the database.
   * @throws when Redis cannot be asked; NeedsHuman when it refuses.
   */
  open(): Promise<void>;
  /** @throws when Redis cannot be asked; NeedsHuman when it refuses. */
  read(recall: Recall): Promise<BacklogReading>;
  close(): void;
}

/**
 * @param url `redis://` or `rediss://` (TLS, the certificate is verified), with user and password where the server
 * has an ACL, and with the number of the database.
 */
export function openReader(url: string, limits: ReadingLimits = LIMITS): BacklogReader {
  let client: Promise<Client> | undefined;
  const asking = async <T>(ask: (client: Client) => Promise<T>): Promise<T> => {
    client ??= clientOf(url);
    const current = await client;
    try {
      return await ask(current);
    } catch (error) {
      const { redis, database, connectionError } = current;
      throw explain(redis.status === "ready" ? error : (connectionError ?? error), database);
    }
  };
  return {
    open: async () =>
      await asking(async ({ redis, database }) => {
        // The client chooses it, too, but goes on in database 0 when that is refused, and finds no job there.
        if (database > 0) await redis.select(database);
        else await redis.time();
      }),
    read: async (recall) =>
      await asking(async (current) => {
        const connection = current.connections;
        const reading = await readBacklog(current.redis, recall, limits);
        if (connection !== current.connections)
          throw new Error("The connection was lost while the backlog was read");
        return reading;
      }),
    close: () => void client?.then(({ redis }) => redis.disconnect()).catch(() => undefined),
  };
}

interface Client {
  readonly redis: Redis;
  readonly database: number;
  /** A command that fails because there is no connection does not say why there is none. */
  connectionError: Error | undefined;
  connections: number;
}

async function clientOf(url: string): Promise<Client> {
  // Only now: a listener without DSP_REDIS_URL is 5 MB smaller without it.
  const { Redis } = await import("ioredis");
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
  const client: Client = {
    redis,
    database: redis.options.db ?? 0,
    connectionError: undefined,
    connections: 0,
  };
  redis.on("error", (error) => {
    client.connectionError = error;
  });
  redis.on("ready", () => {
    client.connectionError = undefined;
    client.connections += 1;
  });
  return client;
}

/** What only a person can mend, in words that say how. */
function explain(error: unknown, database: number): unknown {
  if (!(error instanceof Error)) return error;
  const { message } = error;
  const options = { cause: error };
  if (/^NOPERM.*'select'/i.test(message)) {
    const words = `The user of DSP_REDIS_URL may not choose database ${database}: grant it +select`;
    return new NeedsHuman("redis_select", words, options);
  }
  if (message.startsWith("NOPERM")) {
    const commands = COMMANDS.map((command) => `+${command}`).join(" ");
    const words = `The user of DSP_REDIS_URL may not do all that is needed: grant it ~dsp:* ${commands}`;
    return new NeedsHuman("redis_acl", words, options);
  }
  if (/DB index is out of range/i.test(message)) {
    const words = `The Redis of DSP_REDIS_URL has no database ${database}: write the number that the gateway uses`;
    return new NeedsHuman("redis_database", words, options);
  }
  if (/^(WRONGPASS|NOAUTH)|^ERR AUTH|invalid username-password/i.test(message)) {
    return new NeedsHuman(
      "redis_auth",
      "The Redis refuses the user or the password of DSP_REDIS_URL",
      options,
    );
  }
  return error;
}
