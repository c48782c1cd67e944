import type { Logger } from "@gpu-power-manager/shared/logger";
import { WebSocket } from "ws";
import type { BurstLog } from "../telemetry/burst-log.ts";
import { type FrameType, type Meaning, type ReadField, type Rejection, readFrame } from "./frames.ts";
import {
  type CloseReason,
  type Command,
  FRESH,
  nextTick,
  type Session,
  type SessionConfig,
  type SessionEvent,
  step,
} from "./session.ts";

/**
 * A frame over the limit is refused unread; only one over this many limits costs the connection. Anybody can
 * make the gateway send us a long id, and must not be able to cut our connection with it.
 */
const HARD_LIMIT_FACTOR = 16;
/** How long the gateway may take to answer our closing handshake at a stop. */
const CLOSE_MS = 1_000;

export interface LinkOptions {
  readonly url: string;
  /** The frame that registers this connection. */
  readonly registration: Readonly<Record<string, string>>;
  readonly config: SessionConfig;
  readonly frameLimitBytes: number;
  readonly logger: Logger;
  /** For lines about single frames. */
  readonly frameLog: BurstLog;
  /** Milliseconds on a clock that never jumps. */
  readonly now: () => number;
  readonly random: () => number;
  readonly onMeaning: (meaning: Meaning) => void;
  readonly onFrame: (type: FrameType, dropped: readonly ReadField[]) => void;
  readonly onRejected: (reason: Rejection) => void;
  readonly onRegistered: () => void;
  readonly onLost: (reason: CloseReason) => void;
}

/** A connection to the gateway: a thin adapter between a socket and the rules in `session.ts`. */
export class Link {
  private readonly options: LinkOptions;
  private session: Session = FRESH;
  private socket: WebSocket | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped: Promise<void> | undefined;
  private paused = false;
  private lastError: string | undefined;
  private lastHeardAt: number | undefined;

  constructor(options: LinkOptions) {
    this.options = options;
  }

  get registered(): boolean {
    return this.stopped === undefined && this.session.phase === "registered";
  }

  /** What it is doing, for people. */
  get phase(): Session["phase"] {
    return this.session.phase;
  }

  /** When a frame of any kind last came; undefined before the first. */
  get heardAt(): number | undefined {
    return this.lastHeardAt;
  }

  start(): void {
    this.feed({ type: "tick" });
  }

  /**
   * Ends the link for good; resolves when the socket is closed or 1 s has passed. What the gateway sent before
   * it took our goodbye is still heard: after that it knows that nobody listens, before it does not.
   */
  stop(): Promise<void> {
    this.stopped ??= this.close();
    return this.stopped;
  }

