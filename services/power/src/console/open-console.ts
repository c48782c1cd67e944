import type { PowerConfig } from "../config/environment.ts";
import type { Files } from "../config/files.ts";
import { type ConsoleOptions, PageConsole } from "./page-console.ts";

/** The console's driver as configured; its browser starts with the first look. */
export function openConsole(
  config: PowerConfig,
  { pool, profile }: Files,
  parts: Pick<ConsoleOptions, "logger" | "events" | "now">,
): PageConsole {
  const { CONSOLE_USER: user, CONSOLE_PASSWORD: password } = config;
  return new PageConsole({
    ...parts,
    profile,
    providerIds: pool.instances.map((instance) => instance.providerId),
    stateDir: config.STATE_DIR,
    sessionKey: config.SESSION_KEY,
    headless: config.HEADLESS,
    chromiumPath: config.CHROMIUM_PATH,
    sandbox: config.CHROMIUM_SANDBOX,
    authorities: config.CA_DIR,
    memoryLimitBytes: config.CHROMIUM_MEMORY_LIMIT_MIB,
    credentials: user === undefined || password === undefined ? undefined : { user, password },
  });
}
