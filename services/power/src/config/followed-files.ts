/** The pool file and the profile as they are now: changed ones are taken up while power runs. */
import { ConfigError } from "@gpu-power-manager/shared/errors";
import type { Logger } from "@gpu-power-manager/shared/logger";
import { loadProfile, type Profile } from "../console/profile.ts";
import { Pool } from "../pool/pool.ts";
import type { PowerConfig } from "./environment.ts";
import { type Files, profileFile } from "./files.ts";
import { watchConfigFile } from "./watched-file.ts";
import { loadYaml } from "./yaml-file.ts";

export interface FollowOptions {
  readonly onPool: (pool: Pool) => void;
  readonly onProfile: (profile: Profile) => void;
  /** A changed file was taken up, or refused. */
  readonly onResult: (file: "pool" | "profile", ok: boolean) => void;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

export class FollowedFiles {
  private readonly config: Pick<PowerConfig, "POOL_FILE" | "PROFILES_DIR">;
  private files: Files;
  private options: FollowOptions | undefined;

  constructor(config: Pick<PowerConfig, "POOL_FILE" | "PROFILES_DIR">, files: Files) {
    this.config = config;
    this.files = files;
  }

  get pool(): Pool {
    return this.files.pool;
  }

  get profile(): Profile {
    return this.files.profile;
  }

  /** Takes changes up until the signal. */
  follow(options: FollowOptions): void {
    const { config } = this;
    const { onResult, logger, signal } = options;
    this.options = options;
    watchConfigFile({
      file: config.POOL_FILE,
      load: (file) => loadYaml(Pool, file),
      onChange: (pool) => this.take(pool),
      onResult: (ok) => onResult("pool", ok),
      logger,
      signal,
    });
    watchConfigFile({
      file: profileFile(config, this.pool),
      load: loadProfile,
      onChange: (profile) => {
        this.files = { pool: this.pool, profile };
        options.onProfile(profile);
      },
      onResult: (ok) => onResult("profile", ok),
      logger,
      signal,
    });
  }

  /** Reads both files now. @throws ConfigError with their mistakes; then what was in use stays in use. */
  reload(): void {
    const { options } = this;
    if (options === undefined) return;
    try {
      this.take(loadYaml(Pool, this.config.POOL_FILE));
      options.onResult("pool", true);
      options.onResult("profile", true);
    } catch (error) {
      options.onResult("pool", false);
      throw error;
    }
  }

  private take(pool: Pool): void {
    const { config, options } = this;
    if (pool.pool !== this.pool.pool) {
      const problem = "pool: its name cannot change while power runs; restart it";
      throw new ConfigError(config.POOL_FILE, [problem]);
    }
    // Both are read before either is taken up: a pool that names a broken profile changes nothing.
    const profile = loadProfile(profileFile(config, pool));
    this.files = { pool, profile };
    options?.onProfile(profile);
    options?.onPool(pool);
  }
}
