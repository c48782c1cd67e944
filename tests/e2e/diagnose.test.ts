/** `gpuctl diagnose` against real services with real faults: the first ✗ is the cause. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { Pointed, ProfileCheck } from "@gpu-power-manager/shared/profile-doctor";
import { Redis } from "ioredis";
import { type WebSocket, WebSocketServer } from "ws";
import { z } from "zod";
import { mendAll } from "../../scripts/demo/faults.ts";
import { startPrometheus } from "../../scripts/demo/prometheus.ts";
import { connectAsSetup } from "../../scripts/streams/connection.ts";
import { serveControl } from "../../sim/dsp/src/control.ts";
import { startGuardedNats } from "../harness/guarded-nats.ts";
import { makePrivateCa } from "../harness/private-ca.ts";
import { freePort, Process, until } from "../harness/process.ts";
import { startRedis } from "../harness/servers.ts";
import { Service } from "../harness/service.ts";
import { QUICK_BACKLOG, type Stack, startStack } from "../harness/stack.ts";

const GPUCTL = new URL("../../packages/cli/src/gpuctl.ts", import.meta.url).pathname;
const PROBES = { PROBE_INTERVAL: "500ms", PROBE_TIMEOUT: "500ms" };
/** The design's own bound. */
const WITHIN_MS = 30_000;

const Results = z.object({
  results: z.array(
    z.object({ id: z.string(), status: z.string(), seen: z.string(), next: z.string().nullable() }),
  ),
});
type Result = z.infer<typeof Results>["results"][number];

/** What `diagnose` says of the stack's power, or of whom the environment names. */
async function diagnose(stack: Stack, env: Record<string, string> = {}): Promise<Result[]> {
  const began = Date.now();
  const child = new Process("gpuctl", {
    command: process.execPath,
    args: [GPUCTL, "--json", "diagnose"],
    env: {
      POWER_URL: stack.power.url,
      OPERATOR_TOKEN: stack.tokens.viewer,
      LANG: "C",
      ...env,
    },
  });
  const code = await child.exited;
  assert.ok(Date.now() - began < WITHIN_MS);
  const { results } = Results.parse(JSON.parse(child.lines.join("\n")));
  assert.equal(code, results.some(({ status }) => status === "fail") ? 1 : 0);
  return results;
}

/** What `gpuctl` prints for a viewer, and how it ends. */
async function gpuctl(stack: Stack, ...args: string[]) {
  const child = new Process("gpuctl", {
    command: process.execPath,
    args: [GPUCTL, ...args],
    env: { POWER_URL: stack.power.url, OPERATOR_TOKEN: stack.tokens.viewer, LANG: "C" },
  });
  return { code: await child.exited, text: child.lines.join("\n") };
}

const profileFile = (stack: Stack) => join(dirname(stack.poolFile), "profiles/demo.yaml");

/** Points at a row of the page that has other classes now, and writes what is proposed. */
async function mendProfile(stack: Stack): Promise<void> {
  const file = profileFile(stack);
  const { selectors } = ProfileCheck.parse(
    JSON.parse((await gpuctl(stack, "--json", "profile", "check")).text),
  );
  const [table] = selectors?.find(({ name }) => name === "page.ready")?.boxes ?? [];
  assert.ok(table !== undefined);
  // Below the line of titles.
  const at = [table.x + table.width / 2, table.y + 60].map((each) => String(Math.round(each)));
  const pointed = Pointed.parse(
    JSON.parse((await gpuctl(stack, "--json", "profile", "point", "page.row", ...at)).text),
  );
  const [best] = pointed.proposals;
  assert.equal(best?.selector, "tr.ux-next-table-row");
  const refused = await gpuctl(stack, "profile", "set", "page.row", best.selector, "--file", file);
  assert.equal(refused.code, 1, "nobody was asked");
  for (const [line, value] of [
    ["page.id", ".ux-next-table-cell-id"],
    ["page.row", best.selector],
  ] as const) {
    const set = await gpuctl(stack, "profile", "set", line, value, "--yes", "--file", file);
    assert.equal(set.code, 0, set.text);
    assert.match(set.text, new RegExp(`\\+ +${line.split(".")[1]}: ${value.replaceAll(".", "\\.")}`));
  }
}

/** Waits until the first ✗ is this one, and says so; `seen` is what it must have seen, `next` what it advises. */
async function firstFailureIs(
  stack: Stack,
  id: string,
  seen: RegExp,
  next: RegExp,
  env: Record<string, string> = {},
): Promise<void> {
  let last: Result | undefined;
  await until(
    `the first ✗ is ${id}`,
    async () => {
      last = (await diagnose(stack, env)).find(({ status }) => status === "fail");
      return last?.id === id && seen.test(last.seen);
    },
    60_000,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; it was ${JSON.stringify(last)}`);
  });
  assert.match(last?.next ?? "", next);
}

async function well(stack: Stack, env: Record<string, string> = {}): Promise<Result[]> {
  let results: Result[] = [];
  await until(
    "nothing fails",
    async () => {
      results = await diagnose(stack, env);
      return results.every(({ status }) => status !== "fail");
    },
    60_000,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${JSON.stringify(results.filter(({ status }) => status === "fail"))}`);
  });
  return results;
}

