/**
 * A login by hand, for a console that wants a person: opens it in a window, waits until somebody has logged in, and
 * keeps the session encrypted in STATE_DIR as power will read it. Nothing else is touched: neither NATS nor a machine.
 * Run it where there is a display (`make login`); `make login-import` brings the file to a server.
 */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { trustAuthorities } from "@gpu-power-manager/shared/authorities";
import { Flag, loadEnv } from "@gpu-power-manager/shared/env";
import { Fatal } from "@gpu-power-manager/shared/errors";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { exitOnBadConfig, runUntilSignal } from "@gpu-power-manager/shared/shutdown";
import { z } from "zod";
import { PowerEnv } from "../config/environment.ts";
import { PageConsole } from "./page-console.ts";
import { loadProfile } from "./profile.ts";

const LOOK_MS = 1_000;

const LoginEnv = PowerEnv.pick({
  PROFILES_DIR: true,
  STATE_DIR: true,
  SESSION_KEY: true,
  CHROMIUM_PATH: true,
  CHROMIUM_SANDBOX: true,
  CA_DIR: true,
  CHROMIUM_MEMORY_LIMIT_MIB: true,
  LOG_LEVEL: true,
}).extend({
  PROFILE: z.string().meta({ description: "name of the console's profile, without .yaml" }),
  HEADLESS: z
    .string()
    .default("false")
    .pipe(Flag)
    .meta({ description: "true opens no window; of use only to tests" }),
});

await exitOnBadConfig(async () => {
  const { config, secrets } = loadEnv(LoginEnv, process.env);
  trustAuthorities(config.CA_DIR);
  const profile = loadProfile(join(config.PROFILES_DIR, `${config.PROFILE}.yaml`));
  const logger = createLogger({ service: "login", level: config.LOG_LEVEL, secrets });
  await runUntilSignal(logger, async (signal) => {
    const nothing = () => {};
    const driver = new PageConsole({
      profile,
      providerIds: [],
      stateDir: config.STATE_DIR,
      sessionKey: config.SESSION_KEY,
      headless: config.HEADLESS,
      chromiumPath: config.CHROMIUM_PATH,
      sandbox: config.CHROMIUM_SANDBOX,
      authorities: config.CA_DIR,
      memoryLimitBytes: config.CHROMIUM_MEMORY_LIMIT_MIB,
      credentials: undefined,
      logger,
      events: {
        observed: nothing,
        disagreed: nothing,
        failed: nothing,
        browserRestarted: nothing,
        login: nothing,
      },
      now: Date.now,
    });
    try {
      logger.info({ url: profile.console.url }, "Log in in the window that opens; it closes by itself");
      while (driver.session() !== "logged_in") {
        await driver.observe();
        if (driver.session() !== "logged_in") await pause(LOOK_MS, undefined, { signal });
      }
    } catch (error) {
      if (signal.aborted) throw new Fatal("stopped", "The login was given up");
      throw error;
    } finally {
      await driver.close();
    }
    const file = join(config.STATE_DIR, "console-session.enc");
    logger.info({ file }, "Logged in; on the server: make login-import FILE=<this file>");
  });
});
