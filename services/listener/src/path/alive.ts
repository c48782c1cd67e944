import type { Bus } from "@gpu-power-manager/shared/bus";
import { aliveSubject, type ListenerAlive } from "@gpu-power-manager/shared/events";

/** Often enough that power notices within seconds that nobody listens. */
const EVERY_MS = 2_000;

export interface AliveOptions {
  readonly bus: Bus;
  readonly sign: () => ListenerAlive;
  readonly signal: AbortSignal;
}

export interface Alive {
  /** Tells at once, because something has changed. */
  readonly now: () => void;
}

/** Publishes signs of life until the signal. */
export function startAlive({ bus, sign, signal }: AliveOptions): Alive {
  const publish = (alive: ListenerAlive) => {
    // Not while NATS is away: the client would keep signs and tell them when they are no longer true.
    if (bus.connected()) bus.connection.publish(aliveSubject(alive.pool), JSON.stringify(alive));
  };
  const now = () => publish(sign());
  const timer = setInterval(now, EVERY_MS);
  const leave = () => {
    clearInterval(timer);
    // Whoever has registered meanwhile goes on where we end, so where we end is told, and that we end.
    const last = sign();
    publish(last);
    publish({ ...last, provenSince: null, registered: false });
  };
  signal.addEventListener("abort", leave, { once: true });
  now();
  return { now };
}
