/** The listener: holds the gateway's socket and publishes what it says. Read it to see the whole service. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { trustAuthorities } from "@gpu-power-manager/shared/authorities";
import { type Bus, openBus } from "@gpu-power-manager/shared/bus";
import { Clock } from "@gpu-power-manager/shared/clock";
import { loadEnv } from "@gpu-power-manager/shared/env";
import { BUCKETS } from "@gpu-power-manager/shared/events";
import { serveHttp } from "@gpu-power-manager/shared/http";
import { createLogger, type Logger } from "@gpu-power-manager/shared/logger";
import { readMemory } from "@gpu-power-manager/shared/memory";
import { NatsHealth } from "@gpu-power-manager/shared/nats-health";
import { Outbound } from "@gpu-power-manager/shared/outbound";
import { exitOnBadConfig, runUntilSignal, whenAborted } from "@gpu-power-manager/shared/shutdown";
import { deriveFromSurroundings } from "@gpu-power-manager/shared/surroundings";
import { readVersion } from "@gpu-power-manager/shared/version";
import { openBacklog } from "./backlog/backlog.ts";
import { type ListenerConfig, ListenerEnv } from "./config/environment.ts";
import { Notices } from "./gateway/notices.ts";
import { Delivery } from "./outbox/delivery.ts";
import type { Outgoing } from "./outbox/outbox.ts";
import { openStateDir } from "./outbox/spool.ts";
import { watchClock } from "./path/clock-watch.ts";
import { Path } from "./path/path.ts";
import { runReports } from "./reports/reports.ts";
import { BurstLog } from "./telemetry/burst-log.ts";
import { deriveFromState } from "./telemetry/gauges.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import { readinessOf } from "./telemetry/readiness.ts";
import { recorderOf } from "./telemetry/recorder.ts";

/** What the next listener should know is given so long. */
const LEAVE_MS = 1_000;

async function run(config: ListenerConfig, logger: Logger, signal: AbortSignal): Promise<void> {
  const { POOL: pool } = config;
  const clock = new Clock();
  const { now } = clock;
  const name = `listener-${randomUUID().slice(0, 8)}`;
  const log = new BurstLog(logger);
  const health = new NatsHealth(logger);
  let bus: Bus | undefined;
  let outbound: Outbound | undefined;

  const metrics = createMetrics(pool);
  const outside = deriveFromSurroundings(metrics.registry, {
    prefix: "gpu_listener",
    folders: config.STATE_DIR === undefined ? {} : { listener: config.STATE_DIR },
    servers: () => ({
      gateway: config.DSP_URL,
      ...(config.DSP_REDIS_URL === undefined ? {} : { redis: config.DSP_REDIS_URL }),
    }),
    authorities: config.CA_DIR,
    steady: now,
  });
  const recorder = recorderOf(metrics);
  const common = { config, name, pool, logger, log, now, recorder, signal };
  const delivery = new Delivery({
    ...common,
    onStored: (outgoing, duplicate) => backlog?.watch.stored(outgoing, duplicate),
    onPressure: (wait) => (wait ? path.link.pause() : path.link.resume()),
  });
  const offer = (outgoing: Outgoing) => delivery.offer(outgoing);
  const backlog = openBacklog({
    ...common,
    delivery,
    whenRegistered: (maxMs) => path.registration.whenRegistered(maxMs),
  });
  const notices = new Notices({
    ...common,
    offer,
    onProof: (at) => path.registration.proven(at),
    account: (job) => backlog?.heard(job),
  });
  const path = new Path({
    ...common,
    offer,
    hear: (meaning) => notices.hear(meaning),
    about: () => ({ ...readiness(), memory: readMemory(), version: readVersion() }),
    onRegistered: () => {
      notices.connectedAnew();
      backlog?.watch.soon();
    },
  });
  const readiness = () =>
    readinessOf({ path, delivery, backlog, nats: health.state, busOpen: bus !== undefined });
  const { registry } = metrics;
  deriveFromState(registry, () => ({ path, delivery, backlog, now: now() }));
  await serveHttp({
    host: config.HTTP_HOST,
    port: config.HTTP_PORT,
    tlsDir: config.HTTP_TLS_DIR,
    tlsPort: config.HTTP_TLS_PORT,
    logger,
    registry,
    readiness,
    signal,
  });

  // The gateway first: a notice that comes while NATS is away is kept, one that nobody hears is gone.
  path.start();
  watchClock({ ...common, clock, onAhead: () => path.doubt() });
  void delivery.run(signal);
  void outside.follow(signal);
  signal.addEventListener("abort", () => void path.stop(), { once: true });
  try {
    bus = await openBus(config, name, {
      health,
      bucket: BUCKETS.listener,
      logger,
      signal,
      onStateFailure: recorder.stateFailed,
    });
    delivery.start(bus);
    outbound = new Outbound(bus, logger, signal);
    // Power is about to stop a machine on what it has heard: it hears of what waits, and then that it could hear.
    const proveForStop = async () => {
      await backlog?.tell();
      path.prove();
    };
    const parts = [
      path.follow({ bus, outbound, backlog: backlog?.watch }),
      backlog?.run(bus, signal),
      runReports({
        ...common,
        bus,
        send: (frame) => path.link.send(frame),
        whenRegistered: (maxMs) => path.registration.whenRegistered(maxMs),
        onSent: (kind) => {
          if (kind === "task_query") void proveForStop();
        },
      }),
    ];
    await Promise.race([Promise.all(parts), bus.lost, whenAborted(signal)]);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    // First, because all that comes after it may hang.
    await Promise.all([delivery.secure(), path.stop()]);
    await delivery.settle();
    if (bus?.connected() === true) {
      const leave = async () => {
        await Promise.all([path.gaps.close(), backlog?.leave()]);
        await outbound?.drained(LEAVE_MS);
      };
      await Promise.race([leave(), sleep(LEAVE_MS)]);
    }
    await delivery.close();
    log.close();
    await bus?.close();
  }
}

async function main(): Promise<void> {
  const { config, secrets } = loadEnv(ListenerEnv, process.env);
  if (process.argv.includes("--check")) {
    console.log("The configuration can be used.");
    return;
  }
  trustAuthorities(config.CA_DIR);
  const logger = createLogger({ service: "listener", level: config.LOG_LEVEL, secrets });
  openStateDir(config.STATE_DIR);
  await runUntilSignal(logger, (signal) => run(config, logger, signal));
}

await exitOnBadConfig(main);
