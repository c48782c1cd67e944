/** Power: holds the GPU pool to what demand and policy ask. Read it to see the whole service. */
import { closeBus, openBus } from "@gpu-power-manager/shared/bus";
import { steadyClock } from "@gpu-power-manager/shared/clock";
import { loadEnv } from "@gpu-power-manager/shared/env";
import { ConfigError } from "@gpu-power-manager/shared/errors";
import { serveHttp } from "@gpu-power-manager/shared/http";
import { followListeners, Listening } from "@gpu-power-manager/shared/listening";
import { createLogger, type Logger } from "@gpu-power-manager/shared/logger";
import { Outbound } from "@gpu-power-manager/shared/outbound";
import { exitOnBadConfig, runUntilSignal } from "@gpu-power-manager/shared/shutdown";
import { type PowerConfig, PowerEnv } from "./config/environment.ts";
import { loadFiles, profileFile } from "./config/files.ts";
import { watchConfigFile } from "./config/watched-file.ts";
import { loadYaml } from "./config/yaml-file.ts";
import { PageConsole } from "./console/page-console.ts";
import { loadProfile } from "./console/profile.ts";
import { openDemand, runIntake } from "./demand/intake.ts";
import { LEASE_ANSWER_MS, PoolLease } from "./lease/lease.ts";
import { Fleet } from "./pool/fleet.ts";
import { Hold } from "./pool/hold.ts";
import { Pool } from "./pool/pool.ts";
import { Reconciler } from "./pool/reconciler.ts";
import { Story } from "./pool/story.ts";
import { deriveFromBus } from "./telemetry/bus-gauges.ts";
import { deriveFromState } from "./telemetry/gauges.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import {
  readinessOf,
  type StandbySource,
  type StatusSource,
  standbyReadiness,
  statusOf,
} from "./telemetry/status.ts";

/** What is left to publish at the end is given so long. */
const DRAIN_MS = 1_500;

type Files = ReturnType<typeof loadFiles>;

