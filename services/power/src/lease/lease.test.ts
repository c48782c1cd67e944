/** The lease and what it fences, on a real NATS whose answers get lost. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Bus } from "@gpu-power-manager/shared/bus";
import { createLogger } from "@gpu-power-manager/shared/logger";
import type { StateStore } from "@gpu-power-manager/shared/state-bucket";
import { z } from "zod";
import { busOn } from "../../../../tests/harness/bus.ts";
import { until } from "../../../../tests/harness/process.ts";
import { startNats } from "../../../../tests/harness/servers.ts";
import { KvDocument } from "../state/kv-document.ts";
import { PoolLease } from "./lease.ts";
import { LEASE_MS, RENEW_MS } from "./lease-rules.ts";

const logger = createLogger({ service: "test", level: "fatal", secrets: [] });
const NEVER = new AbortController().signal;

/** A bucket, and how it is deleted under those who use it. */
async function open(t: TestContext) {
  const nats = await startNats();
  const opened: Bus[] = [];
  t.after(async () => {
    for (const bus of opened) await bus.close();
    await nats.stop();
  });
  /** The bucket as a process of its own sees it. */
  const asAnother = async () => {
    const bus = await busOn(nats);
    opened.push(bus);
    return bus;
  };
  const { kv, manager } = await asAnother();
  return { kv, asAnother, drop: () => manager.streams.delete("KV_gpu_power") };
}

const bucket = async (t: TestContext) => (await open(t)).kv;

/** The bucket over a bad line. */
function badLine(real: StateStore) {
  let lose = false;
  let lost = 0;
  let held: Promise<void> = Promise.resolve();
  const put: StateStore["put"] = async (key, value, options) => {
    await held;
    const revision = await real.put(key, value, options);
    if (!lose) return revision;
    lose = false;
    lost += 1;
    throw new Error("TIMEOUT");
  };
  const kv: StateStore = {
    get: (key) => real.get(key),
    put,
    ensure: () => real.ensure(),
    onRemade: (listener) => real.onRemade(listener),
    madeAgain: real.madeAgain,
    defaced: (key) => real.defaced(key),
    lost: (key) => real.lost(key),
  };
  return {
    kv,
    /** The next write is done, and its answer gets lost. */
    loseNext: () => {
      lose = true;
    },
    lost: () => lost,
    /** Writes do not arrive until this is called. */
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
  };
}

const leaseOn = (kv: StateStore) => new PoolLease({ kv, pool: "p", logger, onRegained: () => undefined });

test("a lease that is free is taken at once, also when the answer to that gets lost", async (t) => {
  const { kv, loseNext, lost } = badLine(await bucket(t));
  loseNext();
  const lease = leaseOn(kv);
  const began = performance.now();
  await lease.acquire(NEVER);
  assert.equal(lost(), 1);
  assert.ok(lease.held);
  assert.ok(performance.now() - began < LEASE_MS / 2, "it does not wait for itself to fall silent");
});

test("a renewal whose answer gets lost is no other power's: the holder goes on", async (t) => {
  const real = await bucket(t);
  const { kv, loseNext, lost } = badLine(real);
  const lease = leaseOn(kv);
  await lease.acquire(NEVER);
  const before = (await real.get("lease.p"))?.revision ?? 0;
  loseNext();
  const kept = lease.keep();
  kept.catch(() => undefined);
  await until("a later renewal is answered", async () => {
    const revision = (await real.get("lease.p"))?.revision ?? 0;
    return lost() === 1 && revision >= before + 2;
  });
  assert.ok(lease.held);
  await lease.release();
  await kept;
  assert.ok(!lease.held);

  const next = leaseOn(real);
  const began = performance.now();
  await next.acquire(NEVER);
  assert.ok(performance.now() - began < RENEW_MS, "what was given back is free at once");
});

test("a holder in whose place another has written ends, and never acts again", async (t) => {
  const real = await bucket(t);
  const lease = leaseOn(real);
  await lease.acquire(NEVER);
  await real.put("lease.p", JSON.stringify({ holder: { id: "x", name: "another", since: "" } }));
  await assert.rejects(lease.keep(), /Another power has taken over/);
  assert.ok(!lease.held);
});

