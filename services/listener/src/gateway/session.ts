/**
 * The link's rules as a state machine: connect, register, say it again, notice a dead connection, back off. Pure: it
 * is fed with events and the time, and answers with what the socket should do. Milliseconds throughout.
 *
 * A registration can be lost while its connection lives: the gateway's Redis was flushed, say, and nothing tells.
 * Saying it again on the same connection is harmless there, puts it right, and proves the connection as a ping does.
 * A gateway that does not answer it is pinged instead; one that closes on it is not told a second time.
 */

export interface SessionConfig {
  /** The role that a registration answer must name; undefined for a client, whose answer names none. */
  readonly role: string | undefined;
  /** The registration is said again at least this often, where the gateway answers that. */
  readonly registerAgainMs: number;
  /** A question at least this often, which is what the gateway asks of its clients. */
  readonly pingIntervalMs: number;
  /** After so much silence the connection has to prove itself. */
  readonly quietLimitMs: number;
  /** No frame at all for so long after a question: the connection is dead, whatever TCP believes. */
  readonly pongTimeoutMs: number;
  /** Opening a connection, and being told "registered", may each take this long. */
  readonly registerTimeoutMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
}

/** A registration that lived so long resets the back-off; one that is thrown out at once does not. */
export const LIVED_MS = 10_000;

/** A gateway that closes on a second registration does so at once; a later end has other reasons. */
const REFUSAL_MS = 2_000;
/** A registration that got no answer for this share of the time for one is followed by a ping, which needs no Redis. */
const PING_AFTER = 0.5;

/**
 * What the gateway makes of a second registration on the same connection. `unanswered` holds for one connection: the
 * next may be to another version of it. `refused`, which cost a connection, holds for good.
 */
export type Again = "untried" | "answered" | "unanswered" | "refused";

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

interface Common {
  readonly attempts: number;
  readonly again: Again;
}

export interface Registered extends Common {
  readonly phase: "registered";
  readonly since: number;
  readonly heardAt: number;
  /** The question that nothing has answered yet, and whether a ping is part of it; null when none is open. */
  readonly asked: { readonly at: number; readonly pinged: boolean } | null;
  readonly lastAskedAt: number;
  /** When the registration was last said, and whether that was answered as such. */
  readonly saidAt: number;
  readonly confirmed: boolean;
}

export type Session =
  | (Common & { readonly phase: "waiting"; readonly until: number })
  | (Common & { readonly phase: "connecting"; readonly since: number })
  | (Common & { readonly phase: "registering"; readonly since: number })
  | Registered;

export type SessionEvent =
  | { readonly type: "tick" }
  | { readonly type: "opened" }
  /** Any frame at all proves that the connection lives. */
  | { readonly type: "frame" }
  | { readonly type: "pong" }
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
export const FRESH: Session = { phase: "waiting", until: 0, attempts: 0, again: "untried" };

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
  const { again } = session;
  const lost = (reason: CloseReason): Step => {
    const lived = session.phase === "registered" && now - session.since >= LIVED_MS;
    const attempts = lived ? 0 : session.attempts;
    const until = now + backoff(attempts, config, random);
    return {
      session: { phase: "waiting", until, attempts: attempts + 1, again: againAfter(session, reason, now) },
      // The drop is told also where the socket is closed already, because its reason is counted.
      commands: [{ type: "drop", reason }],
    };
  };
  const stay: Step = { session, commands: [] };

  if (event.type === "closed") {
    return session.phase === "waiting" ? stay : lost(event.failed ? "connect_failed" : "closed_by_gateway");
  }
  if (event.type === "replace") return session.phase === "registered" ? lost("replaced") : stay;
  if (event.type === "registered" && event.role !== config.role) {
    return session.phase === "registering" || session.phase === "registered" ? lost("wrong_role") : stay;
  }

  switch (session.phase) {
    case "waiting":
      if (event.type !== "tick" || now < session.until) return stay;
      return {
        session: { phase: "connecting", since: now, attempts: session.attempts, again },
        commands: [{ type: "connect" }],
      };
    case "connecting":
      if (event.type === "opened") {
        return {
          session: { phase: "registering", since: now, attempts: session.attempts, again },
          commands: [{ type: "register" }],
        };
      }
      return now - session.since >= config.registerTimeoutMs ? lost("connect_timeout") : stay;
    case "registering":
      if (event.type === "registered") {
        return { session: registeredNow(session, now), commands: [] };
      }
      return now - session.since >= config.registerTimeoutMs ? lost("register_timeout") : stay;
    case "registered":
      if (event.type === "frame" || event.type === "pong" || event.type === "registered") {
        return { session: heard(session, event.type, now, config), commands: [] };
      }
      return tick(session, now, config) ?? lost("pong_timeout");
  }
}

