import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type ConnectionOptions,
  connect,
  createInbox,
  credsAuthenticator,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
} from "nats";
import { z } from "zod";
import { describeError, Fatal } from "./errors.ts";
import type { BucketName } from "./events.ts";
import type { Logger } from "./logger.ts";
import { isRefusal, NATS_LOST, type NatsHealth } from "./nats-health.ts";
import { StateBucket } from "./state-bucket.ts";
import { ensureStreams } from "./streams.ts";

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
/** How often it is looked whether the state bucket is still the same: whoever only writes now and then never knows. */
const STATE_LOOK_MS = 5_000;
/** At the end what was published last may take so long to leave: a server that hangs must not hold up a stop. */
const CLOSE_MS = 1_000;

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
    .meta({ description: "path of a NATS credentials file, instead of a user; read anew at each connect" }),
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

/** JetStream as both services use it. Streams and the service's bucket exist once it is opened. */
export interface Bus {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly kv: StateBucket;
  readonly health: NatsHealth;
  readonly connected: () => boolean;
  /** A new subject for answers, under the prefix that this user may hear. */
  readonly inbox: () => string;
  /** Rejects with Fatal when the connection is closed for good by anything but `close`: it will not come back. */
  readonly lost: Promise<never>;
  /**
   * Makes streams and bucket where they are gone: a server that came back with an empty disk has none.
   * @throws when they are gone and this user may not make them.
   */
  readonly ensureStreams: () => Promise<void>;
  /** Ends the connection after what was published has left; a server that is away or hangs is not waited for. */
  readonly close: () => Promise<void>;
}

export interface BusParts {
  /** Follows the connection; known before there is one. */
  readonly health: NatsHealth;
  /** Where this service keeps its state. */
  readonly bucket: BucketName;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** State of this kind (`lease`, `ledger`) could not be kept. */
  readonly onStateFailure?: (what: string) => void;
}

/**
 * What tls:// promises: the client would else take the word of whoever answers that there is no TLS, and send the
 * password in the clear.
 */
export function encryption({ NATS_URL }: Pick<BusConfig, "NATS_URL">): Partial<ConnectionOptions> {
  return NATS_URL.startsWith("tls://") ? { tls: {} } : {};
}

function authentication(config: BusConfig): Partial<ConnectionOptions> {
  const { NATS_CREDS_FILE: file } = config;
  // Read at each try, so that credentials that were renewed meanwhile are taken.
  if (file !== undefined) return { authenticator: credsAuthenticator(() => readFileSync(file)) };
  if (config.NATS_USER === undefined) return {};
  return {
    user: config.NATS_USER,
    pass: config.NATS_PASSWORD ?? "",
    inboxPrefix: inboxPrefix(config),
  };
}

/** Answers come under the user's own prefix, so that a server can let each user hear only its own. */
function inboxPrefix({ NATS_CREDS_FILE: file, NATS_USER: user }: BusConfig): string {
  if (file !== undefined || user === undefined) return "_INBOX";
  return `_INBOX.${user.replaceAll(/[^\w-]/g, "_")}`;
}

/**
 * Connects to NATS, waiting for it as long as it takes, and makes sure that streams and bucket exist.
 * Reconnects for ever, also to a server that refuses the user: a password may be rotated in the wrong order.
 * @throws Fatal when the signal ends the wait, or the connection is closed for good.
 */
export async function openBus(config: BusConfig, name: string, parts: BusParts): Promise<Bus> {
  const { health, bucket, logger, onStateFailure = () => {} } = parts;
  const { NATS_REPLICAS: replicas } = config;
  const connection = await connectWaiting(config, name, parts);
  health.follow(connection);
  let closing = false;
  const lost = connection.closed().then((error): Promise<never> => {
    if (closing) return new Promise(() => {});
    throw new Fatal(
      "nats_closed",
      `The connection to NATS is closed for good (${describeError(error ?? "by this process")}): ` +
        "the process ends, so that its supervisor starts it again",
    );
  });
  // Whoever does not wait for it must not be ended by it.
  lost.catch(() => undefined);
  const persistently = async <T>(words: string, attempt: () => Promise<T>) =>
    await Promise.race([lost, waiting(parts, () => words, attempt)]);

  const manager = await persistently("JetStream does not answer yet", () => connection.jetstreamManager());
  const told = new Set<string>();
  const tell = (cause: string) => {
    if (!told.has(cause))
      logger.warn({ cause }, "A stream in NATS is not as it should be; it is used as it is");
    told.add(cause);
  };
  const ensure = () => ensureStreams(manager, replicas, tell);
  await persistently("The streams cannot be used yet", ensure);
  const store = {
    bucket,
    connection,
    manager,
    replicas,
    answerMs: ANSWER_MS,
    logger,
    onFailure: onStateFailure,
  };
  const kv = await persistently("The state bucket cannot be opened yet", () => StateBucket.open(store));
  const looking = setInterval(() => {
    if (health.state === "connected") kv.ensure().catch(() => undefined);
  }, STATE_LOOK_MS).unref();
  return {
    connection,
    js: connection.jetstream({ timeout: ANSWER_MS }),
    manager,
    kv,
    health,
    connected: () => health.state === "connected",
    inbox: () => createInbox(inboxPrefix(config)),
    lost,
    ensureStreams: async () => {
      await ensure();
      await kv.ensure();
    },
    close: async () => {
      closing = true;
      clearInterval(looking);
      if (connection.isClosed()) return;
      const last = health.state === "connected" ? connection.drain() : connection.close();
      await Promise.race([last.catch(() => undefined), sleep(CLOSE_MS)]);
    },
  };
}

async function connectWaiting(config: BusConfig, name: string, parts: BusParts): Promise<NatsConnection> {
  const words = (error: unknown) => (isRefusal(error) ? NATS_LOST.refused : "NATS cannot be reached yet");
  return await waiting(parts, words, async () => {
    try {
      return await connect({
        servers: config.NATS_URL.split(","),
        // In the order given, so that the server on the same host can be the first choice.
        noRandomize: true,
        name,
        ...authentication(config),
        ...encryption(config),
        maxReconnectAttempts: -1,
        reconnectTimeWait: RECONNECT_WAIT_MS,
        // The client would else close for good after being refused twice in a row.
        ignoreAuthErrorAbort: true,
        pingInterval: PING_INTERVAL_MS,
        maxPingOut: MAX_MISSED_PINGS,
        timeout: CONNECT_MS,
        // Else the client makes two errors with their stacks for each request, in case it fails.
        noAsyncTraces: true,
      });
    } catch (error) {
      parts.health.failed(error);
      throw error;
    }
  });
}

/** Tries until it works; each cause is logged once, not at every try. */
async function waiting<T>(
  { logger, signal }: BusParts,
  words: (error: unknown) => string,
  attempt: () => Promise<T>,
): Promise<T> {
  let lastCause = "";
  for (;;) {
    if (signal.aborted) throw new Fatal("stopped", "The service was stopped while it waited for NATS");
    try {
      return await attempt();
    } catch (error) {
      const cause = describeError(error);
      if (cause !== lastCause) logger.warn({ cause }, words(error));
      lastCause = cause;
      await sleep(RECONNECT_WAIT_MS);
    }
  }
}
