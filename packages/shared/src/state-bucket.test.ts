/** The bucket of state on a real NATS, deleted under those who use it. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startNats } from "../../../tests/harness/servers.ts";
import { openBus } from "./bus.ts";
import { createLogger } from "./logger.ts";
import { NatsHealth } from "./nats-health.ts";
import { isConflict } from "./state-bucket.ts";

async function open(t: TestContext) {
  const nats = await startNats();
  const log: string[] = [];
  const failures: string[] = [];
  const destination = { write: (line: string) => log.push(line) };
  const logger = createLogger({ service: "test", level: "info", secrets: [], destination });
  const bus = await openBus({ NATS_URL: nats.url, NATS_REPLICAS: 1 }, "test", {
    health: new NatsHealth(logger),
    bucket: "gpu_power",
    logger,
    signal: new AbortController().signal,
    onStateFailure: (what) => failures.push(what),
  });
  t.after(async () => {
    await bus.close();
    await nats.stop();
  });
  let remade = 0;
  bus.kv.onRemade(() => {
    remade += 1;
  });
  return {
    kv: bus.kv,
    ensureStreams: bus.ensureStreams,
    drop: async () => {
      await bus.manager.streams.delete("KV_gpu_power");
    },
    remade: () => remade,
    warnings: () => log.filter((line) => line.includes('"level":40')),
    log,
    failures,
  };
}

test("a bucket that is gone is made again by whatever touches it first, and everybody is told once", async (t) => {
  const { kv, drop, ensureStreams, remade, warnings, failures } = await open(t);
  const touches = {
    get: async () => assert.equal(await kv.get("a.p"), null),
    put: async () => assert.equal(await kv.put("a.p", "1"), 1),
    "a put on a revision": async () => {
      await assert.rejects(kv.put("a.p", "2", { previousSeq: 7 }), isConflict);
      assert.equal(await kv.put("a.p", "2", { previousSeq: 0 }), 1);
    },
    ensureStreams,
  };
  let times = 0;
  for (const [name, touch] of Object.entries(touches)) {
    await drop();
    await touch();
    times += 1;
    assert.deepEqual([remade(), warnings().length], [times, times], name);
  }
  assert.ok(kv.madeAgain);
  assert.equal(await kv.get("b.p"), null);
  assert.equal(remade(), times, "a key that is not there is not taken for a bucket that is not");
  assert.deepEqual(failures, []);
});

test("one that another process made again is found out by the next write or read", async (t) => {
  const { kv, drop, remade } = await open(t);
  const other = await kv.answeringWithin(1_500);
  await kv.put("x", "");
  const revision = await kv.put("a.p", "1");
  await drop();
  await other.put("a.p", "2");
  assert.equal(remade(), 1, "handles of one process know together");
  await assert.rejects(kv.put("a.p", "3", { previousSeq: revision }), isConflict);
  assert.equal((await kv.get("a.p"))?.string(), "2");
});

test("a write that fails is a warning once, and counted each time; a conflict is neither", async (t) => {
  const { kv, warnings, log, failures } = await open(t);
  const tooMuch = "x".repeat(2 * 1024 * 1024);
  for (let tries = 0; tries < 3; tries += 1) {
    await assert.rejects(kv.put("listener.p.ledger", tooMuch));
  }
  await assert.rejects(kv.put("lease.p", tooMuch));
  assert.deepEqual(failures, ["ledger", "ledger", "ledger", "lease"]);
  assert.equal(warnings().length, 2);
  assert.match(warnings()[0] ?? "", /"what":"ledger".*State cannot be kept in NATS/);
  await kv.put("listener.p.ledger", "x");
  assert.equal(log.filter((line) => line.includes("state is kept in NATS again")).length, 1);
  await assert.rejects(kv.put("listener.p.ledger", "y", { previousSeq: 99 }), isConflict);
  assert.equal(failures.length, 4);
});
