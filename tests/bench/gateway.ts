/** The least of a gateway: it registers, passes probes on, answers pings and sends notices. No Redis, no queue. */
import { createServer } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";
import { z } from "zod";

const Frame = z.looseObject({
  type: z.string(),
  role: z.string().optional(),
  key: z.string().optional(),
  request_id: z.string().optional(),
});

/** What a connection may hold unsent before a flood waits for it, as a gateway's blocking send does. */
const UNSENT_BYTES = 1_000_000;

/** One that has registered as a monitor. */
export interface Monitor {
  readonly gone: boolean;
  notify(text: string): void;
  /** So many, as fast as they are taken. */
  flood(count: number, textOf: (index: number) => string): Promise<void>;
}

export interface BareGateway {
  readonly url: string;
  /** Those that are registered, in the order in which they came. */
  readonly monitors: readonly Monitor[];
  stop(): Promise<void>;
}

function monitorOf(socket: WebSocket): Monitor {
  return {
    get gone() {
      return socket.readyState !== socket.OPEN;
    },
    notify: (text) => socket.send(text),
    flood: async (count, textOf) => {
      for (let sent = 0; sent < count; sent += 1) {
        socket.send(textOf(sent));
        while (socket.bufferedAmount > UNSENT_BYTES) await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

export async function startBareGateway(): Promise<BareGateway> {
  const monitors = new Map<WebSocket, Monitor>();
  const server = createServer();
  const sockets = new WebSocketServer({ server, path: "/dsp", perMessageDeflate: false });
  let fd = 0;
  sockets.on("connection", (socket) => {
    fd += 1;
    const own = fd;
    socket.on("close", () => monitors.delete(socket));
    socket.on("message", (data) => {
      const { type, role, key, request_id } = Frame.parse(JSON.parse(String(data)));
      if (type === "ping") socket.send('{"type":"pong"}');
      else if (type === "register") {
        if (role === "gpu_monitor") monitors.set(socket, monitors.get(socket) ?? monitorOf(socket));
        socket.send(JSON.stringify({ type: "registered", ...(role === undefined ? { key } : { role }) }));
      } else if (type === "gpu.status.query") {
        const query = JSON.stringify({ type, source: "client", sender_fd: own, request_id });
        for (const monitor of monitors.values()) monitor.notify(query);
      }
    });
    socket.send(JSON.stringify({ type: "connected", fd }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the gateway has no port");
  return {
    url: `ws://127.0.0.1:${address.port}/dsp`,
    get monitors() {
      return [...monitors.values()];
    },
    stop: async () => {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
