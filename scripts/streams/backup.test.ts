/** Streams are saved while the services go on, whole and fitting together, and come back as they were. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openBus } from "@gpu-power-manager/shared/bus";
import { BUCKETS, STREAMS, streamOfBucket } from "@gpu-power-manager/shared/events";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { NatsHealth } from "@gpu-power-manager/shared/nats-health";
import { AckPolicy, connect } from "nats";
import { startGuardedNats } from "../../tests/harness/guarded-nats.ts";
import { type NatsCluster, startNatsCluster } from "../../tests/harness/nats-cluster.ts";
import { until } from "../../tests/harness/process.ts";
import { expectQuiet, readSaved, restoreStreams, saveStreams } from "./backup.ts";
import { connectAsSetup } from "./connection.ts";
import { setUp } from "./set-up.ts";

type Servers = Pick<NatsCluster, "urls" | "loginOf">;
const STATE = streamOfBucket(BUCKETS.power);
const ALL = [STREAMS.history, STREAMS.jobs, streamOfBucket(BUCKETS.listener), STATE];
const logger = createLogger({ service: "test", level: "fatal", secrets: [] });
const folder = async () => await mkdtemp(join(tmpdir(), "streams-"));

async function asSetup(t: TestContext, servers: Servers) {
  const { NATS_USER = "", NATS_PASSWORD = "" } = servers.loginOf("setup");
  const nats = await connectAsSetup({ NATS_URL: servers.urls(0), NATS_USER, NATS_PASSWORD });
  t.after(() => nats.connection.close());
  return nats;
}

/** The streams as an installation has them, with jobs in the queue of which some are delivered and not acknowledged. */
async function lifeOn(t: TestContext, servers: Servers, replicas: number) {
  await setUp(await asSetup(t, servers), replicas);
  const { NATS_USER, NATS_PASSWORD } = servers.loginOf("power");
  const bus = await openBus(
    { NATS_URL: servers.urls(0), NATS_USER, NATS_PASSWORD, NATS_REPLICAS: replicas },
    "power",
    { health: new NatsHealth(logger), bucket: "gpu_power", logger, signal: new AbortController().signal },
  );
  t.after(() => bus.close());
  const login = servers.loginOf("listener");
  const listener = await connect({
    servers: servers.urls(0).split(","),
    user: login.NATS_USER ?? "",
    pass: login.NATS_PASSWORD ?? "",
    inboxPrefix: "_INBOX.listener",
  });
  t.after(() => listener.close());
  await bus.manager.consumers.add(STREAMS.jobs, {
    durable_name: "power-default",
    filter_subject: "gpu.jobs.default.>",
    ack_policy: AckPolicy.Explicit,
    ack_wait: 60_000_000_000,
  });
  const submit = async (id: string) => {
    const message = JSON.stringify({ id });
    return await listener.jetstream().publish("gpu.jobs.default.url", message, { msgID: id });
  };
  const consumer = await bus.js.consumers.get(STREAMS.jobs, "power-default");
  return { bus, submit, consumer };
}

/** What makes up a stream: where it stands, when it was made, and each message with its place. */
async function contentsOf(t: TestContext, servers: Servers, name: string) {
  const { connection } = await asSetup(t, servers);
  const manager = await connection.jetstreamManager({ checkAPI: false });
  const { state, created } = await manager.streams.info(name);
  const messages: string[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const message = await manager.streams.getMessage(name, { seq }).catch(() => undefined);
    if (message !== undefined) messages.push(`${seq} ${message.subject} ${message.string()}`);
  }
  return { created, last: state.last_seq, messages };
}

async function stand(t: TestContext, replicas: 1 | 3): Promise<Servers> {
  const servers = replicas === 3 ? await startNatsCluster() : await startGuardedNats({ setUp: false });
  t.after(() => servers.stop());
  return servers;
}

for (const [from, to] of [
  [1, 1],
  [1, 3],
  [3, 1],
] as const) {
  test(`from ${from} server to ${to}: jobs, state, history and what was acknowledged`, async (t) => {
    const old = await stand(t, from);
    const { bus, submit, consumer } = await lifeOn(t, old, from);
    for (const id of ["a", "b", "c"]) await submit(id);
    await bus.js.publish("gpu.history.default.gpu-1", "started");
    await bus.kv.put("demand.default", "one");
    await bus.kv.put("demand.default", "two");
    const first = await consumer.next({ expires: 5_000 });
    assert.equal(await first?.ackAck(), true);
    const dir = await folder();
    const saved = await saveStreams(await asSetup(t, old), dir);
    assert.deepEqual([...saved.streams].sort(), ALL);
    assert.equal(saved.consistent, true);

    const anew = await stand(t, to);
    const restored = await restoreStreams(await asSetup(t, anew), {
      from: dir,
      keep: await folder(),
      replicas: to,
    });
    assert.deepEqual(restored.sort(), ALL);
    for (const name of restored) {
      const { created, ...rest } = await contentsOf(t, anew, name);
      const expected = await contentsOf(t, old, name);
      assert.deepEqual(rest, { last: expected.last, messages: expected.messages }, name);
      // By this power knows its queue. Between clusters it is another one: what was not acknowledged is folded again,
      // which may count a job twice and forgets none.
      if (from === 1 && to === 1) assert.equal(created, expected.created);
    }
    // The services find their streams in order, with as many copies as there are servers now.
    const next = await lifeOn(t, anew, to);
    assert.equal((await next.bus.manager.streams.info(STATE)).config.num_replicas, to);
    assert.equal((await next.bus.kv.get("demand.default"))?.revision, 2);
    // Servers that have just taken the streams up may let a first pull run out.
    const left: string[] = [];
    await until("what was not acknowledged comes again", async () => {
      const message = await next.consumer.next({ expires: 5_000 });
      if (message !== null) left.push(message.string());
      message?.ack();
      return left.length === 2;
    });
    assert.deepEqual(left.sort(), ['{"id":"b"}', '{"id":"c"}'], "what was acknowledged does not come again");
    assert.equal((await next.submit("d")).seq, 4);
  });
}

