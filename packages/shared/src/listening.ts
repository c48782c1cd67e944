/** Whether the notification path has been heard without a break, from the listeners' signs of life. */
import type { Bus } from "./bus.ts";
import { aliveSubject, ListenerAlive } from "./events.ts";

/** Signs come every 2 s; a listener that misses five is taken for gone. */
const SILENCE_MS = 10_000;
/** A listener registers anew within seconds. After a longer absence what came meanwhile was heard by nobody. */
const ABSENCE_MS = 60_000;

interface Sign {
  readonly heardAt: number;
  /** On this process's clock. */
  readonly provenSince: number | null;
}

/** Joins the signs of one or more listeners into one stretch of hearing. Times on this process's clock. */
export class Listening {
  private readonly signs = new Map<string, Sign>();
  private coveredSince: number | null = null;
  private lastProof: number | null = null;
  private attended: { readonly since: number; readonly lastAt: number } | null = null;

  /** Returns whether the path was proven anew. */
  heard(alive: ListenerAlive, now: number): boolean {
    // Only the listener's own difference of times is used, so the two clocks need not agree.
    const here = (at: number | null) => (at === null ? null : now - Math.max(0, alive.at - at));
    this.signs.set(alive.listener, { heardAt: now, provenSince: here(alive.provenSince) });
    if (alive.registered) this.attended = { since: this.attendedSince(now) ?? now, lastAt: now };
    const provenAt = here(alive.provenAt);
    this.since(now);
    if (provenAt === null || (this.lastProof !== null && provenAt <= this.lastProof)) return false;
    this.lastProof = provenAt;
    return true;
  }

  /** When any listener last had proof that the path works; null before the first. */
  get provenAt(): number | null {
    return this.lastProof;
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

  /**
   * Since when a listener has been registered at the gateway, but for moments, be the path proven or not; null while
   * none is. It is no proof that notices come: a gateway that passes no probe on gives none.
   */
  attendedSince(now: number): number | null {
    return this.attended === null || now - this.attended.lastAt > ABSENCE_MS ? null : this.attended.since;
  }
}

export interface FollowOptions {
  /** A listener that is not followed: the one that asks. */
  readonly except?: string;
  /** The path was proven anew. */
  readonly onProof?: () => void;
}

/** Follows the pool's listeners until the connection ends. */
export function followListeners(
  bus: Bus,
  pool: string,
  listening: Listening,
  now: () => number,
  { except, onProof }: FollowOptions = {},
): void {
  bus.connection.subscribe(aliveSubject(pool), {
    callback: (error, message) => {
      if (error) return;
      let alive: ReturnType<typeof ListenerAlive.safeParse>;
      try {
        alive = ListenerAlive.safeParse(message.json());
      } catch {
        return;
      }
      if (!alive.success || alive.data.listener === except) return;
      if (listening.heard(alive.data, now())) onProof?.();
    },
  });
}