async function post(url: string, body: object): Promise<void> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(response.ok, `${url}: ${response.status}`);
}

async function withStack(t: TestContext, options: Parameters<typeof startStack>[0] = {}): Promise<Stack> {
  const stack = await startStack({ listenerEnv: PROBES, ...options });
  t.after(() => stack.stop());
  return stack;
}

test("console and gateway in trouble: the first ✗ names the cause, and all is well when it is mended", async (t) => {
  const stack = await withStack(t);
  const gateway = await serveControl(stack.dsp);
  t.after(() => gateway.stop());
  const controls = { console: stack.console.controlUrl, gateway: gateway.url };
  const turn = (knobs: object) => post(`${controls.console}/faults`, knobs);
  const [id = ""] = stack.ids;
  const all = await well(stack);
  assert.ok(all.some(({ id: check, status }) => check === "selectors" && status === "ok"));

  await turn({ api500: true });
  await firstFailureIs(stack, "console", /gpu-1: /, /provider's page/);
  await turn({ api500: false });
  await turn({ changedSelectors: ["row"] });
  await firstFailureIs(stack, "selectors", /page\.row \(.+\) finds 0/, /config\/profiles/);
  const check = await gpuctl(stack, "profile", "check");
  assert.equal(check.code, 1);
  assert.match(check.text, /missing +page\.row/);
  assert.match(check.text, /found +page\.ready/);
  assert.match(check.text, /found +api\.list\.state +State/);
  await mendProfile(stack);
  await well(stack);
  await turn({ changedSelectors: [] });
  const file = profileFile(stack);
  assert.match(await readFile(`${file}.before`, "utf8"), /row: tr\.uc-fe-table-row/, "the one before stays");
  for (const [line, value] of Object.entries({
    "page.id": ".uc-fe-table-cell-id",
    "page.row": "tr.uc-fe-table-row",
  }))
    assert.equal((await gpuctl(stack, "profile", "set", line, value, "--yes", "--file", file)).code, 0);
  await well(stack);
  await turn({ pageDisagrees: { [id]: "Running" } });
  await firstFailureIs(stack, "state", /gpu-1: /, /Nothing is stopped/);
  await turn({ pageDisagrees: {} });
  await turn({ loginByHandOnly: true });
  await stack.expireSession();
  await firstFailureIs(stack, "login", /login required/, /make login/);
  await mendAll(controls);
  await well(stack);

  await post(`${controls.gateway}/away`, { on: true });
  await firstFailureIs(stack, "gateway", /nothing answers.*ECONNREFUSED/, /DSP_URL/);
  await mendAll(controls);
  await well(stack);
  for (const type of ["gpu.status.query", "gpu.job.submit"])
    await post(`${controls.gateway}/mute`, { type, on: true });
  await firstFailureIs(stack, "path", /not heard/, /_notifyGpuMonitors/);
  await mendAll(controls);
  await well(stack);

  const pool = await readFile(stack.poolFile, "utf8");
  await writeFile(stack.poolFile, pool.replaceAll(id, "uhost-nobody"));
  await firstFailureIs(stack, "found", /gpu-1: /, /providerId/);
  await writeFile(stack.poolFile, `${pool}\ncolour: red\n`);
  await until("it is refused", async () =>
    (await diagnose(stack)).some((each) => each.id === "files" && each.status === "fail"),
  );
});

/** Another listener in place of the stack's own. */
async function replaceListener(t: TestContext, stack: Stack, env: Record<string, string>): Promise<void> {
  await stack.listener.stop();
  const listener = new Service("listener", await freePort(), {
    NATS_URL: stack.nats.url,
    DSP_URL: stack.dsp.url,
    ...PROBES,
    ...QUICK_BACKLOG,
    ...env,
  });
  listener.start();
  t.after(() => listener.kill());
}

async function listening(t: TestContext, server: HttpServer): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

test("a gateway that refuses the WebSocket is told apart from one that is away", async (t) => {
  const stack = await withStack(t);
  const proxy = createHttpServer().on("upgrade", (_request, socket) => {
    socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  });
  const port = await listening(t, proxy);
  await replaceListener(t, stack, { DSP_URL: `ws://127.0.0.1:${port}/dsp` });
  await firstFailureIs(stack, "gateway", /refuses the WebSocket.*403/, /path in DSP_URL/);
});

test("a gateway that registers us in another role is no registration", async (t) => {
  const stack = await withStack(t);
  const server = createHttpServer();
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket: WebSocket) => {
    socket.send('{"type":"connected","fd":1}');
    socket.on("message", () => socket.send('{"type":"registered","role":"worker"}'));
  });
  t.after(() => sockets.close());
  const port = await listening(t, server);
  await replaceListener(t, stack, { DSP_URL: `ws://127.0.0.1:${port}/dsp` });
  await firstFailureIs(stack, "registered", /does not confirm/, /gpu_monitor/);
});