async function run(config: PowerConfig, files: Files, logger: Logger, signal: AbortSignal): Promise<void> {
  let pool = files.pool;
  const now = steadyClock();
  let source: (() => StatusSource) | undefined;
  let running: Reconciler | undefined;
  let standby: StandbySource | undefined;
  const metrics = createMetrics(pool.pool, now, () => standby?.lease.held ?? false);
  const waiting = () => standbyReadiness(standby);
  await serveHttp({
    host: config.HTTP_HOST,
    port: config.HTTP_PORT,
    registry: metrics.registry,
    signal,
    readiness: () => (source === undefined ? waiting() : readinessOf(source())),
    routes: (app) =>
      app.get("/status", (_request, response) => {
        if (source === undefined) response.status(503).json({ words: waiting().words });
        else response.json(statusOf(source()));
      }),
  });

  const bus = await openBus(config, `power-${pool.pool}`, logger, signal);
  const lease = new PoolLease({
    kv: await bus.bucket(LEASE_ANSWER_MS),
    pool: pool.pool,
    logger,
    onRegained: () => running?.wake(),
  });
  standby = { lease, natsConnected: bus.connected };
  await lease.acquire(signal);
  const kept = lease.keep();
  kept.catch(() => undefined);
  const mayAct = () => lease.held;
  const demand = await openDemand(bus, pool.pool, mayAct);
  const fleet = new Fleet(bus.kv, mayAct);
  for (const { id } of pool.instances) metrics.mayActOn(id);
  const driver = new PageConsole({
    profile: files.profile,
    providerIds: pool.instances.map((instance) => instance.providerId),
    stateDir: config.STATE_DIR,
    sessionKey: config.SESSION_KEY,
    headless: config.HEADLESS,
    chromiumPath: config.CHROMIUM_PATH,
    sandbox: config.CHROMIUM_SANDBOX,
    memoryLimitBytes: config.CHROMIUM_MEMORY_LIMIT_MIB,
    credentials:
      config.CONSOLE_USER === undefined || config.CONSOLE_PASSWORD === undefined
        ? undefined
        : { user: config.CONSOLE_USER, password: config.CONSOLE_PASSWORD },
    logger,
    events: metrics,
    now,
  });
  const hold = new Hold();
  const listening = new Listening();
  const outbound = new Outbound(bus, logger, signal);
  const reconciler = new Reconciler({
    pool: () => pool,
    driver,
    demand,
    fleet,
    outbound,
    story: new Story({ poolName: () => pool.pool, outbound, metrics, logger }),
    onPass: () => metrics.passed(),
    logger,
    now,
    random: Math.random,
    onHold: () => hold.on,
    mayAct,
    listeningSince: () => listening.since(now()),
    pathProvenAt: () => listening.provenAt,
  });
  running = reconciler;
  source = () => ({
    pool: pool.pool,
    fleet,
    demand: demand.value,
    reconciler,
    session: driver.session(),
    natsConnected: bus.connected(),
    leads: lease.held,
    onHold: hold.on,
    listeningSince: listening.since(now()),
    longestPauseMs: Math.max(pool.policy.observe.off, pool.policy.observe.on),
    now: now(),
  });
  deriveFromState(metrics.registry, () => ({ pool, fleet, demand: demand.value, driver, now: now() }));
  deriveFromBus(metrics.registry, () => bus, pool.pool);

  watchConfigFile({
    file: config.POOL_FILE,
    load: (file) => loadYaml(Pool, file),
    onChange: (changed) => {
      if (changed.pool !== pool.pool)
        throw new ConfigError(config.POOL_FILE, [
          "pool: its name cannot change while power runs; restart it",
        ]);
      const profile = loadProfile(profileFile(config, changed));
      pool = changed;
      driver.setProfile(profile);
      for (const { id } of changed.instances) metrics.mayActOn(id);
      driver.setInstances(changed.instances.map((instance) => instance.providerId));
      reconciler.wake();
    },
    onResult: (ok) => metrics.configReloaded("pool", ok),
    logger,
    signal,
  });
  watchConfigFile({
    file: profileFile(config, pool),
    load: loadProfile,
    onChange: (profile) => {
      driver.setProfile(profile);
      reconciler.wake();
    },
    onResult: (ok) => metrics.configReloaded("profile", ok),
    logger,
    signal,
  });

  followListeners(bus, pool.pool, listening, now, { onProof: () => reconciler.wake() });
  const parts = [
    hold.follow(bus, pool.pool, logger, () => reconciler.wake(), signal),
    runIntake({
      bus,
      pool: pool.pool,
      demand,
      logger,
      now,
      onDemand: () => reconciler.wake(),
      onQueries: (queries) => reconciler.query(queries),
      onMalformed: () => metrics.eventsMalformed(),
      signal,
    }),
    reconciler.run(signal),
  ];
  // A part that ends before the signal has failed: better a restart than a service that half works.
  await Promise.race([
    Promise.all(parts),
    kept,
    new Promise((resolve) => signal.addEventListener("abort", resolve)),
  ]);
  await Promise.allSettled(parts);
  await driver.close();
  // While NATS is away the last outcome cannot be written; the next start looks at the console anyway.
  await Promise.race([
    reconciler.settle().catch(() => undefined),
    new Promise((resolve) => setTimeout(resolve, DRAIN_MS)),
  ]);
  await outbound.drained(DRAIN_MS);
  if (bus.connected()) await lease.release().catch(() => undefined);
  await closeBus(bus);
}

/** @throws ConfigError that names the mistakes of the environment and of the files together. */
function loadAll(): ReturnType<typeof loadEnv<typeof PowerEnv>> & { files: Files } {
  const problems: string[] = [];
  const attempt = <T>(load: () => T): T | undefined => {
    try {
      return load();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const env = attempt(() => loadEnv(PowerEnv, process.env));
  const { POOL_FILE = "", PROFILES_DIR = "" } = process.env;
  const files = POOL_FILE === "" ? undefined : attempt(() => loadFiles({ POOL_FILE, PROFILES_DIR }));
  if (env === undefined || files === undefined) throw new ConfigError("The configuration", problems);
  return { ...env, files };
}

async function main(): Promise<void> {
  const { config, secrets, files } = loadAll();
  if (process.argv.includes("--check")) {
    console.log("The configuration, the pool file and the profile can be used.");
    return;
  }
  const logger = createLogger({ service: "power", level: config.LOG_LEVEL, secrets });
  await runUntilSignal(logger, (signal) => run(config, files, logger, signal));
}

await exitOnBadConfig(main);
