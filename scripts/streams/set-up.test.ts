/** Streams and buckets are made by `setup` alone: what the services do until it has, and what it does with what was there. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openBus } from "@gpu-power-manager/shared/bus";
import { BUCKETS, type BucketName, STREAMS, streamOfBucket } from "@gpu-power-manager/shared/events";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { NatsHealth } from "@gpu-power-manager/shared/nats-health";
import { allConfigs, differences } from "@gpu-power-manager/shared/streams";
import { type GuardedNats, startGuardedNats } from "../../tests/harness/guarded-nats.ts";
import { until } from "../../tests/harness/process.ts";
import { startNats } from "../../tests/harness/servers.ts";
import { connectAsSetup } from "./connection.ts";
import { setUp } from "./set-up.ts";

const BOUND = { bindOnly: true, allow_direct: false };

async function guarded(t: TestContext) {
  const nats = await startGuardedNats({ setUp: false });
  const { NATS_USER = "", NATS_PASSWORD = "" } = nats.loginOf("setup");
  const setup = await connectAsSetup({ NATS_URL: nats.url, NATS_USER, NATS_PASSWORD });
  t.after(async () => {
    await setup.connection.close();
    await nats.stop();
  });
  return { nats, setup };
}

/** A service's bus with its rights; it is opened as soon as it can be. */
function service(t: TestContext, nats: GuardedNats, user: "listener" | "power", NATS_REPLICAS = 1) {
  const bucket: BucketName = BUCKETS[user];
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  const logger = createLogger({ service: user, level: "info", secrets: [], destination });
  const ending = new AbortController();
  const { NATS_USER, NATS_PASSWORD } = nats.loginOf(user);
  const opening = openBus({ NATS_URL: nats.url, NATS_USER, NATS_PASSWORD, NATS_REPLICAS }, user, {
    health: new NatsHealth(logger),
    bucket,
    logger,
    signal: ending.signal,
  });
  t.after(async () => {
    ending.abort();
    await (await opening.catch(() => undefined))?.close();
  });
  return { opening, said: (words: RegExp) => lines.some((line) => words.test(line)) };
}

test("a service that finds no streams says which command makes them, and goes on when they are made", async (t) => {
  const { nats, setup } = await guarded(t);
  const services = (["listener", "power"] as const).map((user) => service(t, nats, user));
  for (const { said } of services)
    await until("it says so", () =>
      said(/GPU_JOBS is not there, and this user may not make it.*make setup-nats/),
    );
  assert.equal(await setUp(setup, 1), 0);
  for (const { opening } of services) await (await opening).kv.put("key", "value");
});

test("a bucket that somebody deletes is waited for by a service that may not make it, and written anew", async (t) => {
  const { nats, setup } = await guarded(t);
  await setUp(setup, 1);
  const { opening, said } = service(t, nats, "power");
  const { kv } = await opening;
  await kv.put("demand.p", "1");
  let remade = 0;
  kv.onRemade(() => {
    remade += 1;
  });
  const manager = await setup.connection.jetstreamManager();
  await manager.streams.delete(streamOfBucket(BUCKETS.power));
  await assert.rejects(kv.put("demand.p", "2"), /KV_gpu_power is not there.*make setup-nats/);
  assert.ok(
    said(/make setup-nats.*State cannot be kept in NATS|State cannot be kept in NATS.*make setup-nats/),
  );
  await assert.rejects(
    kv.get("demand.p"),
    /make setup-nats/,
    "a bucket that is gone is no key that is not there",
  );
  assert.equal(remade, 0);
  await setUp(setup, 1);
  await kv.ensure();
  assert.equal(remade, 1, "what is in memory is written anew");
  await kv.put("demand.p", "2");
});

test("what differs is told with the command that mends it, and used as it is", async (t) => {
  const { nats, setup } = await guarded(t);
  await setUp(setup, 1);
  const { opening, said } = service(t, nats, "power", 3);
  await (await opening).kv.put("demand.p", "1");
  assert.ok(said(/GPU_JOBS: num_replicas is 1, not 3: run `make setup-nats`/));
  assert.ok(said(/KV_gpu_power: num_replicas is 1, not 3: run `make setup-nats`/));
});

test("from one bucket to two: settings change, power's keys stay, the listener's move once, and the newer one stands", async (t) => {
  const { nats, setup } = await guarded(t);
  const manager = await setup.connection.jetstreamManager();
  const base = { num_replicas: 1, deny_delete: true, allow_rollup_hdrs: true, max_msgs_per_subject: 1 };
  // As the version before made it, and filled by what may write there today: power, and setup for the listener.
  await manager.streams.add({ ...base, name: "KV_gpu_power", subjects: ["$KV.gpu_power.>"] });
  await manager.streams.add({ name: STREAMS.jobs, subjects: ["gpu.jobs.>"] });
  await manager.streams.delete(STREAMS.jobs);
  const kv = async (bucket: BucketName) => await setup.connection.jetstream().views.kv(bucket, BOUND);
  const old = await kv(BUCKETS.power);
  for (const key of ["path", "ledger", "gone"]) await old.put(`listener.p.${key}`, `old ${key}`);
  await old.delete("listener.p.gone");

  assert.equal(await setUp(setup, 1), 2);
  const configs = await Promise.all(
    allConfigs(1).map(async (wanted) =>
      differences(wanted, (await manager.streams.info(wanted.name)).config),
    ),
  );
  assert.deepEqual(configs.flat(), []);
  const own = await kv(BUCKETS.listener);
  const text = async (key: string) => (await own.get(`listener.p.${key}`))?.string();
  assert.deepEqual(
    [await text("path"), await text("ledger"), await text("gone")],
    ["old path", "old ledger", undefined],
  );
  const revision = (await own.get("listener.p.path"))?.revision;
  assert.equal(await setUp(setup, 1), 0, "the second time there is nothing to do");
  assert.equal((await own.get("listener.p.path"))?.revision, revision);

  // A listener of the version before has written again, and one of this version after it.
  await old.put("listener.p.path", "older");
  await old.put("listener.p.ledger", "newer");
  await own.put("listener.p.path", "newest");
  assert.equal(await setUp(setup, 1), 2);
  assert.deepEqual([await text("path"), await text("ledger")], ["newest", "newer"]);

  const { kv: powers } = await service(t, nats, "power").opening;
  assert.equal((await powers.put("demand.p", "1", { previousSeq: 0 })) > 0, true);
});

test("without users the services make everything themselves, as setup would", async (t) => {
  const nats = await startNats();
  t.after(() => nats.stop());
  const logger = createLogger({ service: "test", level: "fatal", secrets: [] });
  for (const bucket of Object.values(BUCKETS)) {
    const bus = await openBus({ NATS_URL: nats.url, NATS_REPLICAS: 1 }, "test", {
      health: new NatsHealth(logger),
      bucket,
      logger,
      signal: new AbortController().signal,
    });
    t.after(() => bus.close());
    for (const wanted of allConfigs(1)) {
      const info = await bus.manager.streams.info(wanted.name).catch(() => undefined);
      if (info !== undefined) assert.deepEqual(differences(wanted, info.config), [], wanted.name);
      else
        assert.equal(wanted.name, streamOfBucket(BUCKETS.listener), "only the other service's is not there");
    }
  }
});
