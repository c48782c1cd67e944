/** The whole way of a job: real NATS, Redis and Chromium, both stand-ins in this process, both services as processes. */
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { API_PATH } from "@gpu-power-manager/shared/api";
import { PowerStatus } from "@gpu-power-manager/shared/status";
import { parse, stringify } from "yaml";
import {
  type Console,
  type ConsoleOptions,
  DEFAULT_PASSWORD,
  DEFAULT_USERNAME,
  startConsole,
} from "../../sim/console/src/provider.ts";
import { type Gateway, startGateway } from "../../sim/dsp/src/gateway.ts";
import type { NatsCluster } from "./nats-cluster.ts";
import { freePort, Process, until } from "./process.ts";
import { type Server, startNats, startRedis } from "./servers.ts";

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

/** The same for the check of the gateway's backlog. */
export const QUICK_BACKLOG = { BACKLOG_INTERVAL: "500ms", BACKLOG_GRACE: "400ms" };

export interface StackOptions {
  /** How many of the stand-in's machines the pool holds. */
  readonly machines?: number;
  readonly console?: ConsoleOptions;
  readonly policy?: Readonly<Record<string, unknown>>;
  readonly lanes?: ReadonlyArray<"api" | "page">;
  /** Power knows user name and password and logs in by itself; default true. */
  readonly credentials?: boolean;
  readonly newerGateway?: boolean;
  /** The listener may read the gateway's Redis, at shortened intervals; default false. */
  readonly backlog?: boolean;
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

/** Every series carries it; a test of one pool need not name it. */
const POOL_LABEL = /\{pool="[^"]*"\}|,pool="[^"]*"|pool="[^"]*",/;

/** One of our services as a process on a port of its own. */
export class Service {
  readonly name: string;
  readonly url: string;
  private readonly env: Readonly<Record<string, string>>;
  private readonly onLine: ((line: string) => void) | undefined;
  private readonly wrap: readonly string[];
  private process: Process | undefined;
  /** Lines of all its lives. */
  readonly lines: string[] = [];

  constructor(
    name: string,
    port: number,
    env: Readonly<Record<string, string>>,
    onLine?: (line: string) => void,
    /** A command that starts the service, such as a shell that sets limits first. */
    wrap: readonly string[] = [],
  ) {
    this.name = name;
    this.url = `http://127.0.0.1:${port}`;
    this.env = { ...env, HTTP_PORT: String(port), HTTP_HOST: "127.0.0.1" };
    this.onLine = onLine;
    this.wrap = wrap;
  }

  get pid(): number {
    if (this.process === undefined) throw new Error(`${this.name} was not started`);
    return this.process.pid;
  }

  start(): void {
    const [command, ...args] = [
      ...this.wrap,
      process.execPath,
      join(ROOT, "services", this.name, "src/main.ts"),
    ];
    this.process = new Process(this.name, {
      command,
      args,
      env: { LOG_LEVEL: "debug", ...this.env },
      onLine: (line) => {
        this.lines.push(line);
        this.onLine?.(line);
      },
    });
  }

  /** Resolves with the exit code of its present life; null when a signal ended it. */
  async exited(): Promise<number | null> {
    return (await this.process?.exited) ?? null;
  }

  /** SIGTERM; resolves with the exit code. */
  async stop(): Promise<number | null> {
    return (await this.process?.stop()) ?? null;
  }

  async kill(): Promise<void> {
    await this.process?.kill();
  }

  signal(signal: NodeJS.Signals): void {
    this.process?.signal(signal);
  }

  async readiness(): Promise<{ ready: boolean; words: string }> {
    const response = await fetch(`${this.url}/readyz`);
    const body: unknown = await response.json();
    const words = typeof body === "object" && body !== null && "words" in body ? String(body.words) : "";
    return { ready: response.status === 200, words };
  }

  async ready(timeoutMs = 30_000): Promise<void> {
    await until(
      `${this.name} is ready`,
      async () => {
        if (this.process?.running !== true) throw new Error(`${this.name} ended:\n${this.process?.tail()}`);
        const { ready, words } = await this.readiness();
        if (!ready) throw new Error(words);
        return true;
      },
      timeoutMs,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.process?.tail()}`);
    });
  }

  /** The value of a metric, by name and labels as Prometheus writes them; undefined where there is none. */
  async metric(series: string): Promise<number | undefined> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const lines = text.split("\n").map((each) => each.replace(POOL_LABEL, ""));
    const line = lines.find((each) => each.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }
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
  accepted(verb: "start" | "stop", lane?: "api" | "page"): number;
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

/** A profile of the demo's console with this console's addresses. */
export async function profileFor(
  site: Pick<Console, "consoleUrl" | "apiUrl">,
  options: Pick<StackOptions, "lanes" | "credentials">,
) {
  const text = await readFile(join(ROOT, "profiles/demo.yaml"), "utf8");
  const profile = parse(
    text
      .replaceAll("http://127.0.0.1:18080", site.consoleUrl)
      .replaceAll("http://127.0.0.1:18081", site.apiUrl),
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

  await mkdir(join(dir, "profiles"));
  await writeFile(join(dir, "profiles/demo.yaml"), await profileFor(site, options));
  const poolFile = join(dir, "pool.yaml");
  await writeFile(
    poolFile,
    stringify({
      pool: "default",
      profile: "demo",
      instances: ids.map((providerId, index) => ({
        id: `gpu-${index + 1}`,
        providerId,
        priority: index + 1,
        pricePerHour: 1.88,
        currency: "CNY",
      })),
      policy: { ...QUICK_POLICY, ...options.policy },
    }),
  );
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
          PROFILES_DIR: join(dir, "profiles"),
          STATE_DIR: join(dir, index === 0 ? "power" : `power-${index + 1}`),
          SESSION_KEY: sessionKey,
          OPERATOR_TOKEN: tokens.operator,
          VIEWER_TOKEN: tokens.viewer,
          // Chromium refuses its sandbox to root.
          CHROMIUM_SANDBOX: process.getuid?.() === 0 ? "false" : "true",
          ...(options.credentials === false
            ? {}
            : { CONSOLE_USER: DEFAULT_USERNAME, CONSOLE_PASSWORD: DEFAULT_PASSWORD }),
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
