/** The listener: holds the gateway's socket and publishes what it says. Read it to see the whole service. */
import { randomUUID } from "node:crypto";
import { type Bus, closeBus, openBus } from "@gpu-power-manager/shared/bus";
import { loadEnv } from "@gpu-power-manager/shared/env";
import { ConfigError } from "@gpu-power-manager/shared/errors";
import { serveHttp } from "@gpu-power-manager/shared/http";
import { createLogger, type Logger } from "@gpu-power-manager/shared/logger";
import { runUntilSignal } from "@gpu-power-manager/shared/shutdown";
import { startAlive } from "./alive.ts";
import { type ListenerConfig, ListenerEnv } from "./config.ts";
import type { Meaning } from "./gateway/frames.ts";
import { Link } from "./gateway/link.ts";
import { createMetrics } from "./metrics.ts";
import { noticeOf } from "./notices.ts";
import { Outbox } from "./outbox.ts";
import { readinessOf } from "./readiness.ts";
import { Registration } from "./registration.ts";
import { Relay } from "./relay.ts";
import { runReports } from "./reports.ts";
import { Spool } from "./spool.ts";

/** What is left to publish at a stop is given so long; the rest is kept in the spool. */
const FLUSH_MS = 5_000;

async function run(config: ListenerConfig, logger: Logger, signal: AbortSignal): Promise<void> {
  const { POOL: pool } = config;
  const now = () => performance.timeOrigin + performance.now();
  const name = `listener-${randomUUID().slice(0, 8)}`;
  const registration = new Registration(signal);
  const outbox = new Outbox(config.OUTBOX_LIMIT);
  const metrics = createMetrics({
    registered: () => link.registered,
    outboxDepth: () => outbox.depth,
    provenAt: () => registration.provenAt,
  });
  const relay = new Relay({
    outbox,
    outboxLimit: config.OUTBOX_LIMIT,
    logger,
    now,
    onPublished: ({ event }, seconds) => {
      metrics.publish.observe(seconds);
      logger.debug({ jobId: event.eventId, kind: event.kind, seconds }, "event published");
    },
    onFolded: () => metrics.folded.inc(),
    onDropped: () => metrics.dropped.inc(),
    onPressure: (wait) => (wait ? link.pause() : link.resume()),
    signal,
  });
  const onMeaning = (meaning: Meaning) => {
    const receivedAt = now();
    const outgoing = noticeOf(
      meaning,
      { eventId: randomUUID(), pool, at: Math.round(receivedAt) },
      receivedAt,
    );
    if (outgoing === undefined) return;
    registration.proven(receivedAt);
    const { event } = outgoing;
    if (event.kind === "job") {
      metrics.notices.inc({ type: event.type });
      logger.info({ jobId: event.eventId, type: event.type, requestId: event.requestId }, "notice received");
    }
    relay.offer(outgoing);
  };
  const link = new Link({
    url: config.DSP_URL,
    config: {
      pingIntervalMs: config.PING_INTERVAL,
      quietLimitMs: config.QUIET_LIMIT,
      pongTimeoutMs: config.PONG_TIMEOUT,
      backoffMinMs: config.BACKOFF_MIN,
      backoffMaxMs: config.BACKOFF_MAX,
    },
    frameLimitBytes: config.FRAME_LIMIT_BYTES,
    logger,
    now,
    random: Math.random,
    onMeaning,
    onFrame: (type) => metrics.frames.inc({ type }),
    onRejected: (reason) => metrics.rejected.inc({ reason }),
    onRegistered: () => {
      registration.registered(now());
      alive?.now();
    },
    onLost: (reason) => {
      metrics.reconnects.inc({ reason });
      registration.lost();
      alive?.now();
    },
  });
  let bus: Bus | undefined;
  let alive: ReturnType<typeof startAlive> | undefined;
  await serveHttp({
    host: config.HTTP_HOST,
    port: config.HTTP_PORT,
    registry: metrics.registry,
    readiness: () =>
      readinessOf({ phase: link.phase, natsConnected: bus?.connected() === true, depth: outbox.depth }),
    signal,
  });

  // The gateway first: a notice that comes while NATS is away is kept, one that nobody hears is gone.
  const spool = new Spool(config.STATE_DIR, logger);
  const { left, done } = spool.load();
  for (const outgoing of left) relay.offer(outgoing);
  link.start();
  signal.addEventListener("abort", () => void link.stop(), { once: true });
  try {
    bus = await openBus(config, name, logger, signal);
    alive = startAlive({
      bus,
      signal,
      sign: () => ({ listener: name, pool, at: Math.round(now()), provenSince: registration.since }),
    });
    const publishing = relay.run(bus);
    await runReports({
      bus,
      pool,
      readyFrame: config.ONLINE_FRAME,
      send: (frame) => link.send(frame),
      whenRegistered: () => registration.whenRegistered(),
      onReport: (kind, outcome) => metrics.reports.inc({ kind, outcome }),
      logger,
      now: Date.now,
      signal,
    });
    await Promise.race([publishing, new Promise((resolve) => setTimeout(resolve, FLUSH_MS))]);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await link.stop();
    const unsent = outbox.all();
    if (unsent.length === 0) done();
    else spool.save(unsent);
    if (bus !== undefined) await closeBus(bus);
  }
}

async function main(): Promise<void> {
  const { config, secrets } = loadEnv(ListenerEnv, process.env);
  if (process.argv.includes("--check")) {
    console.log("The configuration can be used.");
    return;
  }
  const logger = createLogger({ service: "listener", level: config.LOG_LEVEL, secrets });
  await runUntilSignal(logger, (signal) => run(config, logger, signal));
}

try {
  await main();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
