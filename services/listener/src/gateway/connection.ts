/** One socket to the gateway, from its opening to its end; what its frames mean is nothing to it. */
import { WebSocket } from "ws";

/**
 * Else `ws` cuts a connection 30 s after the goodbye, with all that was not read yet. Its types lack the option; the
 * value is the longest that a timer can have.
 */
const NO_CUT = { closeTimeout: 2 ** 31 - 1 };

export interface ConnectionOptions {
  readonly url: string;
  /** Opening may take so long. */
  readonly openTimeoutMs: number;
  /** A longer frame ends the connection. */
  readonly frameLimitBytes: number;
  readonly onOpen: () => void;
  readonly onFrame: (data: Buffer, isBinary: boolean) => void;
  readonly onTooLong: () => void;
  /** It is over; `opened` is false where it could not even be opened, `cause` what the system says. */
  readonly onClosed: (opened: boolean, cause: string | undefined) => void;
}

export class Connection {
  private readonly socket: WebSocket;
  private opened = false;
  private paused = false;
  private left = false;
  private cause: string | undefined;
  private silence: NodeJS.Timeout | undefined;
  private silenceMs = 0;

  constructor(options: ConnectionOptions) {
    const { url, openTimeoutMs, frameLimitBytes, onOpen, onFrame, onTooLong, onClosed } = options;
    const socket = new WebSocket(url, {
      maxPayload: frameLimitBytes,
      perMessageDeflate: false,
      handshakeTimeout: openTimeoutMs,
      ...NO_CUT,
      // A damaged character in one frame must not cost the connection; it is read as U+FFFD.
      skipUTF8Validation: true,
    });
    this.socket = socket;
    socket.on("open", () => {
      this.opened = true;
      onOpen();
    });
    socket.on("message", (data, isBinary) => {
      if (this.left) this.awaitSilence();
      if (Buffer.isBuffer(data)) onFrame(data, isBinary);
    });
    socket.on("error", (error) => {
      this.cause = error.message;
      if ("code" in error && error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") onTooLong();
    });
    socket.on("close", () => {
      clearTimeout(this.silence);
      onClosed(this.opened, this.cause);
    });
  }

  get open(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  send(frame: Readonly<Record<string, unknown>>): void {
    if (this.open) this.socket.send(JSON.stringify(frame));
  }

  /** Stops reading, so that TCP slows the gateway down. */
  pause(): void {
    if (this.paused) return;
    this.paused = true;
    clearTimeout(this.silence);
    this.socket.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.socket.resume();
    if (this.left) this.awaitSilence();
  }

  /**
   * Says goodbye, and goes on reading: what the gateway sent before it took the goodbye is still heard. After that it
   * knows that nobody listens; before, it does not.
   * @param silenceMs without a frame for so long, not counting pauses, the rest is given up.
   */
  leave(silenceMs: number): void {
    if (this.left) return;
    this.left = true;
    this.silenceMs = silenceMs;
    if (this.socket.readyState === WebSocket.CONNECTING) this.cut();
    else {
      this.socket.close(1000);
      this.awaitSilence();
    }
  }

  /** Ends at once: a dead peer would never answer a goodbye. */
  cut(): void {
    this.socket.terminate();
  }

  private awaitSilence(): void {
    if (this.paused) return;
    if (this.silence === undefined) this.silence = setTimeout(() => this.cut(), this.silenceMs);
    else this.silence.refresh();
  }
}
