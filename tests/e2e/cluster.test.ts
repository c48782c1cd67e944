/** Three nats-servers, two listeners, two powers: one of each may die while jobs keep arriving, and nothing is lost. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { openBus } from "@gpu-power-manager/shared/bus";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { NatsHealth } from "@gpu-power-manager/shared/nats-health";
import { type NatsCluster, type NatsNode, startNatsCluster } from "../harness/nats-cluster.ts";
import { until } from "../harness/process.ts";
import type { Service } from "../harness/service.ts";
import { type Stack, startStack } from "../harness/stack.ts";

/** How fast jobs arrive. */
const EVERY_MS = 20;
/** A bound: the servers that are left choose new leaders within ten seconds. */
const LONG_MS = 60_000;
/** What is promised when the host of the acting power dies. */
const TAKEOVER_MS = 15_000;
/**
 * Until a server that says nothing any more is given up: by its clients after 7.5 s, by its peers, which then choose a
 * leader, after up to 10 s. A renewal that the standby had not seen by then counts from when it sees it.
 */
const SILENCE_MS = 10_000;

async function start(t: TestContext): Promise<[NatsCluster, Stack]> {
  const cluster = await startNatsCluster();
  t.after(() => cluster.stop());
  await cluster.setUp(3);
  const stack = await startStack({ cluster, listeners: 2, powers: 2, policy: { idleTimeout: "120s" } });
  t.after(() => stack.stop());
  return [cluster, stack];
}

/** Jobs without a break until told to stop. Each names its request, by which the two listeners' copies are one. */
function arriving(stack: Stack): { readonly sent: () => number; stop(): Promise<number> } {
  let going = true;
  let count = 0;
  const done = (async () => {
    while (going) {
      count += 1;
      await stack.dsp.notifyOnly(1, { type: "url", key: "K1", request_id: `job-${count}` });
      await pause(EVERY_MS);
    }
  })();
  return {
    sent: () => count,
    stop: async () => {
      going = false;
      await done;
      return count;
    },
  };
}

const leads = async (power: Service) => (await power.metric("gpu_power_leader").catch(() => 0)) === 1;

async function acting({ powers }: Stack): Promise<Service[]> {
  const leading = await Promise.all(powers.map(leads));
  return powers.filter((_, index) => leading[index]);
}

async function demandOf(stack: Stack) {
  const [power] = await acting(stack);
  if (power === undefined) throw new Error("no power acts");
  return (await stack.status(power)).demand;
}

async function counted(stack: Stack, words: string, atLeast: number): Promise<number> {
  return await until(
    words,
    async () => {
      const { counts } = await demandOf(stack);
      return (counts.url ?? 0) >= atLeast ? counts.url : undefined;
    },
    LONG_MS,
  );
}

/** No job is missing and none is there twice; all saw the machine, which was started once; one power acts. */
async function nothingLost(t: TestContext, stack: Stack, total: number, words: string): Promise<void> {
  await counted(stack, `${words}: every job is counted`, total);
  await until(
    `${words}: every job is served`,
    async () => (await demandOf(stack)).waitingJobs === 0,
    LONG_MS,
  );
  assert.equal((await demandOf(stack)).counts.url, total, `${words}: each is counted once`);
  assert.equal(stack.accepted("start"), 1, `${words}: one start`);
  assert.equal((await acting(stack)).length, 1, `${words}: one power acts`);
  t.diagnostic(`${words}: ${total} jobs, each counted once and served, one start`);
}

/** Kills a server while jobs arrive, and brings it back when later ones are counted. */
async function survives(t: TestContext, cluster: NatsCluster, stack: Stack, stream: string): Promise<void> {
  const words = `the leader of ${stream} killed`;
  const node: NatsNode = await cluster.leaderOf(stream);
  await node.kill();
  const killedAt = Date.now();
  const { counts } = await demandOf(stack);
  await counted(stack, `${words}: jobs go on being counted`, (counts.url ?? 0) + 100);
  t.diagnostic(`${words}: a hundred further jobs are counted ${Date.now() - killedAt} ms after it`);
  await node.resume();
  await cluster.leaderOf(stream);
}

test("a nats-server dies, be it the leader of the jobs or of the lease: nothing is lost", async (t) => {
  const [cluster, stack] = await start(t);
  const jobs = arriving(stack);
  await counted(stack, "jobs are counted", 50);
  await survives(t, cluster, stack, "GPU_JOBS");
  await survives(t, cluster, stack, "KV_gpu_power");
  await nothingLost(t, stack, await jobs.stop(), "two servers killed, one after the other");
});