test("a write that the former holder left on its way is refused, and not tried again", async (t) => {
  const real = await bucket(t);
  const { kv, hold } = badLine(real);
  const schema = z.object({ jobs: z.number() });
  const openOn = (store: StateStore, mayWrite: () => boolean) =>
    KvDocument.open({ kv: store, key: "d", schema, initial: () => ({ jobs: 0 }), mayWrite });
  let formerHolds = true;
  const former = await openOn(kv, () => formerHolds);
  await former.change(() => ({ jobs: 1 }));
  const letGo = hold();
  const late = former.change(({ jobs }) => ({ jobs: jobs + 1 }));
  late.catch(() => undefined);
  // It has asked whether it may write; before its write arrives, the lease passes to another.
  await new Promise((resolve) => setImmediate(resolve));
  formerHolds = false;
  const present = await openOn(real, () => true);
  assert.deepEqual(present.value, { jobs: 1 });
  letGo();
  await assert.rejects(late, /Nothing is written while the lease is not held/);
  const entry = await real.get("d");
  assert.deepEqual(entry?.json(), present.value, "NATS holds what the power that acts has in memory");
});

test("rubbish over the state of a power that acts: what it knows is written over it; whoever opens it does not guess", async (t) => {
  const kv = await bucket(t);
  const schema = z.object({ jobs: z.number() });
  let holds = true;
  const openAs = (mayWrite: () => boolean) =>
    KvDocument.open({ kv, key: "d", schema, initial: () => ({ jobs: 0 }), mayWrite });
  const document = await openAs(() => holds);
  await document.change(() => ({ jobs: 7 }));
  for (const rubbish of ['{"type":"io.nats.jetstream.api.v1.stream_info_response"}', "+OK", ""]) {
    await kv.put("d", rubbish);
    await assert.rejects(
      openAs(() => true),
      /cannot be read/,
    );
    await document.change(({ jobs }) => ({ jobs: jobs + 1 }));
    assert.deepEqual((await kv.get("d"))?.json(), document.value);
  }
  assert.equal(document.value.jobs, 10, "nothing is lost by it");
  // Without the lease it may be another power's, of a version that is not known here.
  await kv.put("d", '{"tasks":1}');
  holds = false;
  await assert.rejects(
    document.change(() => ({ jobs: 0 })),
    /while the lease is not held/,
  );
  assert.deepEqual((await kv.get("d"))?.json(), { tasks: 1 });
});

test("what only counts or learns begins anew where it cannot be read, and not without the lease", async (t) => {
  const kv = await bucket(t);
  await kv.put("books", "+OK");
  const openAs = (mayWrite: boolean) =>
    KvDocument.open({
      kv,
      key: "books",
      schema: z.object({ days: z.number() }),
      initial: () => ({ days: 0 }),
      mayWrite: () => mayWrite,
      expendable: true,
    });
  await assert.rejects(openAs(false), /cannot be read/);
  const document = await openAs(true);
  assert.deepEqual((await kv.get("books"))?.json(), { days: 0 });
  await document.change(() => ({ days: 1 }));
  assert.deepEqual((await openAs(true)).value, { days: 1 });
});

test("the bucket is deleted: the holder goes on and writes anew, and whoever comes meanwhile waits for it", async (t) => {
  const { kv, asAnother, drop } = await open(t);
  const lease = leaseOn(kv);
  await lease.acquire(NEVER);
  const kept = lease.keep();
  kept.catch(() => undefined);
  const document = await KvDocument.open({
    kv,
    key: "d",
    schema: z.object({ jobs: z.number() }),
    initial: () => ({ jobs: 0 }),
    mayWrite: () => lease.held,
  });
  await document.change(() => ({ jobs: 7 }));
  await drop();
  // Another process makes it again, before the holder finds out.
  const other = await asAnother();
  assert.equal(await other.kv.get("lease.p"), null);
  await until("the holder has written anew", async () => (await other.kv.get("lease.p")) !== null);
  await until("what it keeps is there again", async () => (await other.kv.get("d")) !== null);
  assert.ok(lease.held);
  assert.deepEqual((await other.kv.get("d"))?.json(), { jobs: 7 });
  await document.change(({ jobs }) => ({ jobs: jobs + 1 }));
  assert.deepEqual((await other.kv.get("d"))?.json(), { jobs: 8 });
  await lease.release();
  await kept;
});

test("in a bucket that is not the first, a key that is not there does not say that nobody holds the lease", async (t) => {
  const { kv } = await open(t);
  const waiting = leaseOn({
    get: (key) => kv.get(key),
    put: (key, text, options) => kv.put(key, text, options),
    ensure: () => kv.ensure(),
    onRemade: () => {},
    madeAgain: true,
    defaced: (key) => kv.defaced(key),
    lost: (key) => kv.lost(key),
  });
  const began = performance.now();
  await waiting.acquire(NEVER);
  assert.ok(performance.now() - began > LEASE_MS, "it waited for whoever may have held it");
});
