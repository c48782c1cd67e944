/**
 * The floor of power's intake: the shortest script that could take events from JetStream and write something down
 * before it acknowledges them. It says that it has one in hand on a subject of its own.
 */
import { AckPolicy, connect } from "nats";

const [server = "", stream = "", bucket = "", hands = ""] = process.argv.slice(2);
const connection = await connect({ servers: server });
const js = connection.jetstream();
const kv = await js.views.kv(bucket);
const manager = await connection.jetstreamManager();
await manager.consumers.add(stream, { durable_name: "floor", ack_policy: AckPolicy.Explicit });
const consumer = await js.consumers.get(stream, "floor");
for await (const message of await consumer.consume()) {
  const event = message.json<{ eventId: string }>();
  connection.publish(hands, event.eventId);
  await kv.put("demand", JSON.stringify({ last: event.eventId }));
  message.ack();
}
