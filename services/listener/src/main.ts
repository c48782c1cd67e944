/** The listener: holds the gateway's socket and publishes what it says. Read it to see the whole service. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Bus, closeBus, openBus } from "@gpu-power-manager/shared/bus";
import { loadEnv } from "@gpu-power-manager/shared/env";
import { serveHttp } from "@gpu-power-manager/shared/http";
import { createLogger, type Logger } from "@gpu-power-manager/shared/logger";
import { Outbound } from "@gpu-power-manager/shared/outbound";
import { exitOnBadConfig, runUntilSignal } from "@gpu-power-manager/shared/shutdown";
import { Backlog } from "./backlog/backlog.ts";
import { type ListenerConfig, ListenerEnv } from "./config/environment.ts";
import { Link } from "./gateway/link.ts";
import { Notices } from "./gateway/notices.ts";
import { Outbox } from "./outbox/outbox.ts";
import { Relay } from "./outbox/relay.ts";
import { Spool } from "./outbox/spool.ts";
import { startAlive } from "./path/alive.ts";
import { GapTracker } from "./path/gap-tracker.ts";
import { Gaps } from "./path/gaps.ts";
import { Probe } from "./path/probe.ts";
import { Registration } from "./path/registration.ts";
import { runReports } from "./reports/reports.ts";
import { BurstLog } from "./telemetry/burst-log.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import { readinessOf } from "./telemetry/readiness.ts";

/** What is left to publish at a stop is given so long; the rest is kept in the spool. */
const FLUSH_MS = 5_000;
/** What the next listener should know is given so long. */
const LEAVE_MS = 1_000;
/** A server that hangs must not hold up the stop. */
const CLOSE_BUS_MS = 1_000;

