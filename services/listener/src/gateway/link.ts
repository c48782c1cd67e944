import type { Logger } from "@gpu-power-manager/shared/logger";
import { Connection } from "./connection.ts";
import type { Meaning } from "./frames.ts";
import { Frames, type FramesOptions } from "./incoming.ts";
import {
  type Again,
  type CloseReason,
  type Command,
  FRESH,
  nextTick,
  type Session,
  type SessionConfig,
  type SessionEvent,
  step,
} from "./session.ts";
import { wordsOfAgain, wordsOfLoss } from "./words.ts";

/**
 * A frame over the limit is refused unread; only one over this many limits costs the connection. Anybody can
 * make the gateway send us a long id, and must not be able to cut our connection with it.
 */
const HARD_LIMIT_FACTOR = 16;
/** How long the gateway may take to answer our goodbye at a stop. */
const CLOSE_MS = 1_000;
/** A connection that was replaced is read until its end, or until nothing came for so long. */
const REPLACED_SILENCE_MS = 5_000;
/** After these the connection may still hold what was not read; after any other it holds nothing of ours. */
const READ_TO_THE_END: ReadonlySet<CloseReason> = new Set(["replaced", "pong_timeout"]);

export interface LinkOptions extends FramesOptions {
  readonly url: string;
  /** The frame that registers this connection. */
  readonly registration: Readonly<Record<string, string>>;
  readonly config: SessionConfig;
  readonly logger: Logger;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  readonly random: () => number;
  readonly onMeaning: (meaning: Meaning) => void;
  readonly onRegistered: () => void;
  /** The gateway has answered the registration, the first time or again. */
  readonly onConfirmed: () => void;
  readonly onLost: (reason: CloseReason) => void;
}

/** Our registration at the gateway: thin between its connections and the rules in `session.ts`. */
export class Link {
  private readonly options: LinkOptions;
  private readonly frames: Frames;
  private session: Session = FRESH;
  private connection: Connection | undefined;
  /** Replaced, and still read. */
  private readonly replaced = new Set<Connection>();
  /** Who waits for a pong, in the order of the pings; the link itself does not wait. */
  private pongs: Array<(() => void) | undefined> = [];
  private timer: NodeJS.Timeout | undefined;
  private timerAt = 0;
  private stopped: Promise<void> | undefined;
  private closed: (() => void) | undefined;
  private paused = false;
  private lastError: string | undefined;
  private lastTrouble: string | undefined;
  private lastHeardAt: number | undefined;
  private readonly told = new Set<Again>();

  constructor(options: LinkOptions) {
    this.options = options;
    this.frames = new Frames(options);
  }

  get registered(): boolean {
    return this.stopped === undefined && this.session.phase === "registered";
  }

