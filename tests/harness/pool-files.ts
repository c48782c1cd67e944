/** What power is configured with in a test: the demo's profile with other addresses, and a pool of the stand-in's machines. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Lane } from "@gpu-power-manager/shared/events";
import { parse, stringify } from "yaml";
import type { Console, ConsoleOptions } from "../../sim/console/src/provider.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Quick, so that a whole story takes seconds; every duration is a setting of the pool file. */
export const QUICK_POLICY = {
  idleTimeout: "3s",
  startTimeout: "12s",
  stopTimeout: "8s",
  observe: { off: "1s", on: "500ms", changing: "100ms", compare: "20s" },
  minRunTime: "500ms",
  startBackoff: "1s",
  quarantine: "5s",
};

export interface PoolFileOptions {
  /** Whose console the stand-in plays; default `compshare`. */
  readonly skin?: Skin;
  readonly policy?: Readonly<Record<string, unknown>>;
  readonly lanes?: readonly Lane[];
  /** Power knows user name and password and logs in by itself; default true. */
  readonly credentials?: boolean;
  readonly hooks?: readonly unknown[];
}

type Skin = NonNullable<ConsoleOptions["skin"]>;

/** The file whose profile fits a skin, and the addresses in it that are not the stand-in's. */
const PROFILES: Readonly<Record<Skin, { file: string; console: string; api: string }>> = {
  compshare: { file: "demo", console: "http://127.0.0.1:18080", api: "http://127.0.0.1:18081" },
  autodl: { file: "autodl", console: "https://www.autodl.com", api: "https://www.autodl.com" },
};

/** The profile of a skin with this console's addresses. */
export async function profileFor(
  site: Pick<Console, "consoleUrl" | "apiUrl">,
  options: Pick<PoolFileOptions, "lanes" | "credentials" | "skin">,
) {
  const known = PROFILES[options.skin ?? "compshare"];
  const text = await readFile(join(ROOT, `profiles/${known.file}.yaml`), "utf8");
  const profile = parse(
    text.replaceAll(known.console, site.consoleUrl).replaceAll(known.api, new URL(site.apiUrl).origin),
  );
  if (options.credentials !== false) {
    profile.login.fields = {
      user: "input[name=username]",
      password: "input[name=password]",
      submit: "button[type=submit]",
    };
  }
  if (options.lanes !== undefined) profile.lanes = options.lanes;
  profile.timeouts = { load: "8s", step: "4s", api: "3s" };
  return stringify(profile);
}

/** Writes both files below `dir`. @param ids provider ids of the machines, by priority. */
export async function writePoolFiles(
  dir: string,
  site: Pick<Console, "consoleUrl" | "apiUrl">,
  ids: readonly string[],
  options: PoolFileOptions,
) {
  const profilesDir = join(dir, "profiles");
  await mkdir(profilesDir);
  await writeFile(join(profilesDir, "demo.yaml"), await profileFor(site, options));
  const poolFile = join(dir, "pool.yaml");
  const instances = ids.map((providerId, index) => ({
    id: `gpu-${index + 1}`,
    providerId,
    priority: index + 1,
    pricePerHour: 1.88,
    currency: "CNY",
  }));
  const policy = { ...QUICK_POLICY, ...options.policy };
  await writeFile(
    poolFile,
    stringify({ pool: "default", profile: "demo", instances, policy, hooks: options.hooks ?? [] }),
  );
  return { poolFile, profilesDir };
}
