/** The whole way of a job: real NATS, Redis and Chromium, both stand-ins in this process, both services as processes. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { API_PATH } from "@gpu-power-manager/shared/api";
import { PowerStatus } from "@gpu-power-manager/shared/status";
import {
  type Console,
  type ConsoleOptions,
  DEFAULT_PASSWORD,
  DEFAULT_PRIVATE_KEY,
  DEFAULT_PUBLIC_KEY,
  DEFAULT_USERNAME,
  startConsole,
} from "../../sim/console/src/provider.ts";
import { type Gateway, startGateway } from "../../sim/dsp/src/gateway.ts";
import type { NatsCluster } from "./nats-cluster.ts";
import { type PoolFileOptions, writePoolFiles } from "./pool-files.ts";
import { freePort } from "./process.ts";
import { type Server, startNats, startRedis } from "./servers.ts";
import { Service } from "./service.ts";

/** Quick, so that a whole story takes seconds: the check of the gateway's backlog. */
export const QUICK_BACKLOG = { BACKLOG_INTERVAL: "500ms", BACKLOG_GRACE: "400ms" };

export interface StackOptions extends PoolFileOptions {
  /** How many of the stand-in's machines the pool holds. */
  readonly machines?: number;
  readonly console?: ConsoleOptions;
  readonly newerGateway?: boolean;
  /** The listener may read the gateway's Redis, at shortened intervals; default false. */
  readonly backlog?: boolean;
  /** Power has the keys of the provider's signed API; default false. */
  readonly keys?: boolean;
  /** How many powers run, and how many listeners; default one of each. */
  readonly powers?: number;
  readonly listeners?: number;
  /** NATS that runs already, instead of a server of this stack; whoever started it ends it. */
  readonly cluster?: Pick<NatsCluster, "urls" | "loginOf"> & { readonly nodes: readonly Server[] };
  readonly listenerEnv?: Readonly<Record<string, string>>;
  readonly powerEnv?: Readonly<Record<string, string>>;
  readonly ports?: Partial<
    Record<"nats" | "redis" | "dsp" | "console" | "api" | "control" | "listener" | "power", number>
  >;
  /** Called with each log line of a service. */
  readonly onLine?: (service: string, line: string) => void;
}

export interface Stack {
  readonly dir: string;
  readonly nats: Server;
  readonly redis: Server;
  readonly dsp: Gateway;
  readonly console: Console;
  /** The first of them. */
  readonly listener: Service;
  readonly power: Service;
  readonly listeners: readonly Service[];
  readonly powers: readonly Service[];
  readonly poolFile: string;
  /** Provider ids of the pool's machines, by priority. */
  readonly ids: readonly string[];
  readonly tokens: { readonly operator: string; readonly viewer: string };
  /** Asks the operator's API, as operator unless another token is given. @param path below `/api/v1`. */
  api(
    path: string,
    asked?: { of?: Service; token?: string; method?: string; body?: unknown },
  ): Promise<Response>;
  /** What a power says, the first one when none is named. */
  status(power?: Service): Promise<PowerStatus>;
  /** The stand-in's state of a machine. */
  state(index?: number): string;
  /** Starts or stops that the stand-in took, by lane. */
  accepted(verb: "start" | "stop", lane?: "signed" | "api" | "page"): number;
  setState(index: number, state: string, transition: boolean): Promise<void>;
  expireSession(): Promise<void>;
  loginByHand(): Promise<void>;
  stop(): Promise<void>;
}

