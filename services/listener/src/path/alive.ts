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
  const publish = () => {
    // Not while NATS is away: the client would keep signs and tell them when they are no longer true.
    if (!bus.connected()) return;
    const alive = sign();
    bus.connection.publish(aliveSubject(alive.pool), JSON.stringify(alive));
  };
  const timer = setInterval(publish, EVERY_MS);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  publish();
  return { now: publish };
}
