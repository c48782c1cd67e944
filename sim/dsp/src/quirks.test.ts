/** The gateway's quirks that the services have to survive, one by one. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { until } from "../../../tests/harness/process.ts";
import { type Server, startRedis } from "../../../tests/harness/servers.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { Peer } from "./peer.ts";

let redis: Server;
let gateway: Gateway;
before(async () => {
  redis = await startRedis();
});
after(async () => {
  await redis.stop();
});
beforeEach(async () => {
  gateway = await startGateway({ redisUrl: redis.url, newer: true });
  await gateway.flushRedis();
});
afterEach(async () => {
  await gateway.stop();
});

const monitor = () => Peer.registered(gateway.url, { role: "gpu_monitor" });
const notices = (peer: Peer, type: string) => peer.frames.filter((frame) => frame.type === type);

test("a crash leaves stale numbers behind, and another connection inherits a registration", async () => {
  await monitor();
  await gateway.crash();
  await gateway.accept();
  assert.deepEqual(await gateway.store.monitors(), [1]);
  const heir = await Peer.connect(gateway.url);
  await gateway.submit({ type: "url", key: "K1" });
  await heir.next((frame) => frame.type === "url");
});

test("a number that is nobody's is forgotten when something is sent to it", async () => {
  await gateway.store.registerMonitor(99);
  await gateway.submit({ type: "url", key: "K1" });
  await until("99 is forgotten", async () => !(await gateway.store.monitors()).includes(99));
});

test("a flushed Redis loses the registration while pings are still answered", async () => {
  const peer = await monitor();
  await gateway.flushRedis();
  await gateway.submit({ type: "url", key: "K1" });
  peer.send({ type: "ping" });
  await peer.next((frame) => frame.type === "pong");
  assert.equal(notices(peer, "url").length, 0);
});

test("registering again is harmless, is answered like the first time, and heals what a flush has lost", async () => {
  const peer = await monitor();
  const client = await gateway.client("K1");
  await gateway.flushRedis();
  peer.send({ type: "register", role: "gpu_monitor" });
  client.send({ type: "register", key: "K1", device_type: "pc" });
  await until(
    "both are answered",
    () => notices(peer, "registered").length === 2 && notices(client, "registered").length === 2,
  );
  assert.deepEqual(notices(peer, "registered"), Array(2).fill({ type: "registered", role: "gpu_monitor" }));
  const answer = { type: "registered", key: "K1", device_type: "pc" };
  assert.deepEqual(notices(client, "registered"), Array(2).fill(answer));
  await gateway.submit({ type: "url", key: "K2" });
  await peer.next((frame) => frame.type === "url");
  assert.equal(notices(peer, "url").length, 1);
  assert.equal((await gateway.store.monitors()).length, 1);
});

test("every frame of anybody delivers what waits for the timer", async () => {
  const peer = await monitor();
  const client = await gateway.client("K1");
  await gateway.submitOverHttp("K1", "t", "r");
  client.send({ type: "ping" });
  await client.next((frame) => frame.type === "pong");
  // Handled after the frame that was answered: of one connection one after the other.
  client.send({ type: "ping" });
  await until("the second is answered", () => notices(client, "pong").length === 2);
  assert.equal(notices(peer, "gpu.job.submit").length, 1);
});

test("a half-open connection answers nothing, a new one works", async () => {
  const dead = await monitor();
  gateway.halfOpen();
  dead.send({ type: "ping" });
  const fresh = await monitor();
  await gateway.submit({ type: "url", key: "K1" });
  await fresh.next((frame) => frame.type === "url");
  assert.equal(notices(dead, "pong").length + notices(dead, "url").length, 0);
  assert.equal(dead.closed, false);
  dead.terminate();
});

test("a muted type is queued and nobody is told", async () => {
  const peer = await monitor();
  gateway.mute("url");
  await gateway.submit({ type: "url", key: "K1" });
  await gateway.submit({ type: "chatglm_video", key: "K1" });
  await peer.next((frame) => frame.type === "chatglm_video");
  assert.equal(notices(peer, "url").length, 0);
  assert.equal(await gateway.store.pendingCount(), 2);
});

test("at most a hundred jobs are kept a license, at most fifty handed over at once", async () => {
  await gateway.burst(130, { type: "url", key: "K1" });
  await until("the queue is trimmed", async () => (await gateway.store.pendingCount()) === 100);
  const worker = await gateway.worker();
  await until("fifty are handed over", () => notices(worker, "url").length === 50);
  assert.equal(await gateway.store.pendingCount(), 50);
});

test("what waited goes to the first worker alone, each new job to every worker", async () => {
  await gateway.submit({ type: "url", key: "K1" });
  const first = await gateway.worker();
  await until("the first has it", () => notices(first, "url").length === 1);
  const second = await gateway.worker();
  await gateway.submit({ type: "url", key: "K1" });
  await until("both have the new one", () => notices(second, "url").length === 1);
  assert.equal(notices(first, "url").length, 2);
});

test("an HTTP controller's notification comes with a request id, by the timer, ten at a time", async () => {
  const peer = await monitor();
  for (let index = 0; index < 12; index += 1) await gateway.submitOverHttp("K1", `t${index}`, `r${index}`);
  await peer.next((frame) => frame.request_id === "r9");
  assert.equal(notices(peer, "gpu.job.submit").length, 10);
  await peer.next((frame) => frame.request_id === "r11");
});

test("a newer gateway answers whether tasks are active", async () => {
  const peer = await monitor();
  gateway.activeTasks = 2;
  peer.send({ type: "gpu.task.query", request_id: "q" });
  const answer = await peer.next((frame) => frame.type === "gpu.task.query.response");
  assert.deepEqual([answer.request_id, answer.active_count, answer.has_recent_active], ["q", 2, true]);
});

test("a burst notifies for every job, with and without Redis", async () => {
  const peer = await monitor();
  await gateway.burst(500, { type: "url", key: "K1" });
  await gateway.notifyOnly(500, { type: "chatglm_video", key: "K1" });
  await until(
    "a thousand notices",
    () => notices(peer, "url").length === 500 && notices(peer, "chatglm_video").length === 500,
  );
});
