/** The gateway's connections, and the knobs by which it is made to fail like the real one. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { Redis } from "ioredis";
import { WebSocket, WebSocketServer } from "ws";
import { GARBAGE, type Garbage } from "./garbage.ts";
import { Peer } from "./peer.ts";
import { type Notice, type Outlet, Protocol } from "./protocol.ts";
import { Store } from "./store.ts";
import { type JobRequest, Submitters } from "./submitters.ts";

const NOTIFY_EVERY_MS = 2_000;
/** What the last monitors said, kept for tests. */
const HEARD_LIMIT = 1_000;

export interface GatewayOptions {
  readonly redisUrl: string;
  /** 0 or nothing: a free one, kept over restarts. */
  readonly port?: number;
  readonly host?: string;
  /** Newer gateways answer `gpu.task.query`. */
  readonly newer?: boolean;
}

interface Connection {
  readonly fd: number;
  readonly socket: WebSocket;
  /** Open but dead: nothing is read, nothing is sent. */
  dead: boolean;
  registered: boolean;
  turn: Promise<void>;
}

/** What becomes of a registration that a connection says once more; the real gateway answers it. */
export const AGAIN = ["answered", "ignored", "closed"] as const;
export type Again = (typeof AGAIN)[number];

export class Gateway {
  readonly redis: Redis;
  readonly store: Store;
  private readonly options: GatewayOptions;
  private readonly protocol: Protocol;
  private readonly connections = new Map<number, Connection>();
  private readonly muted = new Set<string>();
  private readonly submitters = new Submitters(() => this.url);
  private server: Server | undefined;
  private sockets: WebSocketServer | undefined;
  private timer: NodeJS.Timeout | undefined;
  private nextFd = 1;
  private boundPort: number;
  private slowMs = 0;
  private twice = false;
  private again: Again = "answered";
  activeTasks = 0;
  /** Frames sent to monitors, and jobs taken, by type. */
  readonly notified: Record<string, number> = {};
  readonly submitted: Record<string, number> = {};
  /** Frames that monitors sent, with the time of arrival. */
  readonly heard: Array<{ readonly atMs: number; readonly fd: number; readonly frame: string }> = [];

  constructor(options: GatewayOptions) {
    this.options = options;
    this.boundPort = options.port ?? 0;
    this.redis = new Redis(options.redisUrl, { enableAutoPipelining: true, maxRetriesPerRequest: null });
    this.redis.on("error", () => {});
    this.store = new Store(this.redis);
    const gateway = this;
    const out: Outlet = {
      send: (fd, frame) => this.send(fd, frame),
      notify: (frame) => this.notify(frame),
      count: (what) => {
        this.submitted[what] = (this.submitted[what] ?? 0) + 1;
      },
      registersAgain: (fd) => this.registersAgain(fd),
      newer: options.newer ?? false,
      get activeTasks() {
        return gateway.activeTasks;
      },
    };
    this.protocol = new Protocol(this.store, out);
  }

  get url(): string {
    return `ws://${this.options.host ?? "127.0.0.1"}:${this.boundPort}/dsp`;
  }

  get accepting(): boolean {
    return this.server !== undefined;
  }

  get connectionCount(): number {
    return this.connections.size;
  }

  // ---- its life

