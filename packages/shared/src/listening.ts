/**
 * Whether the notification path has been heard without a break, from the listeners' signs of life.
 *
 * A sign says: "I have heard since then, until now." So it covers a stretch of time, and stretches that touch make one.
 * Between two that do not touch nobody is known to have heard, however short that was: a job may lie in it.
 */
import type { Bus } from "./bus.ts";
import { aliveSubject, ListenerAlive } from "./events.ts";

/** Signs come every 2 s; a listener that misses five is taken for gone. */
const SILENCE_MS = 10_000;
/** A listener registers anew within seconds. After a longer absence what came meanwhile was heard by nobody. */
const ABSENCE_MS = 60_000;
/** Stretches and listeners are remembered so long after their last sign; names are new at each start of a listener. */
const REMEMBERED_MS = 600_000;
/** By so much of itself another's clock may be slower than ours; more is a delay on the way. */
const DRIFT = 0.001;

interface Sign {
  /** On the listener's clock. */
  readonly at: number;
  readonly arrivedAt: number;
  /** When it was made, as far as its predecessors allow. */
  readonly madeAt: number;
  readonly hearing: boolean;
}

/** Somebody heard all the while. */
interface Stretch {
  readonly since: number;
  readonly until: number;
}

/** Joins the signs of one or more listeners into stretches of hearing. Times on this process's clock. */
export class Listening {
  private readonly signs = new Map<string, Sign>();
  /** None touches another; the latest is the last. */
  private stretches: readonly Stretch[] = [];
  private lastProof: number | null = null;
  private attended: { readonly since: number; readonly lastAt: number } | null = null;

  /** Returns whether the path was proven anew. */
  heard(alive: ListenerAlive, now: number): boolean {
    // Only the listener's own difference of times is used, so the two clocks need not agree.
    const here = (at: number | null) => (at === null ? null : now - Math.max(0, alive.at - at));
    const since = here(alive.provenSince);
    const madeAt = this.madeAt(alive, now);
    this.forget(now);
    this.signs.set(alive.listener, { at: alive.at, arrivedAt: now, madeAt, hearing: since !== null });
    if (since !== null) this.join({ since, until: Math.max(since, madeAt) });
    if (alive.registered) this.attended = { since: this.attendedSince(now) ?? now, lastAt: now };
    const provenAt = here(alive.provenAt);
    if (provenAt === null || (this.lastProof !== null && provenAt <= this.lastProof)) return false;
    this.lastProof = provenAt;
    return true;
  }

  /** Our own clock has jumped: how long ago the signs were, nobody knows. */
  forgetAll(): void {
    this.signs.clear();
    this.stretches = [];
    this.attended = null;
  }

  /** When any listener last had proof that the path works; null before the first. */
  get provenAt(): number | null {
    return this.lastProof;
  }

  /** Since when at least one listener could hear, without a break; null while none can. */
  since(now: number): number | null {
    const heard = [...this.signs.values()].some(
      ({ hearing, arrivedAt }) => hearing && now - arrivedAt <= SILENCE_MS,
    );
    return heard ? (this.stretches.at(-1)?.since ?? null) : null;
  }

  /**
   * Since when a listener has been registered at the gateway, but for moments, be the path proven or not; null while
   * none is. It is no proof that notices come: a gateway that passes no probe on gives none.
   */
  attendedSince(now: number): number | null {
    return this.attended === null || now - this.attended.lastAt > ABSENCE_MS ? null : this.attended.since;
  }

  /** Whether it is known by now that somebody heard all the while. */
  covers(from: number, to: number): boolean {
    return this.stretches.some(({ since, until }) => since <= from && to <= until);
  }

  /**
   * A sign that was long on its way (we may have stood still) says nothing of the time since it was made. How long it
   * was, the listener's own clock tells: so much later than its last sign it was made, and not later.
   */
  private madeAt({ listener, at }: ListenerAlive, now: number): number {
    const last = this.signs.get(listener);
    return last === undefined ? now : Math.min(now, last.madeAt + (at - last.at) * (1 + DRIFT));
  }

  private join(stretch: Stretch): void {
    const touches = ({ since, until }: Stretch) => since <= stretch.until && stretch.since <= until;
    const touching = [stretch, ...this.stretches.filter(touches)];
    const joined = {
      since: Math.min(...touching.map(({ since }) => since)),
      until: Math.max(...touching.map(({ until }) => until)),
    };
    const apart = this.stretches.filter((each) => !touches(each));
    this.stretches = [...apart, joined].sort((a, b) => a.since - b.since);
  }

  private forget(now: number): void {
    for (const [listener, { arrivedAt }] of this.signs)
      if (now - arrivedAt > REMEMBERED_MS) this.signs.delete(listener);
    this.stretches = this.stretches.filter(({ until }) => now - until <= REMEMBERED_MS);
  }
}

export interface FollowOptions {
  /** A listener that is not followed: the one that asks. */
  readonly except?: string;
  /** The path was proven anew. */
  readonly onProof?: () => void;
  /** A listener has given a sign of life. */
  readonly onSign?: (alive: ListenerAlive) => void;
}

/** Follows the pool's listeners until the connection ends. */
export function followListeners(
  bus: Bus,
  pool: string,
  listening: Listening,
  now: () => number,
  { except, onProof, onSign }: FollowOptions = {},
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
      onSign?.(alive.data);
      if (listening.heard(alive.data, now())) onProof?.();
    },
  });
}