function registeredNow({ attempts, again }: Common, now: number): Registered {
  return {
    phase: "registered",
    since: now,
    attempts,
    again: again === "unanswered" ? "untried" : again,
    heardAt: now,
    asked: null,
    lastAskedAt: now,
    saidAt: now,
    confirmed: true,
  };
}

function heard(
  session: Registered,
  what: "frame" | "pong" | "registered",
  now: number,
  config: SessionConfig,
): Registered {
  const alive: Registered = { ...session, heardAt: now, asked: null };
  if (what === "registered") {
    return { ...alive, confirmed: true, again: session.confirmed ? session.again : "answered" };
  }
  // The ping was sent well after it and is answered: the gateway has taken the registration and says nothing to it.
  const passedOver = !session.confirmed && now - session.saidAt >= config.pongTimeoutMs * PING_AFTER;
  return what === "pong" && passedOver && session.again === "untried"
    ? { ...alive, again: "unanswered" }
    : alive;
}

/** Undefined when the connection is dead. */
function tick(session: Registered, now: number, config: SessionConfig): Step | undefined {
  const { asked } = session;
  if (asked !== null) {
    if (now - asked.at >= config.pongTimeoutMs) return undefined;
    if (asked.pinged || now - asked.at < config.pongTimeoutMs * PING_AFTER) return { session, commands: [] };
    return { session: { ...session, asked: { ...asked, pinged: true } }, commands: [{ type: "ping" }] };
  }
  if (now < nextQuestion(session, config)) return { session, commands: [] };
  if (!saysAgain(session)) {
    const asking = { asked: { at: now, pinged: true }, lastAskedAt: now };
    return { session: { ...session, ...asking }, commands: [{ type: "ping" }] };
  }
  const asking = { asked: { at: now, pinged: false }, lastAskedAt: now, saidAt: now, confirmed: false };
  return { session: { ...session, ...asking }, commands: [{ type: "register" }] };
}

function saysAgain({ again }: Common): boolean {
  return again === "untried" || again === "answered";
}

function nextQuestion(session: Registered, config: SessionConfig): number {
  return Math.min(
    session.heardAt + config.quietLimitMs,
    session.lastAskedAt + config.pingIntervalMs,
    saysAgain(session) ? session.saidAt + config.registerAgainMs : Number.POSITIVE_INFINITY,
  );
}

function againAfter(session: Session, reason: CloseReason, now: number): Again {
  const { again } = session;
  if (session.phase !== "registered" || session.confirmed || again !== "untried") return again;
  return reason === "closed_by_gateway" && now - session.saidAt < REFUSAL_MS ? "refused" : again;
}

/** When the next tick can change something. */
export function nextTick(session: Session, config: SessionConfig): number {
  switch (session.phase) {
    case "waiting":
      return session.until;
    case "connecting":
    case "registering":
      return session.since + config.registerTimeoutMs;
    case "registered": {
      const { asked } = session;
      if (asked === null) return nextQuestion(session, config);
      return asked.at + config.pongTimeoutMs * (asked.pinged ? 1 : PING_AFTER);
    }
  }
}