async function run(config: ListenerConfig, spool: Spool, logger: Logger, signal: AbortSignal): Promise<void> {
  const { POOL: pool } = config;
  // The wall clock at the start, moved on by the monotonic clock: it never jumps.
  const now = () => performance.timeOrigin + performance.now();
  const name = `listener-${randomUUID().slice(0, 8)}`;
  let bus: Bus | undefined;
  let outbound: Outbound | undefined;
  let alive: { now: () => void } | undefined;

  const log = new BurstLog(logger);
  const registration = new Registration(signal);
  const outbox = new Outbox(config.OUTBOX_LIMIT);
  const tracker = new GapTracker();
  const metrics = createMetrics({
    pool,
    registered: () => link.registered,
    outboxDepth: () => outbox.depth,
    provenAt: () => registration.heardAt,
    registrationAt: () => registration.answeredAt,
    gapOpen: () => gaps.open,
    gaps: tracker,
    backlogConfigured: config.DSP_REDIS_URL !== undefined,
    backlogJobs: () => backlog?.watch.pending,
    backlogCheckedAt: () => backlog?.watch.checkedAt,
    now,
  });
  const spooled = spool.load();
  let unstored = spooled.length;
  const relay = new Relay({
    outbox,
    outboxLimit: config.OUTBOX_LIMIT,
    logger,
    now,
    onPublished: (outgoing, seconds, duplicate) => {
      const { event } = outgoing;
      metrics.publish.observe(seconds);
      backlog?.watch.stored(outgoing, duplicate);
      log.info({ jobId: event.eventId, kind: event.kind, seconds }, "event published");
    },
    onFolded: () => metrics.folded.inc(),
    onDropped: () => metrics.dropped.inc(),
    onLanded: (count) => {
      // The spool was first in line.
      if (unstored > 0 && unstored <= count) spool.clear();
      unstored = Math.max(0, unstored - count);
    },
    onPressure: (wait) => (wait ? link.pause() : link.resume()),
  });
  const backlog =
    config.DSP_REDIS_URL === undefined
      ? undefined
      : new Backlog({
          redisUrl: config.DSP_REDIS_URL,
          whenRegistered: (maxMs) => registration.whenRegistered(maxMs),
          pool,
          intervalMs: config.BACKLOG_INTERVAL,
          graceMs: config.BACKLOG_GRACE,
          relay,
          outbox,
          logger,
          log,
          now,
          onMissed: () => metrics.missed.inc({ source: "backlog" }),
          onChecked: (outcome, seconds) => {
            metrics.backlogChecks.inc({ outcome });
            if (outcome === "ok") metrics.backlogSeconds.observe(seconds);
          },
        });
  const notices = new Notices({
    pool,
    log,
    now,
    onJob: (type) => metrics.notices.inc({ type }),
    onProof: (at) => registration.proven(at),
    account: (job) => backlog?.heard(job),
    offer: (outgoing) => relay.offer(outgoing),
  });
  const gaps = new Gaps({
    pool,
    listener: name,
    tracker,
    cause: () => {
      if (!link.registered) return link.phase === "registering" ? "unregistered" : "disconnected";
      return registration.inDoubt ? "probe_failing" : undefined;
    },
    workedAt: (cause) => (cause === "probe_failing" ? registration.provenAt : link.heardAt),
    onGap: config.ON_GAP,
    assumeAfterMs: config.ASSUME_AFTER,
    now,
    logger,
    offer: (outgoing) => relay.offer(outgoing),
    onAssumed: () => metrics.assumed.inc(),
  });
  const rules = {
    pingIntervalMs: config.PING_INTERVAL,
    quietLimitMs: config.QUIET_LIMIT,
    pongTimeoutMs: config.PONG_TIMEOUT,
    registerTimeoutMs: config.REGISTER_TIMEOUT,
    backoffMinMs: config.BACKOFF_MIN,
    backoffMaxMs: config.BACKOFF_MAX,
  };
  const common = {
    url: config.DSP_URL,
    frameLimitBytes: config.FRAME_LIMIT_BYTES,
    frameLog: log,
    now,
    random: Math.random,
  };
  const probe = new Probe({
    intervalMs: config.PROBE_INTERVAL,
    timeoutMs: config.PROBE_TIMEOUT,
    logger,
    now,
    random: Math.random,
    send: (frame) => probeLink.send(frame),
    monitorRegistered: () => link.registered,
    onOutcome: (outcome, seconds) => {
      metrics.probes.inc({ outcome });
      if (outcome === "timeout") registration.doubted();
      if (seconds !== undefined) {
        metrics.probeSeconds.observe(seconds);
        registration.proven(now());
      }
      pathChanged();
    },
    onBroken: () => link.replace(),
  });
  const probeLink = new Link({
    ...common,
    registration: { type: "register", key: probe.key, device_type: "probe" },
    config: { ...rules, role: undefined },
    logger: logger.child({ connection: "probe" }),
    // The only news that a client hears and a monitor does not.
    onMeaning: (meaning) => {
      if (meaning.kind === "online") notices.hear(meaning);
    },
    onFrame: () => {},
    onRejected: () => {},
    onRegistered: () => probe.now(),
    onLost: () => {},
  });
  const link = new Link({
    ...common,
    registration: { type: "register", role: "gpu_monitor" },
    config: { ...rules, role: "gpu_monitor" },
    logger,
    onMeaning: (meaning) => {
      if (!probe.hears(meaning)) notices.hear(meaning);
    },
    onFrame: (type, dropped) => {
      metrics.frames.inc({ type });
      if (dropped.length > 0) metrics.degraded.inc({ type });
    },
    onRejected: (reason) => metrics.rejected.inc({ reason }),
    onRegistered: () => {
      registration.registered(now());
      pathChanged();
      probe.now();
      backlog?.watch.now();
    },
    onLost: (reason) => {
      metrics.reconnects.inc({ reason });
      registration.lost();
      pathChanged();
    },
  });
  const pathChanged = () => {
    gaps.look();
    alive?.now();
  };
  await serveHttp({
    host: config.HTTP_HOST,
    port: config.HTTP_PORT,
    registry: metrics.registry,
    readiness: () =>
      readinessOf({
        phase: link.phase,
        natsConnected: bus?.connected() === true,
        natsTrouble: relay.troubled,
        depth: outbox.depth,
        pathInDoubt: registration.inDoubt,
        backlog: backlog?.state ?? "not_configured",
      }),
    signal,
  });

  // The gateway first: a notice that comes while NATS is away is kept, one that nobody hears is gone.
  for (const outgoing of spooled) relay.offer(outgoing);
  link.start();
  probeLink.start();
  const stopListening = async () => {
    probe.stop();
    await Promise.all([link.stop(), probeLink.stop()]);
  };
  signal.addEventListener("abort", () => void stopListening(), { once: true });
  try {
    bus = await openBus(config, name, logger, signal);
    alive = startAlive({
      bus,
      signal,
      sign: () => ({
        listener: name,
        pool,
        at: Math.round(now()),
        provenSince: registration.since,
        provenAt: registration.heardAt === undefined ? null : Math.round(registration.heardAt),
      }),
    });
    relay.start(bus);
    /**
     * Power is about to stop a machine on what it has heard: tell it what waits at the gateway, and only then let it
     * know that it could hear.
     */
    const proveForStop = async () => {
      if (await backlog?.watch.read()) await relay.flush(FLUSH_MS);
      probe.now();
    };
    outbound = new Outbound(bus, logger, signal);
    const parts = [
      backlog?.run(bus, signal),
      gaps.start({ bus, outbound, backlog: backlog?.watch }, signal),
      runReports({
        bus,
        pool,
        onlineFrame: config.ONLINE_FRAME,
        send: (frame) => link.send(frame),
        whenRegistered: (maxMs) => registration.whenRegistered(maxMs),
        onReport: (kind, outcome) => {
          metrics.reports.inc({ kind, outcome });
          if (kind === "task_query" && outcome === "sent") void proveForStop();
        },
        logger,
        now,
        signal,
      }),
    ];
    await Promise.all(parts);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await stopListening();
    // Waiting for a NATS that is away would only delay the restart, where the spool keeps the events.
    if (bus?.connected() === true || (bus !== undefined && !spool.keeps)) await relay.flush(FLUSH_MS);
    if (bus?.connected() === true) {
      await Promise.race([Promise.all([gaps.close(), backlog?.leave()]), sleep(LEAVE_MS)]);
      await outbound?.drained(LEAVE_MS);
    }
    relay.stop();
    log.close();
    if (outbox.depth > 0) spool.save(outbox.all());
    if (bus !== undefined) await Promise.race([closeBus(bus), sleep(CLOSE_BUS_MS)]);
  }
}

async function main(): Promise<void> {
  const { config, secrets } = loadEnv(ListenerEnv, process.env);
  if (process.argv.includes("--check")) {
    console.log("The configuration can be used.");
    return;
  }
  const logger = createLogger({ service: "listener", level: config.LOG_LEVEL, secrets });
  const spool = new Spool(config.STATE_DIR, logger);
  spool.open();
  await runUntilSignal(logger, (signal) => run(config, spool, logger, signal));
}

await exitOnBadConfig(main);