  async accept(): Promise<void> {
    const host = this.options.host ?? "127.0.0.1";
    const server = createServer((_request, response) => response.writeHead(404).end());
    const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, path: "/dsp" });
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      sockets.handleUpgrade(request, socket, head, (webSocket) => this.connected(webSocket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.boundPort, host, resolve);
    });
    const address = server.address();
    if (typeof address === "object" && address !== null) this.boundPort = address.port;
    this.server = server;
    this.sockets = sockets;
    this.timer = setInterval(() => {
      this.protocol.deliverNotifyList().catch(() => {});
    }, NOTIFY_EVERY_MS);
  }

  /** Ends like a killed process: every connection drops, Redis keeps what it has, numbers begin anew. */
  async crash(): Promise<void> {
    clearInterval(this.timer);
    const { server, sockets } = this;
    this.server = undefined;
    this.sockets = undefined;
    for (const { socket } of this.connections.values()) {
      socket.removeAllListeners("close");
      socket.terminate();
    }
    this.connections.clear();
    this.submitters.forget();
    this.nextFd = 1;
    sockets?.close();
    if (server !== undefined) {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    }
  }

  async stop(): Promise<void> {
    await this.crash();
    this.redis.disconnect();
  }

  private connected(socket: WebSocket): void {
    const fd = this.nextFd;
    this.nextFd += 1;
    const connection: Connection = { fd, socket, dead: false, registered: false, turn: Promise.resolve() };
    this.connections.set(fd, connection);
    socket.on("message", (data, isBinary) => {
      if (connection.dead || isBinary) return;
      const raw = String(data);
      // One connection's frames are handled in their order; those of others go on meanwhile.
      connection.turn = connection.turn
        .then(async () => {
          if (await this.remember(fd, raw)) await this.protocol.receive(fd, raw);
        })
        .catch(() => {});
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      if (this.connections.get(fd) !== connection) return;
      this.connections.delete(fd);
      this.store.forget(fd).catch(() => {});
    });
    void this.send(fd, { type: "connected", fd });
  }

  private async remember(fd: number, raw: string): Promise<boolean> {
    if (/"source":"gpu_monitor"|gpu\.task\.query|boot\.result/.test(raw)) {
      this.heard.push({ atMs: Date.now(), fd, frame: raw });
      if (this.heard.length > HEARD_LIMIT) this.heard.shift();
    }
    return this.connections.has(fd);
  }

  private async send(fd: number, frame: object | string | Buffer): Promise<void> {
    const connection = this.connections.get(fd);
    if (connection === undefined || connection.socket.readyState !== WebSocket.OPEN) {
      await this.store.forget(fd);
      return;
    }
    if (connection.dead) return;
    if (this.slowMs > 0) await new Promise((resolve) => setTimeout(resolve, this.slowMs));
    connection.socket.send(
      typeof frame === "string" || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame),
    );
  }

  private async notify(frame: Notice): Promise<void> {
    if (this.muted.has(frame.type)) return;
    const times = this.twice ? 2 : 1;
    for (const fd of await this.store.monitors()) {
      for (let sent = 0; sent < times; sent += 1) {
        this.notified[frame.type] = (this.notified[frame.type] ?? 0) + 1;
        await this.send(fd, frame);
      }
    }
  }

  // ---- its faults

  /** Existing connections stay open and are dead from now on; new ones work. */
  halfOpen(): void {
    for (const connection of this.connections.values()) {
      connection.dead = true;
      connection.socket.pause();
    }
    this.submitters.forget();
  }

  slow(ms: number): void {
    this.slowMs = ms;
  }

  /** The operator forgot the notify call for this type. */
  mute(type: string, on = true): void {
    if (on) this.muted.add(type);
    else this.muted.delete(type);
  }

  /** From now on; what other versions of the gateway may do, which nobody has seen. */
  registerAgain(again: Again): void {
    this.again = again;
  }

  private registersAgain(fd: number): boolean {
    const connection = this.connections.get(fd);
    if (connection === undefined) return false;
    const first = !connection.registered;
    connection.registered = true;
    if (first || this.again === "answered") return true;
    if (this.again === "closed") connection.socket.close();
    return false;
  }

  notifyTwice(on: boolean): void {
    this.twice = on;
  }

  async flushRedis(): Promise<void> {
    await this.store.flushAll();
    // Its clients' licenses are gone too; those that submit register again, as PCs do.
    this.submitters.forget();
  }

  async garbage(kind: Garbage): Promise<void> {
    for (const fd of await this.store.monitors()) await this.send(fd, GARBAGE[kind]);
  }

  // ---- the people around it

  /** Submits a job as a client would, over a real connection; resolves when the gateway has answered. */
  async submit(job: JobRequest): Promise<void> {
    await this.submitters.submit(job);
  }

  /** Submits many as fast as the connection takes them; resolves when the gateway has answered all. */
  async burst(count: number, job: JobRequest): Promise<void> {
    const taken = () => this.submitted[job.type] ?? 0;
    const before = taken();
    await this.submitters.send(count, job);
    while (taken() < before + count) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Only the notices of many jobs, as if they came from many clients; nothing is queued. */
  async notifyOnly(count: number, frame: Notice): Promise<void> {
    const text = JSON.stringify(frame);
    const sockets = (await this.store.monitors()).flatMap((fd) => this.connections.get(fd)?.socket ?? []);
    for (let sent = 0; sent < count; sent += 1) {
      for (const socket of sockets) {
        socket.send(text);
        // A real gateway's sends block when the peer reads slowly.
        while (socket.bufferedAmount > 1_000_000) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    this.notified[frame.type] = (this.notified[frame.type] ?? 0) + count * sockets.length;
  }

  /** What an HTTP controller does: queues the job and leaves its notification for the timer. */
  async submitOverHttp(key: string, taskType: string, requestId: string): Promise<void> {
    await this.store.submitOverHttp(key, taskType, requestId);
  }

  async client(key: string): Promise<Peer> {
    return await Peer.registered(this.url, { key, device_type: "pc" });
  }

  async worker(): Promise<Peer> {
    return await Peer.registered(this.url, { role: "worker" });
  }
}

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const gateway = new Gateway(options);
  await gateway.accept();
  return gateway;
}
