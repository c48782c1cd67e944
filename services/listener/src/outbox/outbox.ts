/**
 * Events on their way to NATS: in order, bounded. Pure but for its own state; no I/O.
 *
 * Past the limit, jobs fold into one event of their type that says how many they are and since when: a job is
 * never dropped. Boot requests fold into one. Of activity and of questions about the state only the newest
 * counts, so the older one is dropped.
 */
import type { GatewayEvent } from "@gpu-power-manager/shared/events";

export interface Outgoing {
  readonly event: GatewayEvent;
  /** For the server's deduplication: of the request where there is one, else of the event. */
  readonly messageId: string;
  /** When the notice came, in milliseconds since 1970, for the latency. */
  readonly receivedAt: number;
}

/** `folded`: counted in another event. `dropped`: an older one of its kind gave way. */
export type Offer = "kept" | "folded" | "dropped";

/** Taken-out entries are cleared away in bulk, since clearing one moves all others. */
const CLEAR_AT = 1_024;

export class Outbox {
  private readonly limit: number;
  private items: Outgoing[] = [];
  private head = 0;
  private gone = 0;
  private readonly overflow = new Map<string, Outgoing>();

  /** @param limit events that are kept one by one; besides them at most one of each kind. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Events waiting, those folded together counted as one. */
  get depth(): number {
    return this.lined + this.overflow.size;
  }

  offer(outgoing: Outgoing): Offer {
    if (this.lined < this.limit && this.overflow.size === 0) {
      this.items.push(outgoing);
      return "kept";
    }
    const { event } = outgoing;
    const key = foldKey(event);
    const older = this.overflow.get(key);
    this.overflow.set(key, older === undefined ? outgoing : fold(older, outgoing));
    if (older === undefined) return "kept";
    return event.kind === "job" || event.kind === "boot" ? "folded" : "dropped";
  }

  /** The event at a place in the line, the first at 0; those that folded are not in line yet. */
  at(place: number): Outgoing | undefined {
    return this.items[this.head + place];
  }

  /** How many were taken out so far, and so the number that the first in line has among all that ever were in it. */
  get taken(): number {
    return this.gone;
  }

  /** How many are in line; those that folded are not. */
  get lined(): number {
    return this.items.length - this.head;
  }

  /** Those that are not in line yet, because it is full. */
  folded(): readonly Outgoing[] {
    return [...this.overflow.values()];
  }

  /** Takes the first `count` out: NATS has them. */
  take(count: number): void {
    this.head += count;
    this.gone += count;
    if (this.head > CLEAR_AT || this.head === this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    if (this.items.length === 0 && this.overflow.size > 0) {
      this.items.push(...this.overflow.values());
      this.overflow.clear();
    }
  }

  /** Everything that waits, in order, for keeping across a restart. */
  all(): readonly Outgoing[] {
    return [...this.items.slice(this.head), ...this.overflow.values()];
  }
}

function foldKey(event: GatewayEvent): string {
  if (event.kind === "job") return `job ${event.type}`;
  // A later "idle" must not hide that there was work: that keeps the machine on.
  if (event.kind === "activity") return `activity ${event.source} ${event.active}`;
  return event.kind;
}

function fold(older: Outgoing, newer: Outgoing): Outgoing {
  const { event } = older;
  if (event.kind === "boot") return older;
  if (event.kind !== "job" || newer.event.kind !== "job") return newer;
  const { taskType, keyHash } = newer.event;
  return {
    ...older,
    // No single request's any more, so no request's copy may stand for it; nor may an earlier count of its own.
    messageId: `${event.eventId} ${event.count + newer.event.count}`,
    event: {
      ...event,
      at: Math.min(event.at, newer.event.at),
      count: event.count + newer.event.count,
      requestId: undefined,
      taskType: event.taskType === taskType ? taskType : undefined,
      keyHash: event.keyHash === keyHash ? keyHash : undefined,
    },
  };
}