test("a whole host dies, with a nats-server, a listener and the power that acts", async (t) => {
  const [cluster, stack] = await start(t);
  const [first, second] = stack.powers;
  const [node] = cluster.nodes;
  assert.ok(first !== undefined && second !== undefined && node !== undefined);
  assert.deepEqual(await acting(stack), [first]);
  const jobs = arriving(stack);
  await counted(stack, "jobs are counted", 20);
  await Promise.all([node.kill(), stack.listener.kill(), first.kill()]);
  const killedAt = Date.now();
  const sent = jobs.sent();
  await until("the other power holds the lease", () => leads(second), LONG_MS);
  const held = Date.now() - killedAt;
  await counted(stack, "jobs that came after it are counted", sent + 1);
  const took = Date.now() - killedAt;
  t.diagnostic(
    `the host killed: the lease is taken after ${held} ms, jobs are counted again after ${took} ms`,
  );
  assert.ok(held <= TAKEOVER_MS, `${held} ms`);

  // With two of three servers left, a power and a listener start all the same.
  first.start();
  stack.listener.start();
  await Promise.all([first.ready(LONG_MS), stack.listener.ready(LONG_MS)]);
  assert.match((await first.readiness()).words, /^Standing by/);
  await node.resume();
  await cluster.leaderOf("GPU_JOBS");
  await nothingLost(t, stack, await jobs.stop(), "a host killed");
});

test("a server falls silent without a word, and with it the power that acts", async (t) => {
  const [cluster, stack] = await start(t);
  const [first, second] = stack.powers;
  // The server that the standby is connected to.
  const [, node] = cluster.nodes;
  assert.ok(first !== undefined && second !== undefined && node !== undefined);
  const jobs = arriving(stack);
  await counted(stack, "jobs are counted", 20);
  process.kill(node.pid, "SIGSTOP");
  await first.kill();
  const killedAt = Date.now();
  const sent = jobs.sent();
  await until("the other power holds the lease", () => leads(second), LONG_MS);
  const held = Date.now() - killedAt;
  await counted(stack, "jobs that came after it are counted", sent + 1);
  t.diagnostic(`a silent host: the lease is taken after ${held} ms, and jobs go on being counted`);
  assert.ok(held <= TAKEOVER_MS + SILENCE_MS, `${held} ms`);
  await node.kill();
  await node.resume();
  await cluster.leaderOf("GPU_JOBS");
  await nothingLost(t, stack, await jobs.stop(), "a server silent");
});

test("an installation with single copies becomes one with three", async (t) => {
  const cluster = await startNatsCluster();
  t.after(() => cluster.stop());
  const logger = createLogger({ service: "test", level: "fatal", secrets: [] });
  const copies = async (NATS_REPLICAS: number) => {
    await cluster.setUp(NATS_REPLICAS);
    const { NATS_USER, NATS_PASSWORD } = cluster.loginOf("power");
    const config = { NATS_URL: cluster.urls(0), NATS_USER, NATS_PASSWORD, NATS_REPLICAS };
    const bus = await openBus(config, "test", {
      health: new NatsHealth(logger),
      bucket: "gpu_power",
      logger,
      signal: AbortSignal.timeout(LONG_MS),
    });
    t.after(() => bus.close());
    // While copies are added a leader may change, and a question go unanswered.
    const read = async () => {
      const found: Record<string, number> = {};
      for (const name of ["GPU_JOBS", "GPU_REPORTS", "GPU_HISTORY", "KV_gpu_power"]) {
        found[name] = (await bus.manager.streams.info(name)).config.num_replicas;
      }
      const kept = await bus.kv.get("kept");
      if (kept === null) await bus.kv.put("kept", "over the change");
      return { found, kept: kept?.string() };
    };
    return await until("the streams can be read", read, LONG_MS);
  };
  const all = (count: number) => ({
    GPU_JOBS: count,
    GPU_REPORTS: count,
    GPU_HISTORY: count,
    KV_gpu_power: count,
  });
  assert.deepEqual(await copies(1), { found: all(1), kept: undefined });
  assert.deepEqual(await copies(3), { found: all(3), kept: "over the change" });
});