test("an expired certificate of the gateway is named as such", async (t) => {
  const stack = await withStack(t);
  const ca = await makePrivateCa();
  const { key, certificate } = await ca.issue(0);
  const server = createHttpsServer({ key: await readFile(key), cert: await readFile(certificate) });
  const port = await listening(t, server);
  await replaceListener(t, stack, {
    DSP_URL: `wss://127.0.0.1:${port}/dsp`,
    CA_DIR: ca.dir,
  });
  await firstFailureIs(
    stack,
    "gateway",
    /certificate is not accepted.*expired/,
    /Renew the gateway's certificate/,
  );
});

test("a Redis that is away, and one whose user may too little, are told apart", async (t) => {
  const stack = await withStack(t);
  const redis = await startRedis();
  let running = true;
  t.after(async () => {
    if (running) await redis.stop();
  });
  const admin = new Redis(redis.url);
  await admin.call("ACL", "SETUSER", "watcher", "on", ">secret", "~dsp:*", "-@all", "+scan", "+time");
  await admin.rpush("dsp:pending_tasks:K1", '{"type":"url","url":"u","key":"K1"}');
  admin.disconnect();
  await replaceListener(t, stack, {
    DSP_REDIS_URL: redis.url.replace("redis://", "redis://watcher:secret@"),
  });
  await firstFailureIs(stack, "redis", /may not do all that is needed/, /ACL SETUSER/);
  running = false;
  await redis.stop();
  await firstFailureIs(stack, "redis", /ECONNREFUSED/, /dsp-redis-url/);
});

test("what is down is named first: listener, NATS, power, a Prometheus that does not scrape", async (t) => {
  const stack = await withStack(t);
  const nowhere = `http://127.0.0.1:${await freePort()}`;
  const targets = { listener: nowhere, power: stack.power.url };
  const prometheus = await startPrometheus(stack.dir, await freePort(), targets);
  t.after(() => prometheus.stop());
  const env = { PROMETHEUS_URL: prometheus.url };
  await firstFailureIs(stack, "scraped", /not listener/, /prometheus\.yml/, env);
  await firstFailureIs(stack, "prometheus", /fetch failed/, /make ps/, { PROMETHEUS_URL: nowhere });

  await stack.listener.kill();
  await firstFailureIs(stack, "listener", /silent for|none has been heard/, /POOL must be the same/);
  await stack.nats.stop();
  await firstFailureIs(stack, "nats", /does not answer/, /NATS_URL/);
  await stack.power.kill();
  const results = await diagnose(stack);
  assert.deepEqual(
    results.filter(({ status }) => status === "fail").map(({ id }) => id),
    ["power"],
    "what hangs on it is not asked",
  );
  assert.match(results.find(({ id }) => id === "nats")?.seen ?? "", /↑ power answers/);
});

test("NATS with its users: another power acts, a stream is gone, a password is wrong, a clock is off", async (t) => {
  const nats = await startGuardedNats();
  const skew = join(await mkdtemp(join(tmpdir(), "skew-")), "ms");
  await writeFile(skew, "0");
  const preload = `--import ${new URL("../harness/skew.mjs", import.meta.url).href}`;
  const stack = await withStack(t, {
    cluster: nats,
    powers: 2,
    powerEnv: { NODE_OPTIONS: preload, SKEW_FILE: skew },
  });
  t.after(() => nats.stop());
  const [, second] = stack.powers;
  assert.ok(second !== undefined);
  const { actingInstance } = await stack.status();
  assert.ok(actingInstance !== null);
  await well(stack);
  await firstFailureIs(stack, "pool", new RegExp(`^${actingInstance} acts`), /--url/, {
    POWER_URL: second.url,
  });

  const setup = await connectAsSetup({ NATS_URL: nats.url, ...nats.setupLogin });
  t.after(() => setup.connection.close());
  await (await setup.connection.jetstreamManager()).streams.delete("GPU_JOBS");
  await firstFailureIs(stack, "streams", /missing: .*GPU_JOBS/, /make setup-nats/);
  await nats.setUp();
  await well(stack);

  nats.admit(false);
  await nats.reload();
  await firstFailureIs(stack, "nats", /refuses the user/, /secrets\/nats-power/);
  nats.admit(true);
  await nats.reload();
  await well(stack);

  // The last one, because power's own clock never goes back.
  await writeFile(skew, "300000");
  await firstFailureIs(stack, "clock-power", /power's clock is (5 m|4 m 5\d s)/, /NTP/);
});
