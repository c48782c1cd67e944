/** How NATS stands to us, from before the first connection to the last. */
import { DebugEvents, ErrorCode, Events, type NatsConnection, NatsError, type Status } from "nats";
import type { Logger } from "./logger.ts";

/** Told apart because a person mends each in another place: `refused` is a server that does not accept the user. */
export type NatsState = "away" | "refused" | "connected";

/** What a server says, in its words or the client's, when the user is not, or no longer, accepted. */
const REFUSALS: readonly unknown[] = [
  ErrorCode.AuthorizationViolation,
  ErrorCode.AuthenticationExpired,
  ErrorCode.AccountExpired,
];

/** Whether a server was there and did not accept the user. */
export function isRefusal(error: unknown): boolean {
  return error instanceof NatsError && REFUSALS.includes(error.code);
}

/** What is wrong, and what a person does about it, for readiness. */
export const NATS_WORDS: Readonly<
  Record<Exclude<NatsState, "connected">, { readonly what: string; readonly remedy: string }>
> = {
  away: { what: "NATS is away", remedy: "Start NATS or check NATS_URL." },
  refused: {
    what: "NATS refuses the user",
    remedy:
      "Check NATS_USER and NATS_PASSWORD (or NATS_CREDS_FILE) here against the users in the server's configuration; it is tried again until NATS accepts.",
  },
};

/** What is logged when it comes to that. */
export const NATS_LOST: Readonly<Record<Exclude<NatsState, "connected">, string>> = {
  away: "NATS is away; events wait until it is back",
  refused: "NATS refuses the user; events wait, and it is tried again until NATS accepts",
};

/** Stands for the server that ended our connection until it has been tried again by its address. */
const THROWN_OUT = "";

export class NatsHealth {
  private readonly logger: Logger;
  private readonly listeners: Array<(state: NatsState) => void> = [];
  private current: NatsState = "away";
  /** The servers that refused us when they were last tried, by address: of several, some may just be away. */
  private readonly refusing = new Set<string>();
  private up = false;
  private trying = THROWN_OUT;
  private readonly tried = new Set<string>();
  private refusedNow = false;

  constructor(logger: Logger) {
    this.logger = logger;
  }

  get state(): NatsState {
    return this.current;
  }

  /** Calls back after each change, when `state` has the new value. */
  onChange(listener: (state: NatsState) => void): void {
    this.listeners.push(listener);
  }

  /** A first connection was tried and did not come about. */
  failed(error: unknown): void {
    this.become(isRefusal(error) ? "refused" : "away");
  }

  /** Follows a connection to its end. */
  follow(connection: NatsConnection): void {
    this.up = true;
    this.become("connected");
    void (async () => {
      for await (const status of connection.status()) this.heard(status);
    })();
    void connection.closed().then(() => this.become("away"));
  }

  private heard({ type, data }: Status): void {
    switch (type) {
      case Events.Error:
        if (!REFUSALS.includes(data)) return;
        this.refusedNow = true;
        this.refusing.add(this.trying);
        this.lost("refused");
        return;
      case Events.Disconnect:
        // Said at the end of each try that got as far as a socket, too: only that of a connection is news.
        if (!this.up) return;
        this.up = false;
        this.tried.clear();
        this.refusing.clear();
        this.trying = THROWN_OUT;
        // A server that throws us out says why before it hangs up.
        if (this.refusedNow) this.refusing.add(THROWN_OUT);
        else this.lost("away");
        return;
      case DebugEvents.Reconnecting:
        // The next try: the one before ended without a connection, and only now is known whether it was refused.
        if (!this.refusedNow) this.refusing.delete(this.trying);
        // A second round: whoever threw us out has been tried by its address meanwhile.
        if (this.tried.has(String(data))) this.refusing.delete(THROWN_OUT);
        this.lost(this.refusing.size > 0 ? "refused" : "away");
        this.trying = String(data);
        this.tried.add(this.trying);
        this.refusedNow = false;
        return;
      case Events.Reconnect:
        // Said once for each of those tries.
        if (this.up) return;
        this.up = true;
        this.refusedNow = false;
        this.logger.info("NATS is back");
        this.become("connected");
    }
  }

  private lost(state: "away" | "refused"): void {
    if (state !== this.current) this.logger.warn(NATS_LOST[state]);
    this.become(state);
  }

  private become(state: NatsState): void {
    if (state === this.current) return;
    this.current = state;
    for (const listener of this.listeners) listener(state);
  }
}
