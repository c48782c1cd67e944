import type { Logger } from "@gpu-power-manager/shared/logger";
import { WebSocket } from "ws";
import { type FrameType, type Meaning, type Rejection, readFrame } from "./frames.ts";
import {
  type CloseReason,
  type Command,
  FRESH,
  HANDSHAKE_TIMEOUT_MS,
  nextTick,
  type Session,
  type SessionConfig,
  type SessionEvent,
  step,
} from "./session.ts";

export interface LinkOptions {
  readonly url: string;
  readonly config: SessionConfig;
  readonly frameLimitBytes: number;
  readonly logger: Logger;
  readonly now: () => number;
  readonly random: () => number;
  readonly onMeaning: (meaning: Meaning) => void;
  readonly onFrame: (type: FrameType) => void;
  readonly onRejected: (reason: Rejection) => void;
  readonly onRegistered: () => void;
  readonly onLost: (reason: CloseReason) => void;
}

/** The one connection to the gateway: a thin adapter between a socket and the rules in `session.ts`. */
export class Link {
  private readonly options: LinkOptions;
  private session: Session = FRESH;
  private socket: WebSocket | undefined;
  private timer: NodeJS.Timeout | undefined;
  private ended = false;
  private paused = false;

  constructor(options: LinkOptions) {
    this.options = options;
  }

  get registered(): boolean {
    return this.session.phase === "registered";
  }

  /** What it is doing, for people. */
  get phase(): Session["phase"] {
    return this.session.phase;
  }

  start(): void {
    this.feed({ type: "tick" });
  }

  /** Ends the link for good; resolves when the socket is closed or 1 s has passed. */
  async stop(): Promise<void> {
    this.ended = true;
    clearTimeout(this.timer);
    const { socket } = this;
    this.socket = undefined;
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        socket.terminate();
        done();
      }, 1_000);
      socket.once("close", done);
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
    this.socket?.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.socket?.resume();
    this.feed({ type: "frame" });
  }

  private feed(event: SessionEvent): void {
    if (this.ended) return;
    const { config, now, random } = this.options;
    const before = this.session.phase;
    const { session, commands } = step(this.session, event, now(), config, random());
    this.session = session;
    for (const command of commands) this.carryOut(command);
    if (session.phase === "registered" && before !== "registered") {
      this.options.logger.info("registered as gpu_monitor");
      this.options.onRegistered();
    }
    // A frame only postpones what is due; the timer then finds nothing to do and is set anew.
    if (event.type !== "frame") this.schedule();
  }

  private schedule(): void {
    clearTimeout(this.timer);
    const pause = Math.max(0, nextTick(this.session, this.options.config) - this.options.now());
    this.timer = setTimeout(() => {
      if (this.paused) this.feed({ type: "frame" });
      this.feed({ type: "tick" });
    }, pause);
  }

  private carryOut(command: Command): void {
    if (command.type === "connect") this.connect();
    else if (command.type === "register") this.socket?.send('{"type":"register","role":"gpu_monitor"}');
    else if (command.type === "ping") this.socket?.send('{"type":"ping"}');
    else this.drop(command.reason);
  }

  private drop(reason: CloseReason): void {
    const { logger, onLost } = this.options;
    const { socket } = this;
    this.socket = undefined;
    // Not close(): a dead peer would never answer the closing handshake.
    socket?.terminate();
    const retryMs = Math.max(0, nextTick(this.session, this.options.config) - this.options.now());
    logger.warn(
      { reason, retryMs: Math.round(retryMs) },
      "The gateway's connection is lost; connecting again",
    );
    onLost(reason);
  }

  private connect(): void {
    const { url, frameLimitBytes, logger } = this.options;
    logger.info({ url: new URL(url).origin + new URL(url).pathname }, "connecting");
    const socket = new WebSocket(url, {
      maxPayload: frameLimitBytes,
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
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
      this.feed({ type: "frame" });
      if (isBinary) this.reject("binary", "");
      else this.read(String(data));
    });
    socket.on("error", (error) => {
      if (!current()) return;
      if ("code" in error && error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") this.reject("too_large", "");
      else logger.warn({ cause: error.message }, "The gateway's connection has an error");
    });
    socket.on("close", () => {
      if (current()) this.feed({ type: "closed", failed: !opened });
    });
  }

  private read(raw: string): void {
    const frame = readFrame(raw);
    if (!frame.ok) {
      this.reject(frame.reason, frame.sample);
      return;
    }
    this.options.onFrame(frame.type);
    if (frame.meaning.kind === "registered") this.feed({ type: "registered", role: frame.meaning.role });
    else this.options.onMeaning(frame.meaning);
  }

  private reject(reason: Rejection, sample: string): void {
    this.options.onRejected(reason);
    this.options.logger.warn({ reason, sample }, "A frame cannot be understood and is ignored");
  }
}
