import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Bus, openBus } from "@gpu-power-manager/shared/bus";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { NatsHealth } from "@gpu-power-manager/shared/nats-health";
import { serve } from "../../../../tests/harness/servers.ts";
import { Inheritance } from "./inheritance.ts";
import { Ledger } from "./ledger.ts";
import { type PendingJob, PendingList } from "./pending.ts";

const GRACE = 10_000;
const LISTS = 1_000;

const logger = createLogger({ service: "listener", level: "fatal", secrets: [] });

/** A server that takes messages of 1 MB, as the shipped configuration says. */
async function openNats(t: TestContext, maxPayload = "1MB"): Promise<Bus> {
  const server = await serve("nats-server", "nats", async (port, dir) => {
    const config = join(dir, "nats.conf");
    const lines = [`listen: "127.0.0.1:${port}"`, `jetstream { store_dir: "${dir}/data" }`];
    await writeFile(config, [...lines, `max_payload: ${maxPayload}`].join("\n"));
    return { command: "nats-server", args: ["-c", config] };
  });
  const ending = new AbortController();
  const parts = {
    health: new NatsHealth(logger),
    bucket: "gpu_listener" as const,
    logger,
    signal: ending.signal,
  };
  const bus = await openBus({ NATS_URL: server.url, NATS_REPLICAS: 1 }, "test", parts);
  t.after(async () => {
    await bus.close();
    await server.stop();
  });
  return bus;
}

function waitingJobs(count: number): PendingJob[] {
  return Array.from({ length: count }, (_, index) => {
    const key = `K${index % LISTS}`;
    const raw = JSON.stringify({ type: "chatglm_video", key, request_id: `v${index}`, sender_fd: 2 });
    return new PendingList(key).read(Buffer.from(raw)) ?? assert.fail();
  });
}

function read(ledger: Ledger, pending: readonly PendingJob[], at: number) {
  ledger.beginRead(at);
  return ledger.endRead(pending, at);
}

test("100,000 waiting jobs fit into one message; the successor knows them all, and counts none twice", async (t) => {
  const bus = await openNats(t);
  const jobs = waitingJobs(100_000);
  const before = new Ledger(GRACE, "first");
  const inheritance = new Inheritance(bus, "default", logger);
  for (const job of jobs) before.heard(job, undefined);
  assert.deepEqual(read(before, jobs, 0), []);
  // Notices whose job was not looked for yet, one of them of a job that waits.
  const late = waitingJobs(100_001).slice(-1);
  for (const job of late) before.heard(job, undefined);
  const state = before.stateFor("second");
  const text = inheritance.write(state) ?? assert.fail("it does not fit");
  t.diagnostic(`${text.length} bytes for ${jobs.length} jobs`);
  before.handedOver(state);
  assert.equal(await inheritance.keep(text), true);

  const after = new Ledger(GRACE, "third");
  after.inherit(
    (await new Inheritance(bus, "default", logger).load(AbortSignal.timeout(5_000))) ?? assert.fail(),
  );
  const all = [...jobs, ...late];
  assert.deepEqual(read(after, all, 0), []);
  assert.equal(after.dueAt, undefined, "nothing is in doubt");
  assert.deepEqual(read(after, all, GRACE), []);
  // Of a further one nobody heard.
  const [unheard] = waitingJobs(100_002).slice(-1);
  assert.ok(unheard !== undefined);
  read(after, [...all, unheard], GRACE);
  assert.deepEqual(
    read(after, [...all, unheard], 2 * GRACE).map(({ job }) => job.requestId),
    [unheard.requestId],
  );
});

test("a state that NATS would not take leaves the one before as it is", async (t) => {
  const bus = await openNats(t, "64KB");
  const inheritance = new Inheritance(bus, "default", logger);
  const ledger = new Ledger(GRACE, "first");
  const jobs = waitingJobs(10_000);
  const keep = async (epoch: string) => {
    const text = inheritance.write(ledger.stateFor(epoch));
    return text === undefined ? "too large" : await inheritance.keep(text);
  };
  assert.equal(await keep("small"), true);
  read(ledger, jobs, 0);
  read(ledger, jobs, GRACE);
  assert.equal(await keep("large"), "too large");
  const kept = await new Inheritance(bus, "default", logger).load(AbortSignal.timeout(5_000));
  assert.equal(kept?.epoch, "small");
});

test("the last word is left only where nobody has taken over", async (t) => {
  const bus = await openNats(t);
  const [older, newer] = [new Inheritance(bus, "default", logger), new Inheritance(bus, "default", logger)];
  const ledger = new Ledger(GRACE, "e");
  const text = (epoch: string) => older.write(ledger.stateFor(epoch)) ?? assert.fail();
  const epoch = async () => (await older.load(AbortSignal.timeout(5_000)))?.epoch;
  await older.keep(text("a"));
  await older.leave(text("b"));
  assert.equal(await epoch(), "b");
  await older.keep(text("c"));
  await newer.keep(text("d"));
  await older.leave(text("e"));
  assert.equal(await epoch(), "d");
});
