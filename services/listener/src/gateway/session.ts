/**
 * The link's rules as a state machine: connect, register, ping, notice a dead connection, back off. Pure: it
 * is fed with events and the time, and answers with what the socket should do. Milliseconds throughout.
 */

export interface SessionConfig {
  /** The role that a registration answer must name; undefined for a client, whose answer names none. */
  readonly role: string | undefined;
  /** A ping at least this often, which is what the gateway asks of its clients. */
  readonly pingIntervalMs: number;
  /** After so much silence the connection is proven by a ping. */
  readonly quietLimitMs: number;
  /** No frame at all for so long after a ping: the connection is dead, whatever TCP believes. */
  readonly pongTimeoutMs: number;
  /** Opening a connection, and being told "registered", may each take this long. */
  readonly registerTimeoutMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
}

/** A registration that lived so long resets the back-off; one that is thrown out at once does not. */
export const LIVED_MS = 10_000;

export const CLOSE_REASONS = [
  "closed_by_gateway",
  "connect_failed",
  "connect_timeout",
  "register_timeout",
  "wrong_role",
  "pong_timeout",
  "replaced",
] as const;
export type CloseReason = (typeof CLOSE_REASONS)[number];

export type Session =
  | { readonly phase: "waiting"; readonly until: number; readonly attempts: number }
  | { readonly phase: "connecting"; readonly since: number; readonly attempts: number }
  | { readonly phase: "registering"; readonly since: number; readonly attempts: number }
  | {
      readonly phase: "registered";
      readonly since: number;
      readonly attempts: number;
      readonly heardAt: number;
      /** When the ping left that nothing has answered yet; null when none is open. */
      readonly pingedAt: number | null;
      readonly lastPingAt: number;
    };

export type SessionEvent =
  | { readonly type: "tick" }
  | { readonly type: "opened" }
  /** Any frame at all proves that the connection lives. */
  | { readonly type: "frame" }
  | { readonly type: "registered"; readonly role: string | undefined }
  | { readonly type: "closed"; readonly failed: boolean }
  /** Somebody has proof that the registration is lost although the connection lives. */
  | { readonly type: "replace" };

export type Command =
  | { readonly type: "connect" }
  | { readonly type: "register" }
  | { readonly type: "ping" }
  | { readonly type: "drop"; readonly reason: CloseReason };

export interface Step {
  readonly session: Session;
  readonly commands: readonly Command[];
}

/** Where a link begins: connect at once. */
export const FRESH: Session = { phase: "waiting", until: 0, attempts: 0 };

/** Full jitter: anywhere from 0 to the ceiling, which doubles; the first retry comes at once. */
export function backoff(attempts: number, config: SessionConfig, random: number): number {
  if (attempts === 0) return 0;
  return random * Math.min(config.backoffMaxMs, config.backoffMinMs * 2 ** Math.min(attempts - 1, 30));
}

/** @param random from 0 (inclusive) to 1, for the jitter. */
export function step(
  session: Session,
  event: SessionEvent,
  now: number,
  config: SessionConfig,
  random: number,
): Step {
  const lost = (reason: CloseReason): Step => {
    const lived = session.phase === "registered" && now - session.since >= LIVED_MS;
    const attempts = lived ? 0 : session.attempts;
    return {
      session: { phase: "waiting", until: now + backoff(attempts, config, random), attempts: attempts + 1 },
      // The drop is told also where the socket is closed already, because its reason is counted.
      commands: [{ type: "drop", reason }],
    };
  };
  const stay: Step = { session, commands: [] };

  if (event.type === "closed") {
    return session.phase === "waiting" ? stay : lost(event.failed ? "connect_failed" : "closed_by_gateway");
  }
  if (event.type === "replace") return session.phase === "registered" ? lost("replaced") : stay;

  switch (session.phase) {
    case "waiting":
      if (event.type !== "tick" || now < session.until) return stay;
      return {
        session: { phase: "connecting", since: now, attempts: session.attempts },
        commands: [{ type: "connect" }],
      };
    case "connecting":
      if (event.type === "opened") {
        return {
          session: { phase: "registering", since: now, attempts: session.attempts },
          commands: [{ type: "register" }],
        };
      }
      return now - session.since >= config.registerTimeoutMs ? lost("connect_timeout") : stay;
    case "registering":
      if (event.type === "registered") {
        if (event.role !== config.role) return lost("wrong_role");
        return {
          session: {
            phase: "registered",
            since: now,
            attempts: session.attempts,
            heardAt: now,
            pingedAt: null,
            lastPingAt: now,
          },
          commands: [],
        };
      }
      return now - session.since >= config.registerTimeoutMs ? lost("register_timeout") : stay;
    case "registered": {
      if (event.type === "frame" || event.type === "registered") {
        return { session: { ...session, heardAt: now, pingedAt: null }, commands: [] };
      }
      if (session.pingedAt !== null) {
        return now - session.pingedAt >= config.pongTimeoutMs ? lost("pong_timeout") : stay;
      }
      const due =
        now - session.heardAt >= config.quietLimitMs || now - session.lastPingAt >= config.pingIntervalMs;
      return due
        ? { session: { ...session, pingedAt: now, lastPingAt: now }, commands: [{ type: "ping" }] }
        : stay;
    }
  }
}

/** When the next tick can change something. */
export function nextTick(session: Session, config: SessionConfig): number {
  switch (session.phase) {
    case "waiting":
      return session.until;
    case "connecting":
    case "registering":
      return session.since + config.registerTimeoutMs;
    case "registered":
      return session.pingedAt === null
        ? Math.min(session.heardAt + config.quietLimitMs, session.lastPingAt + config.pingIntervalMs)
        : session.pingedAt + config.pongTimeoutMs;
  }
}
