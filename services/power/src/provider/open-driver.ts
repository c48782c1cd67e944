import type { PowerConfig } from "../config/environment.ts";
import type { Files } from "../config/files.ts";
import type { ConsoleDriver } from "../console/driver.ts";
import { type ConsoleOptions, PageConsole } from "../console/page-console.ts";
import type { Profile } from "../console/profile.ts";
import { SignedConsole } from "./signed-console.ts";
import { isSigning } from "./signed-lane.ts";

export interface OpenDriver {
  readonly driver: ConsoleDriver & { setProfile(profile: Profile): void };
  /** The console's page, for people: who looks at it, controls it, or holds the profile against it. */
  readonly page: PageConsole;
}

/** The driver as configured, and the console's page; a browser starts when it is needed first. */
export function openDriver(
  config: PowerConfig,
  { pool, profile }: Files,
  parts: Pick<ConsoleOptions, "logger" | "events" | "now">,
): OpenDriver {
  const providerIds = pool.instances.map((instance) => instance.providerId);
  const { BROWSER, CONSOLE_USER: user, CONSOLE_PASSWORD: password } = config;
  const page = new PageConsole({
    ...parts,
    profile,
    providerIds,
    stateDir: config.STATE_DIR,
    sessionKey: config.SESSION_KEY,
    headless: config.HEADLESS,
    chromiumPath: config.CHROMIUM_PATH,
    sandbox: config.CHROMIUM_SANDBOX,
    authorities: config.CA_DIR,
    memoryLimitBytes: config.CHROMIUM_MEMORY_LIMIT_MIB,
    credentials: user === undefined || password === undefined ? undefined : { user, password },
  });
  const { PROVIDER_PUBLIC_KEY: publicKey, PROVIDER_PRIVATE_KEY: privateKey } = config;
  if (publicKey === undefined || privateKey === undefined || !isSigning(profile))
    return { driver: page, page };
  const driver = new SignedConsole({
    ...parts,
    profile,
    providerIds,
    keys: { publicKey, privateKey },
    browser: BROWSER === "never" ? undefined : page,
    always: BROWSER === "always",
  });
  return { driver, page };
}
