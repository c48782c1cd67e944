/** Power: holds the GPU pool to what demand and policy ask. Read it to see the whole service. */
import { dirname } from "node:path";
import { trustAuthorities } from "@gpu-power-manager/shared/authorities";
import { openBus } from "@gpu-power-manager/shared/bus";
import { Clock } from "@gpu-power-manager/shared/clock";
import { BUCKETS } from "@gpu-power-manager/shared/events";
import type { LoginEvent } from "@gpu-power-manager/shared/history-entries";
import { serveHttp } from "@gpu-power-manager/shared/http";
import { createLogger, type Logger } from "@gpu-power-manager/shared/logger";
import { NatsHealth } from "@gpu-power-manager/shared/nats-health";
import { Outbound } from "@gpu-power-manager/shared/outbound";
import { exitOnBadConfig, runUntilSignal, whenAborted } from "@gpu-power-manager/shared/shutdown";
import { deriveFromSurroundings } from "@gpu-power-manager/shared/surroundings";
import { FollowedFiles } from "./config/followed-files.ts";
import { type Configuration, loadConfiguration } from "./config/load.ts";
import { openDemand, runIntake } from "./demand/intake.ts";
import { Hooks } from "./hooks/hooks.ts";
import { LEASE_ANSWER_MS, PoolLease } from "./lease/lease.ts";
import { Acts } from "./operator/acts.ts";
import { Operator } from "./operator/operator.ts";
import { openPool } from "./pool/open-pool.ts";
import { warningsOf } from "./pool/pool.ts";
import { openDriver } from "./provider/open-driver.ts";
import { BudgetWatch } from "./report/budget-watch.ts";
import { Reporter } from "./report/reporter.ts";
import { deriveFromBackup } from "./telemetry/backup-gauge.ts";
import { deriveFromBus } from "./telemetry/bus-gauges.ts";
import { deriveFromState } from "./telemetry/gauges.ts";
import { deriveFromHooks } from "./telemetry/hook-gauges.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import { Stage } from "./telemetry/stage.ts";

/** What is left to publish at the end is given so long. */
const DRAIN_MS = 1_500;
/** A power that stands by compares its clock this often. */
const STANDBY_CLOCK_MS = 1_000;

