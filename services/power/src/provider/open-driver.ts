import type { PowerConfig } from "../config/environment.ts";
import type { Files } from "../config/files.ts";
import type { Doctor } from "../console/doctor/doctor.ts";
import type { ConsoleDriver } from "../console/driver.ts";
import { type ConsoleOptions, PageConsole } from "../console/page-console.ts";
import type { Profile } from "../console/profile.ts";
import { SignedConsole } from "./signed-console.ts";
import { isSigning } from "./signed-lane.ts";

export interface OpenDriver {
  readonly driver: ConsoleDriver & { setProfile(profile: Profile): void };
  readonly doctor: Doctor;
}

/** The driver as configured, and who holds the profile against its console; a browser starts when it is needed first. */
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
  const { doctor } = page;
  if (publicKey === undefined || privateKey === undefined || !isSigning(profile))
    return { driver: page, doctor };
  const driver = new SignedConsole({
    ...parts,
    profile,
    providerIds,
    keys: { publicKey, privateKey },
    browser: BROWSER === "never" ? undefined : page,
    always: BROWSER === "always",
  });
  return { driver, doctor };
}
