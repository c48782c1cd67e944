/**
 * What each password opens at NATS, tried on a real server with the configuration that is shipped: Debian's and the
 * current one. After each attempt everything is looked at: a refusal that had done its harm before would be none.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { BUCKETS, STREAMS, streamOfBucket } from "@gpu-power-manager/shared/events";
import {
  AckPolicy,
  connect,
  headers,
  type JetStreamManager,
  type MsgHdrs,
  type NatsConnection,
  NatsError,
} from "nats";
import { startGuardedNats } from "../../tests/harness/guarded-nats.ts";
import { type NatsProgram, natsProgram, programAt } from "../../tests/harness/nats-server.ts";

/** Debian's; CI and developers have it by `make setup`. */
const OLDER = "/usr/sbin/nats-server";
const ANSWER_MS = 2_000;
const USERS = ["listener", "power", "setup"] as const;
type User = (typeof USERS)[number];
const ALL = [...Object.values(STREAMS), ...Object.values(BUCKETS).map(streamOfBucket)];

interface Attempt {
  readonly what: string;
  readonly subject: string;
  readonly body?: unknown;
  readonly head?: Readonly<Record<string, string>>;
}

const api = (verb: string, body: unknown = ""): Attempt => ({
  what: verb,
  subject: `$JS.API.${verb}`,
  body,
});
const rollup = (subject: string, kind: "all" | "sub"): Attempt => ({
  what: `rollup ${kind} on ${subject}`,
  subject,
  head: { "Nats-Rollup": kind },
});
const write = (subject: string): Attempt => ({ what: `write ${subject}`, subject });

/** What nobody but `setup` may do to any stream or bucket, his own among them. */
const changes: readonly Attempt[] = ALL.flatMap((stream) => [
  api(`STREAM.UPDATE.${stream}`, { name: stream, max_msgs: 1 }),
  api(`STREAM.CREATE.${stream}`, { name: stream, max_msgs: 1 }),
  api(`STREAM.PURGE.${stream}`),
  api(`STREAM.DELETE.${stream}`),
  api(`STREAM.MSG.DELETE.${stream}`, { seq: 1 }),
  api(`STREAM.SNAPSHOT.${stream}`, { deliver_subject: "_INBOX.x" }),
  api(`STREAM.RESTORE.${stream}`, { config: { name: stream } }),
]);
const consumersOf = (stream: string, durable: string): readonly Attempt[] => [
  api(`CONSUMER.CREATE.${stream}.x.>`, { stream_name: stream, config: { name: "x", ack_policy: "none" } }),
  api(`CONSUMER.DURABLE.CREATE.${stream}.x`, { stream_name: stream, config: { durable_name: "x" } }),
  api(`CONSUMER.DELETE.${stream}.${durable}`),
  api(`CONSUMER.MSG.NEXT.${stream}.${durable}`, { batch: 10, no_wait: true }),
  {
    what: `take a message from ${durable}`,
    subject: `$JS.ACK.${stream}.${durable}.1.1.1.1.0`,
    body: "+TERM",
  },
];

