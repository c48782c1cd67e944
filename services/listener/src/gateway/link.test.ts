/** The link's connections, over real sockets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { type WebSocket, WebSocketServer } from "ws";
import { until } from "../../../../tests/harness/process.ts";
import { BurstLog } from "../telemetry/burst-log.ts";
import { Link } from "./link.ts";

const NOTICE = '{"type":"url","key":"K1"}';

/** A gateway that answers registrations and pings, and keeps its connections in the order of their coming. */
async function gateway(t: TestContext) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const connections: WebSocket[] = [];
  const heard: string[] = [];
  server.on("connection", (socket) => {
    connections.push(socket);
    socket.on("message", (data) => {
      const { type } = JSON.parse(String(data));
      heard.push(type);
      if (type === "register") socket.send('{"type":"registered","role":"gpu_monitor"}');
      if (type === "ping") socket.send('{"type":"pong"}');
    });
  });
  t.after(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return { url: `ws://127.0.0.1:${address.port}/dsp`, connections, heard };
}

function linkTo(
  t: TestContext,
  url: string,
  quick: { pongTimeoutMs?: number; registerAgainMs?: number } = {},
) {
  const logger = createLogger({ service: "test", level: "fatal", secrets: [] });
  const seen = { notices: 0, registrations: 0, confirmed: 0, lost: [] as string[] };
  const link = new Link({
    url,
    registration: { type: "register", role: "gpu_monitor" },
    config: {
      role: "gpu_monitor",
      registerAgainMs: 60_000,
      pingIntervalMs: 60_000,
      quietLimitMs: 60_000,
      pongTimeoutMs: 60_000,
      registerTimeoutMs: 5_000,
      backoffMinMs: 10,
      backoffMaxMs: 20,
      ...quick,
    },
    frameLimitBytes: 65_536,
    logger,
    frameLog: new BurstLog(logger),
    now: () => performance.now(),
    random: () => 0.5,
    onMeaning: ({ kind }) => {
      if (kind === "job") seen.notices += 1;
    },
    onFrame: () => {},
    onRejected: () => {},
    onRegistered: () => {
      seen.registrations += 1;
    },
    onConfirmed: () => {
      seen.confirmed += 1;
    },
    onLost: (reason) => seen.lost.push(reason),
  });
  t.after(() => link.stop());
  link.start();
  return { link, seen };
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  assert.ok(found !== undefined, `there is a number ${index}`);
  return found;
}

test("a connection that is replaced is read to its end, the new one registered beside it", async (t) => {
  const { url, connections } = await gateway(t);
  const { link, seen } = linkTo(t, url);
  await until("it is registered", () => link.registered);
  link.pause();
  const old = at(connections, 0);
  for (let sent = 0; sent < 20_000; sent += 1) old.send(NOTICE);
  link.replace();
  await until("the new one is registered while all is paused", () => seen.registrations === 2);
  assert.ok(seen.notices < 20_000, "the old one holds what was not read");
  const closed = once(old, "close");
  at(connections, 1).send(NOTICE);
  link.resume();
  const [code] = await closed;
  assert.equal(code, 1000, "and is taken leave of");
  await until("everything was heard", () => seen.notices === 20_001);
  assert.deepEqual(seen.lost, ["replaced"]);
  assert.ok(link.registered);
});

test("a gateway that was only slow loses no notice with the connection that was given up", async (t) => {
  const { url, connections } = await gateway(t);
  const { link, seen } = linkTo(t, url, { registerAgainMs: 50, pongTimeoutMs: 200 });
  await until("it is registered", () => link.registered);
  const slow = at(connections, 0);
  slow.pause();
  await until("another takes its place", () => seen.registrations === 2);
  assert.deepEqual(seen.lost, ["pong_timeout"]);
  // It has not taken our goodbye yet.
  slow.send(NOTICE);
  await until("what it still says is heard", () => seen.notices === 1);
  const closed = once(slow, "close");
  slow.resume();
  assert.equal((await closed)[0], 1000);
});

test("an answer makes the next question due, long before the time for the answer is over", async (t) => {
  const { url, heard } = await gateway(t);
  const { link, seen } = linkTo(t, url, { registerAgainMs: 30 });
  await until("it has asked ten times", () => heard.filter((type) => type === "register").length >= 10);
  await until("each was answered", () => seen.confirmed >= 10);
  assert.ok(link.registered);
  assert.deepEqual(seen.lost, []);
});

test("while it is paused, silence is no reason to give a connection up", async (t) => {
  const { url, heard } = await gateway(t);
  const { link, seen } = linkTo(t, url, { registerAgainMs: 20, pongTimeoutMs: 40 });
  await until("it is registered", () => link.registered);
  link.pause();
  const before = heard.length;
  await until("it has asked many times", () => heard.length > before + 10);
  assert.deepEqual(seen.lost, []);
  link.resume();
  await until("the answers were read", () => seen.confirmed > 10);
  assert.deepEqual([seen.lost, seen.registrations], [[], 1]);
});

test("what was sent before a pong was read before it, and a lost connection has no say", async (t) => {
  const { url, connections } = await gateway(t);
  const { link, seen } = linkTo(t, url);
  await until("it is registered", () => link.registered);
  for (let sent = 0; sent < 1_000; sent += 1) at(connections, 0).send(NOTICE);
  const read = await new Promise<number>((resolve) => link.onceRead(() => resolve(seen.notices)));
  assert.equal(read, 1_000);
  link.pause();
  let called = false;
  link.onceRead(() => {
    called = true;
  });
  link.replace();
  await until("the new one is registered", () => seen.registrations === 2);
  link.resume();
  await until("the old one is gone", () => at(connections, 0).readyState === 3);
  assert.equal(called, false);
});
