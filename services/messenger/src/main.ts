/** The messenger: takes alerts from Alertmanager and says them in groups of WeCom, DingTalk and Feishu. */
import { trustAuthorities } from "@gpu-power-manager/shared/authorities";
import { loadEnv } from "@gpu-power-manager/shared/env";
import { serveHttp } from "@gpu-power-manager/shared/http";
import { createLogger, type Logger } from "@gpu-power-manager/shared/logger";
import { exitOnBadConfig, runUntilSignal, whenAborted } from "@gpu-power-manager/shared/shutdown";
import { addRoutes } from "./alerts/routes.ts";
import { stepsFrom } from "./alerts/runbooks.ts";
import { type MessengerConfig, MessengerEnv, readRobots } from "./config/environment.ts";
import { ROBOTS, type RobotsFile, secretsOf } from "./config/robots.ts";
import { Delivery } from "./robots/delivery.ts";
import { createMetrics } from "./telemetry/metrics.ts";

async function run(config: MessengerConfig, file: RobotsFile, logger: Logger, signal: AbortSignal) {
  const { registry, recorder, begin } = createMetrics(config.POOL);
  const robots = ROBOTS.filter((kind) => file.robots[kind] !== undefined);
  begin(robots);
  const deliveries = new Map(
    robots.flatMap((kind) => {
      const target = file.robots[kind];
      return target === undefined
        ? []
        : [[kind, new Delivery({ kind, target, logger, recorder, now: Date.now })] as const];
    }),
  );
  const { language, timeZone, runbookBase } = file;
  const manner = { language, timeZone, runbookBase, stepsOf: stepsFrom(config.RUNBOOKS_DIR) };
  await serveHttp({
    host: config.HTTP_HOST,
    port: config.HTTP_PORT,
    tlsDir: config.HTTP_TLS_DIR,
    tlsPort: config.HTTP_TLS_PORT,
    logger,
    registry,
    readiness: () => ({ ready: true, words: `Takes alerts for ${robots.join(", ")}.`, details: { robots } }),
    signal,
    routes: (app) => addRoutes(app, { manner, deliveries }),
  });
  logger.info({ robots, language }, "taking alerts");
  await whenAborted(signal);
}

async function main(): Promise<void> {
  const { config } = loadEnv(MessengerEnv, process.env);
  const file = readRobots(config.ROBOTS_FILE);
  if (process.argv.includes("--check")) {
    console.log("The configuration can be used.");
    return;
  }
  trustAuthorities(config.CA_DIR);
  const logger = createLogger({ service: "messenger", level: config.LOG_LEVEL, secrets: secretsOf(file) });
  await runUntilSignal(logger, (signal) => run(config, file, logger, signal));
}

await exitOnBadConfig(main);
