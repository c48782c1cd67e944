import { type LoadedEnv, loadEnv } from "@gpu-power-manager/shared/env";
import { ConfigError } from "@gpu-power-manager/shared/errors";
import { type PowerConfig, PowerEnv } from "./environment.ts";
import { type Files, loadFiles } from "./files.ts";
import { laneProblems } from "./lane-problems.ts";

/** Everything that power is configured by: the environment, and the pool file and profile that it names. */
export type Configuration = LoadedEnv<PowerConfig> & { readonly files: Files };

/** @throws ConfigError that names the mistakes of the environment and of the files together. */
export function loadConfiguration(env: NodeJS.ProcessEnv): Configuration {
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
  const loaded = attempt(() => loadEnv(PowerEnv, env));
  const { POOL_FILE = "", PROFILES_DIR = "" } = env;
  const files = POOL_FILE === "" ? undefined : attempt(() => loadFiles({ POOL_FILE, PROFILES_DIR }));
  if (loaded !== undefined && files !== undefined)
    problems.push(...laneProblems(loaded.config, files.profile));
  if (loaded === undefined || files === undefined || problems.length > 0)
    throw new ConfigError("The configuration", problems);
  return { ...loaded, files };
}