async function post(url: string, body: unknown = {}): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${await response.text()}`);
}

/** Starts everything; resolves when both services are ready. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const dir = await mkdtemp(join(tmpdir(), "gpm-stack-"));
  const ports = options.ports ?? {};
  const [nats, redis, site] = await Promise.all([
    options.cluster?.nodes[0] ?? startNats(ports.nats),
    startRedis(ports.redis),
    startConsole({
      bootMs: 700,
      stopMs: 500,
      ...(ports.console === undefined ? {} : { consolePort: ports.console }),
      ...(ports.api === undefined ? {} : { apiPort: ports.api }),
      ...(ports.control === undefined ? {} : { controlPort: ports.control }),
      ...options.console,
    }),
  ]);
  const dsp = await startGateway({
    redisUrl: redis.url,
    newer: options.newerGateway ?? false,
    ...(ports.dsp === undefined ? {} : { port: ports.dsp }),
  });
  const ids = site
    .state()
    .machines.slice(0, options.machines ?? 1)
    .map((machine) => machine.UHostId);

  const { poolFile, profilesDir } = await writePoolFiles(dir, site, ids, options);
  const natsOf = (service: "listener" | "power", index: number): Record<string, string> =>
    options.cluster === undefined
      ? { NATS_URL: nats.url }
      : { NATS_URL: options.cluster.urls(index), ...options.cluster.loginOf(service) };
  const sessionKey = randomBytes(32).toString("base64");
  const tokens = { operator: randomBytes(32).toString("hex"), viewer: randomBytes(32).toString("hex") };
  const several = async (count: number | undefined, make: (index: number) => Promise<Service>) =>
    await Promise.all(Array.from({ length: count ?? 1 }, (_, index) => make(index)));
  const listeners = await several(
    options.listeners,
    async (index) =>
      new Service(
        "listener",
        (index === 0 ? ports.listener : undefined) ?? (await freePort()),
        {
          DSP_URL: dsp.url,
          ...natsOf("listener", index),
          STATE_DIR: dir,
          ...(options.backlog ? { DSP_REDIS_URL: redis.url, ...QUICK_BACKLOG } : {}),
          ...options.listenerEnv,
        },
        (line) => options.onLine?.("listener", line),
      ),
  );
  const powers = await several(
    options.powers,
    async (index) =>
      new Service(
        "power",
        (index === 0 ? ports.power : undefined) ?? (await freePort()),
        {
          ...natsOf("power", index),
          POOL_FILE: poolFile,
          PROFILES_DIR: profilesDir,
          STATE_DIR: join(dir, index === 0 ? "power" : `power-${index + 1}`),
          SESSION_KEY: sessionKey,
          OPERATOR_TOKEN: tokens.operator,
          VIEWER_TOKEN: tokens.viewer,
          // Chromium refuses its sandbox to root.
          CHROMIUM_SANDBOX: process.getuid?.() === 0 ? "false" : "true",
          ...(options.credentials === false
            ? {}
            : { CONSOLE_USER: DEFAULT_USERNAME, CONSOLE_PASSWORD: DEFAULT_PASSWORD }),
          ...(options.keys
            ? { PROVIDER_PUBLIC_KEY: DEFAULT_PUBLIC_KEY, PROVIDER_PRIVATE_KEY: DEFAULT_PRIVATE_KEY }
            : {}),
          ...options.powerEnv,
        },
        (line) => options.onLine?.("power", line),
      ),
  );
  const [listener, power] = [listeners[0], powers[0]];
  if (listener === undefined || power === undefined) throw new Error("there is one of each at least");
  const stack: Stack = {
    dir,
    nats,
    redis,
    dsp,
    console: site,
    listener,
    power,
    listeners,
    powers,
    poolFile,
    ids,
    tokens,
    api: async (path, { of = power, token = tokens.operator, method = "GET", body } = {}) =>
      await fetch(`${of.url}${API_PATH}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    status: async (of = power) => PowerStatus.parse(await (await stack.api("/status", { of })).json()),
    state: (index = 0) =>
      site.state().machines.find((machine) => machine.UHostId === ids[index])?.State ?? "gone",
    accepted: (verb, lane) =>
      site
        .state()
        .actions.filter(
          (action) =>
            action.verb === verb &&
            action.outcome === "accepted" &&
            (lane === undefined || action.lane === lane),
        ).length,
    setState: (index, state, transition) =>
      post(`${site.controlUrl}/machines/${ids[index]}/state`, { state, transition }),
    expireSession: () => post(`${site.controlUrl}/expire-session`),
    loginByHand: () => post(`${site.controlUrl}/login-by-hand`),
    stop: async () => {
      await Promise.all([...listeners, ...powers].map((service) => service.stop()));
      await dsp.stop();
      await site.close();
      await Promise.all([options.cluster === undefined ? nats.stop() : undefined, redis.stop()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
  // The first power first, so that it is the one that acts.
  const [, ...standbys] = powers;
  for (const service of [...listeners, power]) service.start();
  try {
    for (const each of listeners) await each.ready();
    if (options.credentials !== false) await power.ready();
    for (const standby of standbys) standby.start();
    for (const standby of standbys) await standby.ready();
  } catch (error) {
    await stack.stop();
    throw error;
  }
  return stack;
}