const FORBIDDEN: Readonly<Record<User, readonly Attempt[]>> = {
  listener: [
    ...changes,
    ...consumersOf(STREAMS.jobs, "power-default"),
    ...consumersOf(STREAMS.history, "x"),
    ...consumersOf(streamOfBucket(BUCKETS.power), "x"),
    api(`CONSUMER.DELETE.${STREAMS.reports}.listener-default`),
    api(`STREAM.MSG.GET.${streamOfBucket(BUCKETS.power)}`, { seq: 1 }),
    api(`STREAM.MSG.GET.${STREAMS.jobs}`, { seq: 1 }),
    ...["demand.default", "lease.default", "listener.default.ledger"].map((key) =>
      write(`$KV.gpu_power.${key}`),
    ),
    rollup("$KV.gpu_power.listener.default.ledger", "all"),
    write("gpu.reports.default.status"),
    write("gpu.history.default.gpu-1"),
    write("gpu.acting.default"),
    write("_INBOX.power.x"),
    write("_INBOX.setup.x"),
  ],
  power: [
    ...changes,
    ...consumersOf(STREAMS.reports, "listener-default"),
    ...consumersOf(streamOfBucket(BUCKETS.listener), "x"),
    api(`CONSUMER.DELETE.${STREAMS.jobs}.power-default`),
    api(`STREAM.MSG.GET.${streamOfBucket(BUCKETS.listener)}`, { seq: 1 }),
    ...["listener.default.ledger", "listener.default.path"].map((key) => write(`$KV.gpu_listener.${key}`)),
    rollup("$KV.gpu_listener.listener.default.ledger", "all"),
    write("gpu.jobs.default.url"),
    write("gpu.alive.default"),
    write("_INBOX.listener.x"),
    write("_INBOX.setup.x"),
  ],
  setup: [
    ...consumersOf(STREAMS.jobs, "power-default"),
    ...consumersOf(STREAMS.reports, "listener-default"),
    write("gpu.jobs.default.url"),
    write("gpu.reports.default.status"),
    write("gpu.history.default.path"),
    write("gpu.alive.default"),
    write("$KV.gpu_power.demand.default"),
    write("_INBOX.listener.x"),
    write("_INBOX.power.x"),
  ],
};
/** What a user may write, and the stream yet does not do with it: erase what is there. */
const ERASING: Readonly<Record<User, readonly Attempt[]>> = {
  listener: [
    "$KV.gpu_listener.listener.default.ledger",
    "gpu.jobs.default.url",
    "gpu.history.default.path",
  ].flatMap((subject) => [rollup(subject, "all"), rollup(subject, "sub")]),
  power: ["$KV.gpu_power.demand.default", "gpu.reports.default.status", "gpu.history.default.gpu-1"].flatMap(
    (subject) => [rollup(subject, "all"), rollup(subject, "sub")],
  ),
  setup: [rollup("$KV.gpu_listener.listener.default.ledger", "all")],
};
/** What a user must not hear. */
const UNHEARD: Readonly<Record<User, readonly string[]>> = {
  listener: [
    "_INBOX.power.>",
    "_INBOX.setup.>",
    "_INBOX.>",
    "gpu.jobs.>",
    "gpu.reports.>",
    "$KV.>",
    "$JS.>",
    ">",
  ],
  power: [
    "_INBOX.listener.>",
    "_INBOX.setup.>",
    "_INBOX.>",
    "gpu.jobs.>",
    "gpu.reports.>",
    "$KV.>",
    "$JS.>",
    ">",
  ],
  setup: ["_INBOX.listener.>", "_INBOX.power.>", "_INBOX.>", "gpu.jobs.>", "gpu.reports.>", "$JS.>", ">"],
};

const headOf = (fields: Attempt["head"]): MsgHdrs => {
  const head = headers();
  for (const [name, value] of Object.entries(fields ?? {})) head.set(name, value);
  return head;
};

/** Who refused it: the user's rights, or the stream; undefined where nobody did. */
async function refusal(
  as: NatsConnection,
  { subject, body = "x", head }: Attempt,
): Promise<string | undefined> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const heads = head === undefined ? {} : { headers: headOf(head) };
  try {
    const answer = await as.request(subject, text, { timeout: ANSWER_MS, ...heads });
    return /"error"/.test(answer.string()) ? answer.string() : undefined;
  } catch (error) {
    return error instanceof NatsError && error.code === "PERMISSIONS_VIOLATION" ? "rights" : undefined;
  }
}

async function mayHear(as: NatsConnection, subject: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const subscription = as.subscribe(subject, { callback: (error) => resolve(error === null) });
    // The server has read it, and an error to it would have come before the answer.
    void as
      .flush()
      .then(() => pause(20))
      .then(() => {
        subscription.unsubscribe();
        resolve(true);
      });
  });
}

/** A server with something in every stream and bucket, and a connection of each user. */
async function installation(t: TestContext, server: NatsProgram) {
  const nats = await startGuardedNats({ server });
  t.after(() => nats.stop());
  const as = async (user: User) => {
    const { NATS_USER = "", NATS_PASSWORD = "" } = nats.loginOf(user);
    const connection = await connect({
      servers: nats.url,
      user: NATS_USER,
      pass: NATS_PASSWORD,
      inboxPrefix: `_INBOX.${user}`,
    });
    t.after(() => connection.close());
    return connection;
  };
  const [listener, power, setup] = await Promise.all([as("listener"), as("power"), as("setup")]);
  return { listener, power, setup };
}