test("in the middle of a burst no job is missing in both, and no sequence is known that is still to come", async (t) => {
  const old = await stand(t, 1);
  const { bus, submit, consumer } = await lifeOn(t, old, 1);
  // As power does: written into the state, then acknowledged. Bursts with short breaks.
  const folded: string[] = [];
  const going = new AbortController();
  const arriving = (async () => {
    for (let count = 0; !going.signal.aborted; count += 1) {
      await submit(`job-${count}`);
      if (count % 200 === 199) await new Promise((resolve) => setTimeout(resolve, 300));
    }
  })();
  const messages = await consumer.consume({ max_messages: 50 });
  const folding = (async () => {
    for await (const message of messages) {
      const { id } = message.json<{ id: string }>();
      folded.push(`${message.seq}:${id}`);
      await bus.kv.put("demand.default", JSON.stringify(folded));
      message.ack();
    }
  })();
  for (let round = 0; round < 4; round += 1) {
    const dir = await folder();
    assert.equal((await saveStreams(await asSetup(t, old), dir)).consistent, true);
    const anew = await stand(t, 1);
    await restoreStreams(await asSetup(t, anew), { from: dir, keep: await folder(), replicas: 1 });
    const state = (await contentsOf(t, anew, STATE)).messages.at(-1)?.replace(/^\S+ \S+ /, "") ?? "[]";
    const known = (JSON.parse(state) as string[]).map((each) => Number(each.split(":")[0]));
    const queue = await contentsOf(t, anew, STREAMS.jobs);
    const waiting = queue.messages.map((line) => Number(line.split(" ")[0]));
    assert.ok(
      Math.max(0, ...known) <= queue.last,
      "the state knows no sequence that is still to be given out",
    );
    const all = new Set([...known, ...waiting]);
    for (let seq = 1; seq <= queue.last; seq += 1)
      assert.ok(all.has(seq), `job ${seq} of ${queue.last} is nowhere`);
  }
  going.abort();
  await arriving;
  messages.stop();
  await folding;
});

test("a snapshot that was cut off is refused, and what was there comes back", async (t) => {
  const servers = await stand(t, 1);
  const { bus, submit } = await lifeOn(t, servers, 1);
  await submit("old");
  await bus.kv.put("demand.default", "old");
  const nats = await asSetup(t, servers);
  const dir = await folder();
  await saveStreams(nats, dir);
  await submit("new");
  await bus.kv.put("demand.default", "new");
  const cut = join(dir, `${STREAMS.jobs}.snapshot`);
  await truncate(cut, Math.floor((await readFile(cut)).length / 2));
  await assert.rejects(
    restoreStreams(nats, { from: dir, keep: await folder(), replicas: 1 }),
    /GPU_JOBS cannot be restored/,
  );
  assert.equal((await contentsOf(t, servers, STREAMS.jobs)).messages.length, 2);
  assert.match((await contentsOf(t, servers, STATE)).messages.at(-1) ?? "", / new$/);
});

test("what was there is kept, and going back brings it", async (t) => {
  const servers = await stand(t, 1);
  const { bus } = await lifeOn(t, servers, 1);
  await bus.kv.put("demand.default", "old");
  const nats = await asSetup(t, servers);
  const dir = await folder();
  await saveStreams(nats, dir);
  await bus.kv.put("demand.default", "new");
  const keep = await folder();
  await restoreStreams(nats, { from: dir, keep, replicas: 1 });
  assert.match((await contentsOf(t, servers, STATE)).messages.at(-1) ?? "", / old$/);
  await restoreStreams(nats, { from: keep, keep: await folder(), replicas: 1 });
  assert.match((await contentsOf(t, servers, STATE)).messages.at(-1) ?? "", / new$/);
});

test("a listener or a power that still uses the cluster is noticed", async (t) => {
  const servers = await stand(t, 1);
  const { bus } = await lifeOn(t, servers, 1);
  const nats = await asSetup(t, servers);
  const noticed = assert.rejects(expectQuiet(nats), /still uses this NATS/);
  // A renewal of the lease, a moment after the question.
  await nats.connection.flush();
  await bus.kv.put("lease.default", "me");
  await noticed;
});

test("an empty folder is no backup, and a server that does not know the user says what to do", async (t) => {
  const servers = await stand(t, 1);
  const nats = await asSetup(t, servers);
  const dir = await folder();
  await writeFile(join(dir, "notes.txt"), "");
  assert.deepEqual(await readSaved(dir), []);
  await assert.rejects(restoreStreams(nats, { from: dir, keep: dir, replicas: 1 }), /holds no streams/);
  await assert.rejects(
    connectAsSetup({ NATS_URL: servers.urls(0), NATS_USER: "setup", NATS_PASSWORD: "another" }),
    /older than these files.*NO_BACKUP=1/,
  );
});
