/** The lease and what it fences, on a real NATS whose answers get lost. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { connect, type KV } from "nats";
import { z } from "zod";
import { until } from "../../../../tests/harness/process.ts";
import { startNats } from "../../../../tests/harness/servers.ts";
import { KvDocument } from "../state/kv-document.ts";
import { PoolLease } from "./lease.ts";
import { LEASE_MS, RENEW_MS } from "./lease-rules.ts";

const logger = createLogger({ service: "test", level: "fatal", secrets: [] });
const NEVER = new AbortController().signal;

async function bucket(t: TestContext): Promise<KV> {
  const nats = await startNats();
  const connection = await connect({ servers: nats.url });
  t.after(async () => {
    await connection.close();
    await nats.stop();
  });
  return await connection.jetstream().views.kv("gpu_power", { history: 1, allow_direct: false });
}

type Store = Pick<KV, "get" | "put">;

/** The bucket over a bad line. */
function badLine(real: KV) {
  let lose = false;
  let lost = 0;
  let held: Promise<void> = Promise.resolve();
  const put: KV["put"] = async (key, value, options) => {
    await held;
    const revision = await real.put(key, value, options);
    if (!lose) return revision;
    lose = false;
    lost += 1;
    throw new Error("TIMEOUT");
  };
  const kv: Store = { get: (key, options) => real.get(key, options), put };
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

const leaseOn = (kv: Store) => new PoolLease({ kv, pool: "p", logger, onRegained: () => undefined });

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
  const open = (store: Store, mayWrite: () => boolean) =>
    KvDocument.open({ kv: store, key: "d", schema, initial: () => ({ jobs: 0 }), mayWrite });
  let formerHolds = true;
  const former = await open(kv, () => formerHolds);
  await former.change(() => ({ jobs: 1 }));
  const letGo = hold();
  const late = former.change(({ jobs }) => ({ jobs: jobs + 1 }));
  late.catch(() => undefined);
  // It has asked whether it may write; before its write arrives, the lease passes to another.
  await new Promise((resolve) => setImmediate(resolve));
  formerHolds = false;
  const present = await open(real, () => true);
  assert.deepEqual(present.value, { jobs: 1 });
  letGo();
  await assert.rejects(late, /Nothing is written while the lease is not held/);
  const entry = await real.get("d");
  assert.deepEqual(entry?.json(), present.value, "NATS holds what the power that acts has in memory");
});