async function fill(listener: NatsConnection, power: NatsConnection): Promise<void> {
  for (let count = 0; count < 5; count += 1) {
    await listener.jetstream().publish("gpu.jobs.default.url", `job ${count}`);
    await power.jetstream().publish("gpu.reports.default.status", `report ${count}`);
    await listener.jetstream().publish("gpu.history.default.path", `gap ${count}`);
  }
  const bound = { bindOnly: true, allow_direct: false };
  const powers = await power.jetstream().views.kv(BUCKETS.power, bound);
  for (const key of ["demand.default", "lease.default", "instance.default.gpu-1"]) await powers.put(key, key);
  const listeners = await listener.jetstream().views.kv(BUCKETS.listener, bound);
  for (const key of ["listener.default.ledger", "listener.default.path"]) await listeners.put(key, key);
  await (await power.jetstreamManager()).consumers.add(STREAMS.jobs, {
    durable_name: "power-default",
    filter_subject: "gpu.jobs.default.>",
    ack_policy: AckPolicy.Explicit,
  });
  await (await listener.jetstreamManager()).consumers.add(STREAMS.reports, {
    durable_name: "listener-default",
    filter_subject: "gpu.reports.default.>",
    ack_policy: AckPolicy.Explicit,
  });
}

/** All that could be harmed: settings, what is stored, who consumes and how far. */
async function all(manager: JetStreamManager): Promise<string> {
  const found: unknown[] = [];
  for (const name of ALL) {
    const { config, created, state } = await manager.streams.info(name, { subjects_filter: ">" });
    const { messages, first_seq, last_seq, consumer_count, subjects } = state;
    found.push({ config, created, messages, first_seq, last_seq, consumer_count, subjects });
    for await (const { name: consumer, num_pending, ack_floor } of manager.consumers.list(name))
      found.push({ consumer, num_pending, ack_floor });
  }
  return JSON.stringify(found);
}

const servers = [await natsProgram()];
if (existsSync(OLDER) && servers[0]?.command !== OLDER) servers.push(await programAt(OLDER));

for (const server of servers) {
  test(`nats-server ${server.version}: no password of a service erases, changes or takes what is not its own`, async (t) => {
    const users = await installation(t, server);
    await fill(users.listener, users.power);
    const manager = await users.setup.jetstreamManager();
    const before = await all(manager);
    let tried = 0;
    for (const user of USERS) {
      for (const attempt of FORBIDDEN[user]) {
        assert.equal(await refusal(users[user], attempt), "rights", `${user}: ${attempt.what}`);
        tried += 1;
      }
      assert.equal(await all(manager), before, `after what ${user} is refused all is as it was`);
      for (const attempt of ERASING[user]) {
        assert.match(
          (await refusal(users[user], attempt)) ?? "taken",
          /rollup not permitted/,
          `${user}: ${attempt.what}`,
        );
        tried += 1;
      }
      assert.equal(await all(manager), before, `after the rollups of ${user} all is as it was`);
      for (const subject of UNHEARD[user]) {
        assert.equal(await mayHear(users[user], subject), false, `${user} hears ${subject}`);
        tried += 1;
      }
    }
    t.diagnostic(`${tried} attempts were refused`);
  });

  test(`nats-server ${server.version}: the same attempts do harm where the streams are as they once were`, async (t) => {
    const { listener, power, setup } = await installation(t, server);
    const manager = await setup.jetstreamManager();
    const bucket = streamOfBucket(BUCKETS.listener);
    await manager.streams.delete(bucket);
    await manager.streams.add({
      name: bucket,
      subjects: [`$KV.${BUCKETS.listener}.>`],
      max_msgs_per_subject: 1,
      allow_rollup_hdrs: true,
    });
    await fill(listener, power);
    const stored = async (name: string) => (await manager.streams.info(name)).state.messages;
    assert.equal(await stored(bucket), 2);
    assert.equal(await refusal(listener, rollup("$KV.gpu_listener.x", "all")), undefined);
    assert.equal(await stored(bucket), 1, "a rollup erases the bucket");
    const [shorten] = changes.filter(({ what }) => what === `STREAM.UPDATE.${STREAMS.jobs}`);
    assert.ok(shorten);
    const { config } = await manager.streams.info(STREAMS.jobs);
    const body = { ...config, max_msgs: 1, discard: "old" };
    assert.equal(await refusal(setup, { ...shorten, body }), undefined);
    assert.equal(await stored(STREAMS.jobs), 1, "an update shortens the jobs to one");
  });
}
