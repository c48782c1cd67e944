/** Against a real nats-server: whatever JetStream does, everything is stored in order, and what is wrong is said. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openBus } from "@gpu-power-manager/shared/bus";
import { type GatewayEvent, STREAMS } from "@gpu-power-manager/shared/events";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { NatsHealth } from "@gpu-power-manager/shared/nats-health";
import { until } from "../../../../tests/harness/process.ts";
import { startNats } from "../../../../tests/harness/servers.ts";
import { Outbox, type Outgoing } from "./outbox.ts";
import { Publisher } from "./publisher.ts";
import { Relay } from "./relay.ts";

const logger = createLogger({ service: "test", level: "fatal", secrets: [] });

function outgoing(name: string, messageId = name, padding = ""): Outgoing {
  const event: GatewayEvent = {
    eventId: name,
    pool: "default",
    at: 0,
    kind: "job",
    type: "url",
    source: "notice",
    count: 1,
    taskType: padding,
  };
  return { event, messageId, receivedAt: 0 };
}

async function openTestBus(t: TestContext) {
  const nats = await startNats();
  t.after(() => nats.stop());
  const { signal } = new AbortController();
  const config = { NATS_URL: nats.url, NATS_REPLICAS: 1 };
  const bus = await openBus(config, "test", {
    health: new NatsHealth(logger),
    bucket: "gpu_power",
    logger,
    signal,
  });
  t.after(() => bus.close());
  return bus;
}

function relayFor(t: TestContext) {
  const stored: string[] = [];
  const relay = new Relay({
    outbox: new Outbox(10_000),
    outboxLimit: 10_000,
    logger,
    now: () => performance.now(),
    onPublished: ({ event }, _seconds, duplicate) => {
      stored.push(duplicate ? `${event.eventId} again` : event.eventId);
    },
    onFolded: () => {},
    onDropped: () => {},
    onPressure: () => {},
  });
  t.after(() => relay.stop());
  return { relay, stored };
}

test("each publish is answered under its own number: stored, known already, no stream, too large", async (t) => {
  const bus = await openTestBus(t);
  const answers: string[] = [];
  const publisher = new Publisher(bus, {
    onStored: (number, duplicate) => answers.push(`${number} ${duplicate ? "known" : "stored"}`),
    onRefused: (number, { message }) => answers.push(`${number} ${message}`),
  });
  publisher.publish(7, "gpu.jobs.default.url", "{}", "a");
  publisher.publish(8, "gpu.jobs.default.url", "{}", "a");
  publisher.publish(9, "nobody.listens", "{}", "b");
  await until("all are answered", () => answers.length === 3);
  assert.deepEqual(answers.toSorted(), ["7 stored", "8 known", "9 No stream takes the event"]);
  assert.throws(() => publisher.publish(10, "gpu.jobs.default.url", "x".repeat(2 ** 21), "c"));
  publisher.close();
});

test("many are stored in order, and a copy is told as one", async (t) => {
  const bus = await openTestBus(t);
  const { relay, stored } = relayFor(t);
  const names = Array.from({ length: 2_000 }, (_, index) => `event ${index}`);
  for (const name of names) relay.offer(outgoing(name));
  relay.start(bus);
  for (const name of ["event 3", "the last"]) relay.offer(outgoing(name));
  await relay.flush(10_000);
  assert.deepEqual(stored, [...names, "event 3 again", "the last"]);
  const { state } = await bus.manager.streams.info(STREAMS.jobs);
  assert.equal(state.messages, names.length + 1);
});

test("one that can never be sent is said to be the trouble, and nothing is lost behind it", async (t) => {
  const bus = await openTestBus(t);
  const { relay, stored } = relayFor(t);
  relay.start(bus);
  relay.offer(outgoing("before"));
  relay.offer(outgoing("huge", "huge", "x".repeat(2 ** 21)));
  await until("it is said", () => relay.troubled !== undefined);
  await until("what came before is stored", () => stored.length === 1);
  relay.offer(outgoing("behind"));
  assert.equal(relay.troubled, "MAX_PAYLOAD_EXCEEDED");
});

test("a JetStream that does not answer is told of after five seconds, and gets everything when it does", async (t) => {
  const bus = await openTestBus(t);
  const { relay, stored } = relayFor(t);
  await bus.manager.streams.delete(STREAMS.jobs);
  const silent = bus.connection.subscribe("gpu.jobs.>", { callback: () => {} });
  await bus.connection.flush();
  relay.start(bus);
  for (const name of ["one", "two"]) relay.offer(outgoing(name));
  await until("it is said", () => relay.troubled !== undefined);
  assert.equal(relay.troubled, "JetStream does not answer");
  silent.unsubscribe();
  await bus.ensureStreams();
  await relay.flush(15_000);
  assert.deepEqual(stored, ["one", "two"]);
  assert.equal(relay.troubled, undefined);
});