  private async close(): Promise<void> {
    clearTimeout(this.timer);
    const { socket } = this;
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    if (socket.readyState === WebSocket.CONNECTING) {
      socket.terminate();
      return;
    }
    socket.resume();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => socket.terminate(), CLOSE_MS);
      socket.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
      socket.close(1000);
    });
  }

  /** Replaces the connection, because its registration is known to be lost. */
  replace(): void {
    this.feed({ type: "replace" });
  }

  /** Sends a frame; false when the link is not registered, and nothing was sent. */
  send(frame: Readonly<Record<string, unknown>>): boolean {
    if (!this.registered || this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  /** Stops reading, so that TCP slows the gateway down; while paused, silence proves nothing. */
  pause(): void {
    if (this.paused) return;
    this.paused = true;
    if (this.stopped === undefined) this.socket?.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.socket?.resume();
    this.feed({ type: "frame" });
  }

  private feed(event: SessionEvent): void {
    if (this.stopped !== undefined) return;
    const { config, now, random } = this.options;
    const before = this.session.phase;
    const { session, commands } = step(this.session, event, now(), config, random());
    this.session = session;
    for (const command of commands) this.carryOut(command);
    if (session.phase === "registered" && before !== "registered") {
      this.options.logger.info({ role: this.options.config.role ?? "client" }, "registered at the gateway");
      this.options.onRegistered();
    }
    // A frame only postpones what is due; the timer then finds nothing to do and is set anew.
    if (event.type !== "frame") this.schedule();
  }

  private schedule(): void {
    clearTimeout(this.timer);
    const pause = Math.max(0, nextTick(this.session, this.options.config) - this.options.now());
    // Not before what has already arrived was read: a process that stood still for a minute would take its
    // own standstill for the gateway's, and throw the notices away that wait in the socket.
    this.timer = setTimeout(() => setImmediate(() => this.tick()), pause);
  }

  private tick(): void {
    if (this.paused) this.feed({ type: "frame" });
    this.feed({ type: "tick" });
  }

  private carryOut(command: Command): void {
    if (command.type === "connect") this.connect();
    else if (command.type === "register") this.socket?.send(JSON.stringify(this.options.registration));
    else if (command.type === "ping") this.socket?.send('{"type":"ping"}');
    else this.drop(command.reason);
  }

  private drop(reason: CloseReason): void {
    const { logger, onLost, config, now } = this.options;
    const { socket, lastError: cause } = this;
    this.socket = undefined;
    // Not close(): a dead peer would never answer the closing handshake.
    socket?.terminate();
    const retryMs = Math.round(Math.max(0, nextTick(this.session, config) - now()));
    const words =
      reason === "connect_failed" || reason === "connect_timeout"
        ? "The gateway cannot be reached; trying again. Check DSP_URL and that the gateway runs"
        : "The gateway's connection is lost; connecting again";
    logger.warn({ reason, retryMs, cause }, words);
    onLost(reason);
  }

  private connect(): void {
    const { url, frameLimitBytes, logger, config } = this.options;
    logger.info({ url: new URL(url).origin + new URL(url).pathname }, "connecting");
    this.lastError = undefined;
    const socket = new WebSocket(url, {
      maxPayload: frameLimitBytes * HARD_LIMIT_FACTOR,
      perMessageDeflate: false,
      handshakeTimeout: config.registerTimeoutMs,
      // A damaged character in one frame must not cost the connection; it is read as U+FFFD.
      skipUTF8Validation: true,
    });
    this.socket = socket;
    let opened = false;
    // Events of a socket that was replaced must not disturb the one that took its place.
    const current = () => this.socket === socket;
    socket.on("open", () => {
      if (!current()) return;
      opened = true;
      if (this.paused) socket.pause();
      logger.info("connected");
      this.feed({ type: "opened" });
    });
    socket.on("message", (data, isBinary) => {
      if (!current()) return;
      this.lastHeardAt = this.options.now();
      this.feed({ type: "frame" });
      if (Buffer.isBuffer(data)) this.read(data, isBinary);
    });
    socket.on("error", (error) => {
      if (!current()) return;
      this.lastError = error.message;
      if ("code" in error && error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH")
        this.reject("too_large", () => "");
    });
    socket.on("close", () => {
      if (current()) this.feed({ type: "closed", failed: !opened });
    });
  }

  private read(data: Buffer, isBinary: boolean): void {
    const { frameLimitBytes, frameLog, onFrame, onMeaning } = this.options;
    const frame = readFrame(data, isBinary, frameLimitBytes);
    if (!frame.ok) {
      this.reject(frame.reason, frame.sample);
      return;
    }
    const { type, meaning, dropped } = frame;
    onFrame(type, dropped);
    if (dropped.length > 0) {
      const words = "A frame is taken without the fields that cannot be read";
      frameLog.warn(() => ({ type, dropped, sample: frame.sample() }), words);
    }
    if (meaning.kind === "registered") this.feed({ type: "registered", role: meaning.role });
    else onMeaning(meaning);
  }

  private reject(reason: Rejection, sample: () => string): void {
    this.options.onRejected(reason);
    this.options.frameLog.warn(
      () => ({ reason, sample: sample() }),
      "A frame cannot be understood and is ignored",
    );
  }
}
