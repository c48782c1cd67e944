/**
 * What both services cost while nothing happens: default settings, real NATS, Redis and Chromium, a console whose
 * page asks for its list every 10 s. Alone: `node tests/bench/rest.ts`; SECONDS and WARM_UP_SECONDS shorten it,
 * CHROMIUM_PATH chooses the browser, KEYS=true gives power the keys of the signed API, so that no browser runs.
 */
import { randomBytes } from "node:crypto";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { stringify } from "yaml";
import {
  DEFAULT_PASSWORD,
  DEFAULT_PRIVATE_KEY,
  DEFAULT_PUBLIC_KEY,
  DEFAULT_USERNAME,
  startConsole,
} from "../../sim/console/src/provider.ts";
import { startGateway } from "../../sim/dsp/src/gateway.ts";
import { profileFor } from "../harness/pool-files.ts";
import { freePort, Process } from "../harness/process.ts";
import { startNats, startRedis } from "../harness/servers.ts";
import { Service } from "../harness/service.ts";
import { type ProcessUse, treeUse, useBetween } from "./process-use.ts";

const START = new URL("../../services/start.sh", import.meta.url).pathname;
const HEADLESS_SHELL = "/usr/bin/chromium-headless-shell";
/** Start-up garbage is collected and code that runs once is forgotten in about this time. */
const WARM_UP_SECONDS = 40;
const SECONDS = 120;
/** How often the trees are looked at: a process that comes and goes in between is not counted. */
const SAMPLE_SECONDS = 5;

export interface RestOptions {
  readonly warmUpSeconds?: number;
  readonly seconds?: number;
  readonly chromiumPath?: string;
  /** Power has the keys of the signed API; default false. */
  readonly keys?: boolean;
}

export interface ServiceRest {
  /** Mean over the samples, bytes, of the service with everything that it started. */
  readonly pssBytes: number;
  readonly rssBytes: number;
  /** Share of one core. */
  readonly cpu: number;
  /** Mean PSS in bytes and share of a core, by kind of process. */
  readonly processes: Readonly<Record<string, ProcessUse>>;
}

export interface Rest {
  readonly listener: ServiceRest;
  readonly power: ServiceRest;
  readonly pssBytes: number;
  readonly cpu: number;
  readonly seconds: number;
  readonly chromiumPath: string;
}

/** Starts everything, waits, measures, ends everything. */
export async function measureRest(options: RestOptions = {}): Promise<Rest> {
  const { warmUpSeconds = WARM_UP_SECONDS, seconds = SECONDS, chromiumPath = HEADLESS_SHELL } = options;
  const dir = await mkdtemp(join(tmpdir(), "gpm-rest-"));
  const [nats, redis, site] = await Promise.all([startNats(), startRedis(), startConsole()]);
  const dsp = await startGateway({ redisUrl: redis.url, newer: false });
  await mkdir(join(dir, "profiles"));
  await writeFile(join(dir, "profiles/demo.yaml"), await profileFor(site, {}));
  const providerId = site.state().machines[0]?.UHostId;
  await writeFile(
    join(dir, "pool.yaml"),
    stringify({ pool: "default", profile: "demo", instances: [{ id: "gpu-1", providerId }] }),
  );
  // Copies that nobody else runs: memory that is shared with other processes would count in part only.
  const node = join(dir, "node");
  await copyFile(process.execPath, node);
  const common = { NATS_URL: nats.url, LOG_LEVEL: "info", NODE: node };
  const ofListener = { ...common, DSP_URL: dsp.url, STATE_DIR: join(dir, "listener") };
  const ofPower = {
    ...common,
    POOL_FILE: join(dir, "pool.yaml"),
    PROFILES_DIR: join(dir, "profiles"),
    STATE_DIR: join(dir, "power"),
    SESSION_KEY: randomBytes(32).toString("base64"),
    CHROMIUM_PATH: chromiumPath,
    // Chromium refuses its sandbox to root.
    CHROMIUM_SANDBOX: process.getuid?.() === 0 ? "false" : "true",
    CONSOLE_USER: DEFAULT_USERNAME,
    CONSOLE_PASSWORD: DEFAULT_PASSWORD,
    ...(options.keys === true
      ? { PROVIDER_PUBLIC_KEY: DEFAULT_PUBLIC_KEY, PROVIDER_PRIVATE_KEY: DEFAULT_PRIVATE_KEY }
      : {}),
  };
  const listener = new Service("listener", await freePort(), ofListener);
  const power = new Service("power", await freePort(), ofPower);
  try {
    // An image brings its compiled code along; here whoever was here before may have left none.
    for (const [name, env] of [
      ["listener", ofListener],
      ["power", ofPower],
    ] as const) {
      const checked = new Process(name, { command: START, args: [name, "--check"], env });
      if ((await checked.exited) !== 0) throw new Error(checked.tail());
    }
    listener.start();
    power.start();
    await Promise.all([listener.ready(), power.ready()]);
    await pause(warmUpSeconds * 1_000);
    const samples = { listener: [await treeUse(listener.pid)], power: [await treeUse(power.pid)] };
    const startedAt = performance.now();
    while (performance.now() - startedAt < seconds * 1_000) {
      await pause(SAMPLE_SECONDS * 1_000);
      samples.listener.push(await treeUse(listener.pid));
      samples.power.push(await treeUse(power.pid));
    }
    const measuredSeconds = (performance.now() - startedAt) / 1_000;
    const use = {
      listener: useBetween(samples.listener, measuredSeconds),
      power: useBetween(samples.power, measuredSeconds),
    };
    return {
      ...use,
      pssBytes: use.listener.pssBytes + use.power.pssBytes,
      cpu: use.listener.cpu + use.power.cpu,
      seconds: measuredSeconds,
      chromiumPath,
    };
  } finally {
    await Promise.all([listener.stop(), power.stop()]);
    await dsp.stop();
    await site.close();
    await Promise.all([nats.stop(), redis.stop()]);
    await rm(dir, { recursive: true, force: true });
  }
}

const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
const percent = (share: number) => `${(share * 100).toFixed(2)} %`;

/** One line for people. */
export function restInWords({ listener, power, pssBytes, cpu, seconds }: Rest): string {
  const parts = Object.entries(power.processes).map(
    ([kind, use]) => `${kind} ${mb(use.pssBytes)} ${percent(use.cpu)}`,
  );
  return (
    `at rest over ${seconds.toFixed(0)} s: ${mb(pssBytes)} PSS and ${percent(cpu)} of a core together; ` +
    `listener ${mb(listener.rssBytes)} RSS, ${mb(listener.pssBytes)} PSS, ${percent(listener.cpu)}; ` +
    `power ${mb(power.pssBytes)} PSS, ${percent(power.cpu)} (${parts.join(", ")})`
  );
}

if (import.meta.main) {
  const { SECONDS, WARM_UP_SECONDS: WARM_UP, CHROMIUM_PATH, KEYS } = process.env;
  const rest = await measureRest({
    keys: KEYS === "true",
    ...(SECONDS === undefined ? {} : { seconds: Number(SECONDS) }),
    ...(WARM_UP === undefined ? {} : { warmUpSeconds: Number(WARM_UP) }),
    ...(CHROMIUM_PATH === undefined ? {} : { chromiumPath: CHROMIUM_PATH }),
  });
  console.error(restInWords(rest));
  console.log(JSON.stringify({ bench: "rest", ...rest }));
}
