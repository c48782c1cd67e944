import { join } from "node:path";
import { loadProfile, type Profile } from "../console/profile.ts";
import { Pool } from "../pool/pool.ts";
import type { PowerConfig } from "./environment.ts";
import { loadYaml } from "./yaml-file.ts";

/** Where the profile of a pool is. */
export function profileFile(config: Pick<PowerConfig, "PROFILES_DIR">, pool: Pool): string {
  return join(config.PROFILES_DIR, `${pool.profile}.yaml`);
}

export interface Files {
  readonly pool: Pool;
  readonly profile: Profile;
}

/** Loads the pool and its profile. @throws ConfigError that names the mistakes. */
export function loadFiles(config: Pick<PowerConfig, "POOL_FILE" | "PROFILES_DIR">): Files {
  const pool = loadYaml(Pool, config.POOL_FILE);
  return { pool, profile: loadProfile(profileFile(config, pool)) };
}