async function run({ config, files }: Configuration, logger: Logger, signal: AbortSignal): Promise<void> {
  const clock = new Clock();
  const now = () => Math.round(clock.now());
  const followed = new FollowedFiles(config, files);
  const { pool } = files.pool;
  const health = new NatsHealth(logger);
  const stage = new Stage(health);
  const metrics = createMetrics(pool, now, () => stage.leads);
  deriveFromBackup(metrics.registry, config.STATE_DIR);
  const outside = deriveFromSurroundings(metrics.registry, {
    prefix: "gpu_power",
    folders: { power: config.STATE_DIR, host: dirname(config.POOL_FILE) },
    servers: () => ({ console: followed.profile.console.url, "console-api": followed.profile.api.url }),
    authorities: config.CA_DIR,
    steady: now,
  });
  const operator = new Operator({ config, followed, stage, health, now, logger, signal });
  await serveHttp({
    host: config.HTTP_HOST,
    port: config.HTTP_PORT,
    tlsDir: config.HTTP_TLS_DIR,
    tlsPort: config.HTTP_TLS_PORT,
    logger,
    registry: metrics.registry,
    readiness: () => stage.readiness(),
    routes: operator.routes,
    upgrade: operator.upgrade,
    signal,
  });

  void outside.follow(signal);
  let wake = () => {};
  const bus = await openBus(config, `power-${pool}`, {
    health,
    bucket: BUCKETS.power,
    logger,
    signal,
    onStateFailure: metrics.stateFailed,
  });
  const lease = new PoolLease({
    kv: await bus.kv.answeringWithin(LEASE_ANSWER_MS),
    pool,
    logger,
    onRegained: () => wake(),
  });
  operator.follow(bus);
  stage.standsBy(lease);
  // While it stands by nothing is kept that a jump could make wrong; once it acts, the reconciler follows.
  const following = setInterval(() => clock.follow(), STANDBY_CLOCK_MS).unref();
  await lease.acquire(signal);
  clearInterval(following);
  clock.follow();
  const kept = lease.keep();
  kept.catch(() => undefined);
  const mayAct = () => lease.held;

  const demand = await openDemand(bus, pool, mayAct, now);
  const outbound = new Outbound(bus, logger, signal);
  const login = (event: LoginEvent) => outbound.login({ kind: "login", pool, at: now(), event });
  const { driver, page } = openDriver(config, files, { logger, events: { ...metrics, login }, now });
  const open = await openPool({
    bus,
    pool: () => followed.pool,
    driver,
    demand,
    outbound,
    metrics,
    onPass: () => {
      metrics.passed();
      operator.changed();
    },
    onSign: operator.listeners.heard,
    logger,
    clock,
    now,
    mayAct,
    operatorControls: () => page.live.controlled,
  });
  const { fleet, hold, reconciler } = open;
  wake = () => reconciler.wake();
  stage.acts({
    ...open,
    name: lease.name,
    followed,
    demand,
    driver,
    sessionTimes: () => page.sessionTimes,
    control: operator.control,
    now,
  });
  deriveFromState(metrics.registry, () => ({
    pool: followed.pool,
    fleet,
    demand: demand.value,
    driver,
    decisions: reconciler.decisions,
    hold: hold.current,
    budgets: open.purse.budgets,
    view: reconciler.view,
    sessionTimes: page.sessionTimes,
    control: operator.control(),
    watching: operator.watching,
    now: now(),
  }));
  deriveFromBus(metrics.registry, () => bus, pool);
  const telling = { bus, kv: bus.kv, outbound, mayAct, now, logger };
  let told: Hooks | undefined;
  const hooks = await Hooks.open({
    ...telling,
    pool,
    targets: () => followed.pool.hooks,
    folder: dirname(config.POOL_FILE),
    onOutcome: deriveFromHooks(metrics.registry, () => told && { hooks: told.view(), now: now() }),
  });
  told = hooks;
  const budgetWatch = await BudgetWatch.open({ ...telling, pool, budgets: () => open.purse.budgets });
  const reporter = await Reporter.open({
    ...telling,
    pool: () => followed.pool,
    spending: () => open.purse.spending,
    machines: () => stage.status()?.instances,
    jobs: () => Object.values(demand.value.counts).reduce((sum, count) => sum + count, 0),
  });
  const acts = new Acts({ ...open, pool, name: lease.name, followed, demand, outbound, now });
  operator.acts(acts, page, () => reconciler.lookNow());
  operator.tells(hooks);

  followed.follow({
    onProfile: (profile) => {
      driver.setProfile(profile);
      wake();
    },
    onPool: () => {
      wake();
      hooks.wake();
    },
    onResult: (file, ok) => metrics.configReloaded(file, ok),
    logger,
    signal,
  });
  const parts = [
    hold.follow(signal),
    runIntake({
      bus,
      pool,
      demand,
      logger,
      now,
      onDemand: wake,
      onJobs: operator.taken,
      onQueries: (queries) => reconciler.query(queries),
      onMalformed: () => metrics.eventsMalformed(),
      signal,
    }),
    reconciler.run(signal),
    hooks.run(signal),
    reporter.run(signal),
    budgetWatch.run(signal),
  ];
  // A part that ends before the signal has failed: better a restart than a service that half works.
  await Promise.race([Promise.all(parts), kept, bus.lost, whenAborted(signal)]);
  await Promise.allSettled(parts);
  await driver.close();
  // While NATS is away the last outcome cannot be written; the next start looks at the console anyway.
  await Promise.race([
    reconciler.settle().catch(() => undefined),
    new Promise((resolve) => setTimeout(resolve, DRAIN_MS)),
  ]);
  await outbound.drained(DRAIN_MS);
  if (bus.connected()) await lease.release().catch(() => undefined);
  await bus.close();
}

async function main(): Promise<void> {
  const configuration = loadConfiguration(process.env);
  if (process.argv.includes("--check")) {
    console.log("The configuration, the pool file and the profile can be used.");
    for (const words of warningsOf(configuration.files.pool)) console.log(`But: ${words}`);
    return;
  }
  const { config, secrets } = configuration;
  trustAuthorities(config.CA_DIR);
  const logger = createLogger({ service: "power", level: config.LOG_LEVEL, secrets });
  await runUntilSignal(logger, (signal) => run(configuration, logger, signal));
}

await exitOnBadConfig(main);
