/** Whether the notification path has been heard without a break, from the listeners' signs of life. */
import type { Bus } from "@gpu-power-manager/shared/bus";
import { aliveSubject, ListenerAlive } from "@gpu-power-manager/shared/events";

/** Signs come every 2 s; a listener that misses five is taken for gone. */
const SILENCE_MS = 10_000;

interface Sign {
  readonly heardAt: number;
  /** On this process's clock. */
  readonly provenSince: number | null;
}

/** Joins the signs of one or more listeners into one stretch of hearing. Times on this process's clock. */
export class Listening {
  private readonly signs = new Map<string, Sign>();
  private coveredSince: number | null = null;

  heard(alive: ListenerAlive, now: number): void {
    // Only the listener's own difference of times is used, so the two clocks need not agree.
    const provenSince = alive.provenSince === null ? null : now - Math.max(0, alive.at - alive.provenSince);
    this.signs.set(alive.listener, { heardAt: now, provenSince });
    this.since(now);
  }

  /** Since when at least one listener could hear, without a break; null while none can. */
  since(now: number): number | null {
    let earliest: number | null = null;
    for (const [listener, sign] of this.signs) {
      if (now - sign.heardAt > SILENCE_MS) this.signs.delete(listener);
      else if (sign.provenSince !== null) earliest = Math.min(earliest ?? sign.provenSince, sign.provenSince);
    }
    this.coveredSince = earliest === null ? null : Math.min(this.coveredSince ?? earliest, earliest);
    return this.coveredSince;
  }
}

/** Follows the pool's listeners until the connection ends. */
export function followListeners(bus: Bus, pool: string, listening: Listening, now: () => number): void {
  bus.connection.subscribe(aliveSubject(pool), {
    callback: (error, message) => {
      if (error) return;
      let alive: ReturnType<typeof ListenerAlive.safeParse>;
      try {
        alive = ListenerAlive.safeParse(message.json());
      } catch {
        return;
      }
      if (alive.success) listening.heard(alive.data, now());
    },
  });
}
