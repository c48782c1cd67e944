/**
 * Ids of the messages of the last minutes, by which a second copy of an event is known.
 *
 * JetStream drops copies by itself, but not all: its memory of ids is made anew from the stream when a server starts,
 * and a work queue no longer holds what was acknowledged. So when the leader of a cluster dies, what one listener has
 * delivered another may publish once more. PURE but for what it remembers.
 */
export class RecentIds {
  private readonly windowMs: number;
  private readonly limit: number;
  private readonly known = new Map<string, { readonly sequence: number; readonly at: number }>();

  /** @param limit how many are remembered; of more the oldest are forgotten. */
  constructor(windowMs: number, limit: number) {
    this.windowMs = windowMs;
    this.limit = limit;
  }

  /**
   * Whether a message of another sequence came under this id not long ago. The same sequence again is no copy: it is
   * delivered anew, because it was not acknowledged.
   */
  isCopy(id: string, sequence: number, now: number): boolean {
    const first = this.known.get(id);
    if (first !== undefined && now - first.at < this.windowMs) return first.sequence !== sequence;
    this.known.delete(id);
    this.known.set(id, { sequence, at: now });
    if (this.known.size > this.limit) {
      for (const oldest of this.known.keys()) {
        this.known.delete(oldest);
        break;
      }
    }
    return false;
  }
}
