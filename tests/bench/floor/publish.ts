/**
 * The floor of the listener: the shortest script that could bring a notice into JetStream with the same libraries.
 * It keeps nothing, checks nothing, and knows no second connection.
 */
import { connect } from "nats";
import { WebSocket } from "ws";

const [gateway = "", server = "", subject = ""] = process.argv.slice(2);
const connection = await connect({ servers: server });
const js = connection.jetstream();
const socket = new WebSocket(gateway, { perMessageDeflate: false });
let count = 0;
socket.on("open", () => socket.send('{"type":"register","role":"gpu_monitor"}'));
socket.on("message", (data) => {
  const frame = JSON.parse(String(data));
  if (frame.type !== "url") return;
  count += 1;
  const event = { eventId: String(count), kind: "job", type: frame.type, key: frame.key, at: Date.now() };
  void js.publish(subject, JSON.stringify(event), { msgID: `${process.pid}-${count}`, timeout: 60_000 });
});
