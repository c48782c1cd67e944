import { readFileSync } from "node:fs";
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  DiscardPolicy,
  Events,
  type JetStreamClient,
  type JetStreamManager,
  type KV,
  type NatsConnection,
  NatsError,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "nats";
import { z } from "zod";
import { Fatal } from "./errors.ts";
import { KV_BUCKET, STREAMS } from "./events.ts";
import type { Logger } from "./logger.ts";

const DAY_NS = 86_400_000_000_000;
const MINUTE_NS = 60_000_000_000;
const MIB = 1024 * 1024;

/** How soon a lost connection is tried again; short, because a start may wait for it. */
const RECONNECT_WAIT_MS = 250;
/**
 * A silent server is given up after two missed pings, so within 6 s: the host of one of three may die without a
 * word, and a standby that was connected to it has to take over within 15 s.
 */
const PING_INTERVAL_MS = 2_000;
const MAX_MISSED_PINGS = 2;
/** How long a server may take to greet: in a cluster the next one is tried after it. */
const CONNECT_MS = 2_000;
/** How long the answer to a read or write is awaited. */
const ANSWER_MS = 5_000;

/** Environment variables of the bus, for both services' schemas. */
export const busEnv = {
  NATS_URL: z
    .string()
    .regex(
      /^(nats|tls|ws|wss):\/\/[^\s]+$/,
      "must be nats://host:port or tls://host:port, several separated by commas",
    )
    .meta({ description: "NATS server, or several separated by commas, the nearest first" }),
  NATS_USER: z.string().optional().meta({ description: "NATS user name" }),
  NATS_PASSWORD: z.string().optional().meta({ description: "NATS password", secret: true }),
  NATS_CREDS_FILE: z
    .string()
    .optional()
    .meta({ description: "path of a NATS credentials file, instead of a user" }),
  NATS_REPLICAS: z
    .enum(["1", "3", "5"], { error: "must be 1, 3 or 5" })
    .default("1")
    .transform(Number)
    .meta({ description: "copies that JetStream keeps of streams and state" }),
};

export interface BusConfig {
  readonly NATS_URL: string;
  readonly NATS_USER?: string | undefined;
  readonly NATS_PASSWORD?: string | undefined;
  readonly NATS_CREDS_FILE?: string | undefined;
  readonly NATS_REPLICAS: number;
}

/** JetStream as both services use it. Streams and bucket exist once it is opened. */
export interface Bus {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly kv: KV;
  /** The same bucket, for whom an answer after `answerMs` is too late. */
  readonly bucket: (answerMs: number) => Promise<KV>;
  readonly connected: () => boolean;
  /** Makes streams and bucket where they are gone: a server that came back with an empty disk has none. */
  readonly ensureStreams: () => Promise<void>;
}

/**
 * How long JetStream knows a message by its id. A listener that comes after a crash asks by publishing again what
 * its predecessor may have published, so this is how long it may take to come.
 */
const JOBS_KNOWN_NS = 30 * MINUTE_NS;

/** In a cluster a direct read may be answered by a copy that lags behind; without it the leader answers. */
const BUCKET = { history: 1, storage: StorageType.File, allow_direct: false };

/**
 * The streams. Jobs and reports are work queues: a message stays until its one consumer has acknowledged it,
 * however long that consumer is away, and a full stream refuses instead of dropping the oldest, so that the
 * publisher knows.
 */
function streamConfigs(replicas: number): Array<Partial<StreamConfig> & { name: string }> {
  const base = { storage: StorageType.File, num_replicas: replicas, duplicate_window: 2 * MINUTE_NS };
  return [
    {
      ...base,
      name: STREAMS.jobs,
      subjects: ["gpu.jobs.>"],
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.New,
      max_bytes: 512 * MIB,
      duplicate_window: JOBS_KNOWN_NS,
    },
    {
      ...base,
      name: STREAMS.reports,
      subjects: ["gpu.reports.>"],
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.Old,
      // News of an hour ago ("the GPU is on") would be a guess about now.
      max_age: 60 * MINUTE_NS,
      max_bytes: 16 * MIB,
    },
    {
      ...base,
      name: STREAMS.history,
      subjects: ["gpu.history.>"],
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      max_age: 400 * DAY_NS,
      max_bytes: 256 * MIB,
    },
  ];
}

async function ensureStream(manager: JetStreamManager, config: Partial<StreamConfig> & { name: string }) {
  try {
    await manager.streams.add(config);
  } catch (error) {
    // 10058: the name is in use with another configuration, that of an older version or another replica count.
    if (!(error instanceof NatsError) || error.api_error?.err_code !== 10058) throw error;
    await manager.streams.update(config.name, config);
  }
}