  /** Why the gateway could not be reached when that last failed; undefined when it never did. */
  get trouble(): string | undefined {
    return this.lastTrouble;
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

  /** Ends the link for good; resolves when all is closed or 1 s has passed. */
  stop(): Promise<void> {
    this.stopped ??= this.close();
    return this.stopped;
  }

  private async close(): Promise<void> {
    clearTimeout(this.timer);
    const left = this.connections();
    if (left.length === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        for (const connection of this.connections()) connection.cut();
      }, CLOSE_MS);
      this.closed = () => {
        if (this.connections().length > 0) return;
        clearTimeout(timer);
        resolve();
      };
      for (const connection of left) {
        connection.resume();
        connection.leave(CLOSE_MS);
      }
    });
  }

  private connections(): Connection[] {
    return this.connection === undefined ? [...this.replaced] : [this.connection, ...this.replaced];
  }

  /** Replaces the connection, because its registration is known to be lost. */
  replace(): void {
    this.feed({ type: "replace" });
  }

  /** Sends a frame; false when the link is not registered, and nothing was sent. */
  send(frame: Readonly<Record<string, unknown>>): boolean {
    if (!this.registered || this.connection?.open !== true) return false;
    this.connection.send(frame);
    return true;
  }

  /**
   * Calls back when everything was read that the gateway has sent by now: a pong comes after it. Not at all, when the
   * connection is lost before.
   */
  onceRead(done: () => void): void {
    if (this.registered) this.ping(done);
  }

  /** Stops reading, so that TCP slows the gateway down; while paused, silence proves nothing. */
  pause(): void {
    if (this.paused) return;
    this.paused = true;
    for (const each of this.replaced) each.pause();
    // Before that the answer to the registration has to be read.
    if (this.registered) this.connection?.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    for (const connection of this.connections()) connection.resume();
    this.feed({ type: "frame" });
  }

  private feed(event: SessionEvent): void {
    if (this.stopped !== undefined) return;
    const { config, now, random, logger, onRegistered } = this.options;
    const before = this.session;
    const { session, commands } = step(before, event, now(), config, random());
    this.session = session;
    for (const command of commands) this.carryOut(command);
    if (session.again !== before.again) this.tellAgain(session.again);
    if (session.phase === "registered" && before.phase !== "registered") {
      logger.info({ role: config.role ?? "client" }, "registered at the gateway");
      if (this.paused) this.connection?.pause();
      for (const each of this.replaced) each.leave(REPLACED_SILENCE_MS);
      onRegistered();
    }
    this.schedule();
  }

  private schedule(): void {
    const { config, now } = this.options;
    const due = nextTick(this.session, config);
    // Most frames only postpone what is due; the timer then finds nothing to do and is set anew.
    if (this.timer !== undefined && this.timerAt <= due) return;
    clearTimeout(this.timer);
    this.timerAt = due;
    const pause = Math.max(0, due - now());
    // Not before what has already arrived was read: a process that stood still for a minute would take its
    // own standstill for the gateway's, and throw the notices away that wait in the socket.
    this.timer = setTimeout(() => setImmediate(() => this.tick()), pause);
  }

  private tick(): void {
    // One may have been set meanwhile: two would each go on for ever.
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.paused) this.feed({ type: "frame" });
    this.feed({ type: "tick" });
  }

  private carryOut(command: Command): void {
    if (command.type === "connect") this.connect();
    else if (command.type === "register") this.connection?.send(this.options.registration);
    else if (command.type === "ping") this.ping(undefined);
    else this.drop(command.reason);
  }

  private ping(done: (() => void) | undefined): void {
    this.connection?.send({ type: "ping" });
    this.pongs.push(done);
  }

  private drop(reason: CloseReason): void {
    const { connection } = this;
    this.lastTrouble = this.lastError ?? reason;
    this.connection = undefined;
    this.pongs = [];
    if (connection?.open === true && READ_TO_THE_END.has(reason)) this.replaced.add(connection);
    else connection?.cut();
    this.tellLost(reason);
    this.options.onLost(reason);
  }

  private connect(): void {
    const { url, frameLimitBytes, logger, config } = this.options;
    logger.info({ url: new URL(url).origin + new URL(url).pathname }, "connecting");
    this.lastError = undefined;
    const connection = new Connection({
      url,
      openTimeoutMs: config.registerTimeoutMs,
      frameLimitBytes: frameLimitBytes * HARD_LIMIT_FACTOR,
      onOpen: () => {
        logger.info("connected");
        if (this.connection === connection) this.feed({ type: "opened" });
      },
      onFrame: (data, isBinary) => this.take(connection, data, isBinary),
      onTooLong: () => this.frames.reject("too_large", () => ""),
      onClosed: (opened, cause) => {
        this.replaced.delete(connection);
        if (this.connection === connection) {
          this.connection = undefined;
          this.lastError = cause;
          this.feed({ type: "closed", failed: !opened });
        }
        this.closed?.();
      },
    });
    this.connection = connection;
  }

  private take(connection: Connection, data: Buffer, isBinary: boolean): void {
    const current = this.connection === connection;
    // One that was cut has nothing to say: it had the wrong role, or was never registered.
    if (!current && !this.replaced.has(connection)) return;
    this.lastHeardAt = this.options.now();
    if (current) this.feed({ type: "frame" });
    const meaning = this.frames.take(data, isBinary);
    if (meaning === undefined) return;
    if (meaning.kind === "pong" || meaning.kind === "registered") {
      // Of a connection that was replaced it says nothing about the one that took its place.
      if (current) this.answered(meaning);
    } else this.options.onMeaning(meaning);
  }

  private answered(meaning: Extract<Meaning, { kind: "pong" | "registered" }>): void {
    if (meaning.kind === "pong") {
      this.feed({ type: "pong" });
      this.pongs.shift()?.();
      return;
    }
    this.feed({ type: "registered", role: meaning.role });
    if (this.registered) this.options.onConfirmed();
  }

  private tellLost(reason: CloseReason): void {
    const { logger, config, now } = this.options;
    const retryMs = Math.round(Math.max(0, nextTick(this.session, config) - now()));
    logger.warn({ reason, retryMs, cause: this.lastError }, wordsOfLoss(reason));
  }

  private tellAgain(again: Again): void {
    const words = wordsOfAgain(again);
    if (words === undefined || this.told.has(again)) return;
    this.told.add(again);
    this.options.logger.warn(words);
  }
}
