/**
 * Events on their way to NATS: in order, bounded. Pure but for its own state; no I/O.
 *
 * Past the limit, jobs fold into one event that says how many they are and since when: a job is never
 * dropped. Boot requests fold into one, and the newest activity is kept, for only the newest counts. Questions
 * about the state are dropped, for nobody waits that long for an answer.
 */
import type { GatewayEvent } from "@gpu-power-manager/shared/events";

export interface Outgoing {
  readonly event: GatewayEvent;
  /** For the server's deduplication: of the request where there is one, else of the event. */
  readonly messageId: string;
  /** When the notice came, for the latency. */
  readonly receivedAt: number;
}

export type Offer = "kept" | "folded" | "dropped";

export class Outbox {
  private readonly limit: number;
  private items: Outgoing[] = [];
  private head = 0;
  private readonly overflow = new Map<string, Outgoing>();

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Events waiting, those folded together counted as one. */
  get depth(): number {
    return this.items.length - this.head + this.overflow.size;
  }

  offer(outgoing: Outgoing): Offer {
    if (this.items.length - this.head < this.limit && this.overflow.size === 0) {
      this.items.push(outgoing);
      return "kept";
    }
    const { event } = outgoing;
    if (event.kind === "status_query") return "dropped";
    const key = event.kind === "job" ? `job ${event.type}` : event.kind;
    const folded = this.overflow.get(key);
    this.overflow.set(key, folded === undefined ? outgoing : fold(folded, outgoing));
    return folded === undefined ? "kept" : "folded";
  }

  /** The next `count` events behind the first `skip`, without taking them out. */
  peek(skip: number, count: number): readonly Outgoing[] {
    if (this.items.length === this.head && this.overflow.size > 0 && skip === 0) this.refill();
    return this.items.slice(this.head + skip, this.head + skip + count);
  }

  /** Takes the first `count` out: NATS has them. */
  take(count: number): void {
    this.head += count;
    if (this.head > 1_024 || this.head === this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    if (this.items.length === this.head) this.refill();
  }

  /** What folded comes behind everything that did not. */
  private refill(): void {
    this.items.push(...this.overflow.values());
    this.overflow.clear();
  }

  /** Everything that waits, in order, for keeping across a restart. */
  all(): readonly Outgoing[] {
    return [...this.items.slice(this.head), ...this.overflow.values()];
  }
}

function fold(older: Outgoing, newer: Outgoing): Outgoing {
  if (older.event.kind === "job" && newer.event.kind === "job") {
    const { event } = older;
    // The folded event is no request's any more.
    return {
      ...older,
      messageId: event.eventId,
      event: { ...event, requestId: undefined, count: event.count + newer.event.count },
    };
  }
  return older.event.kind === "boot" ? older : newer;
}