/** The bucket is a stream, too; `views.kv` leaves one that is there as it is, with as many copies as it has. */
async function ensureBucket(connection: NatsConnection, manager: JetStreamManager, replicas: number) {
  const js = connection.jetstream({ timeout: ANSWER_MS });
  const kv = await js.views.kv(KV_BUCKET, { ...BUCKET, replicas });
  const { config } = await manager.streams.info(`KV_${KV_BUCKET}`);
  if (config.num_replicas !== replicas || config.allow_direct) {
    await manager.streams.update(config.name, { ...config, num_replicas: replicas, allow_direct: false });
  }
  return kv;
}

function authentication(config: BusConfig): Partial<ConnectionOptions> {
  if (config.NATS_CREDS_FILE !== undefined) {
    return { authenticator: credsAuthenticator(readFileSync(config.NATS_CREDS_FILE)) };
  }
  if (config.NATS_USER === undefined) return {};
  return {
    user: config.NATS_USER,
    pass: config.NATS_PASSWORD ?? "",
    // Answers come under the user's own prefix, so that a server can let each user hear only its own.
    inboxPrefix: `_INBOX.${config.NATS_USER.replaceAll(/[^\w-]/g, "_")}`,
  };
}

/**
 * Connects to NATS, waiting for it as long as it takes, and makes sure that streams and bucket exist.
 * Reconnects for ever. @throws Fatal when the signal ends the wait, or the server refuses the user.
 */
export async function openBus(
  config: BusConfig,
  name: string,
  logger: Logger,
  signal: AbortSignal,
): Promise<Bus> {
  const connection = await connectWaiting(config, name, logger, signal);
  let connected = true;
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === Events.Disconnect) {
        connected = false;
        logger.warn("NATS is away; events wait until it is back");
      } else if (status.type === Events.Reconnect) {
        connected = true;
        logger.info("NATS is back");
      }
    }
  })();
  const manager = await waiting(logger, signal, "JetStream does not answer yet", () =>
    connection.jetstreamManager(),
  );
  for (const stream of streamConfigs(config.NATS_REPLICAS)) {
    await waiting(logger, signal, "A stream cannot be made yet", () => ensureStream(manager, stream));
  }
  const js = connection.jetstream({ timeout: ANSWER_MS });
  const notYet = "The state bucket cannot be opened yet";
  const kv = await waiting(logger, signal, notYet, () =>
    ensureBucket(connection, manager, config.NATS_REPLICAS),
  );
  return {
    connection,
    js,
    manager,
    kv,
    bucket: async (answerMs) =>
      await waiting(logger, signal, notYet, () =>
        connection.jetstream({ timeout: answerMs }).views.kv(KV_BUCKET, { ...BUCKET, bindOnly: true }),
      ),
    connected: () => connected && !connection.isClosed(),
    ensureStreams: async () => {
      for (const stream of streamConfigs(config.NATS_REPLICAS)) await ensureStream(manager, stream);
      await ensureBucket(connection, manager, config.NATS_REPLICAS);
    },
  };
}

async function connectWaiting(config: BusConfig, name: string, logger: Logger, signal: AbortSignal) {
  return await waiting(logger, signal, "NATS cannot be reached yet", () =>
    connect({
      servers: config.NATS_URL.split(","),
      // In the order given, so that the server on the same host can be the first choice.
      noRandomize: true,
      name,
      ...authentication(config),
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: MAX_MISSED_PINGS,
      timeout: CONNECT_MS,
    }),
  );
}

/** Tries until it works; each cause is logged once, not at every try. */
async function waiting<T>(
  logger: Logger,
  signal: AbortSignal,
  words: string,
  attempt: () => Promise<T>,
): Promise<T> {
  let lastCause = "";
  for (;;) {
    if (signal.aborted) throw new Fatal("stopped", "The service was stopped while it waited for NATS");
    try {
      return await attempt();
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      if (cause !== lastCause) logger.warn({ cause }, words);
      lastCause = cause;
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_WAIT_MS));
    }
  }
}

/** Ends the connection after what was published has left; a server that is away is not waited for. */
export async function closeBus(bus: Bus): Promise<void> {
  if (bus.connection.isClosed()) return;
  if (bus.connected()) await Promise.race([bus.connection.drain(), bus.connection.closed()]);
  else await bus.connection.close();
}
