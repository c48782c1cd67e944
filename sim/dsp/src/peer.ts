import { WebSocket } from "ws";
import { z } from "zod";

export type PeerFrame = Record<string, unknown>;
const PeerFrame = z.record(z.string(), z.unknown());

/** The other end of a real connection to the gateway: a client, a worker, a monitor. */
export class Peer {
  readonly frames: PeerFrame[] = [];
  private readonly socket: WebSocket;
  private watchers: Array<() => void> = [];
  closed = false;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data) => {
      const frame = PeerFrame.safeParse(JSON.parse(String(data)));
      if (frame.success) this.frames.push(frame.data);
      for (const watcher of [...this.watchers]) watcher();
    });
    socket.on("close", () => {
      this.closed = true;
      for (const watcher of [...this.watchers]) watcher();
    });
    socket.on("error", () => {});
  }

  static async connect(url: string): Promise<Peer> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    const peer = new Peer(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return peer;
  }

  /** Connects and registers; resolves when the gateway has confirmed. */
  static async registered(url: string, registration: object): Promise<Peer> {
    const peer = await Peer.connect(url);
    peer.send({ type: "register", ...registration });
    await peer.next((frame) => frame.type === "registered");
    return peer;
  }

  send(frame: object | string): void {
    this.socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** Resolves with the first frame, received or to come, that `wanted` accepts; rejects after `timeoutMs`. */
  async next(wanted: (frame: PeerFrame) => boolean, timeoutMs = 10_000): Promise<PeerFrame> {
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => done(new Error(`no such frame within ${timeoutMs} ms`)), timeoutMs);
      const done = (result: PeerFrame | Error) => {
        clearTimeout(timer);
        this.watchers = this.watchers.filter((watcher) => watcher !== look);
        if (result instanceof Error) reject(result);
        else resolve(result);
      };
      const look = () => {
        const frame = this.frames.find(wanted);
        if (frame !== undefined) done(frame);
        else if (this.closed) done(new Error("the connection was closed"));
      };
      this.watchers.push(look);
      look();
    });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    const closed = new Promise<void>((resolve) => this.socket.once("close", () => resolve()));
    this.socket.close();
    await closed;
  }

  /** Ends without a closing handshake, as a crash does. */
  terminate(): void {
    this.socket.terminate();
  }
}
