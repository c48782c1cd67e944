/**
 * What the gateway says twice. Pure but for what it remembers.
 *
 * Ids of requests are the clients' own and may be as short as "1" each time, so an id that comes again is a copy only
 * as long as the gateway itself may be repeating it.
 */

/** A question or a boot request that is said twice is so in one breath; a client may ask again a little later. */
const ASK_REPEATED_MS = 2_000;
/** The gateway keeps the notice of a job for a minute where it cannot deliver it. */
const JOB_REPEATED_MS = 60_000;
/** Requests that are remembered, so that a flood of ids cannot fill the memory. */
const LIMIT = 10_000;

export class Repeats {
  private readonly asks = new Map<string, { readonly messageId: string; readonly at: number }>();
  private readonly jobs = new Map<string, { readonly number: number; readonly at: number }>();

  /**
   * The message id of a question or a boot request.
   * @param ask what it asks, its id, and the gateway's number of the connection that asked.
   * @param fresh an id for one that is no copy.
   */
  idOfAsk(ask: string, fresh: string, now: number): string {
    const known = this.asks.get(ask);
    if (known !== undefined && now - known.at < ASK_REPEATED_MS) return known.messageId;
    remember(this.asks, ask, { messageId: fresh, at: now });
    return fresh;
  }

  /**
   * The message id of a job that names its request: the request's own, and a numbered one for each job that comes
   * later under the same name. Listeners that hear the same agree on it.
   */
  idOfJob(requestsOwn: string, now: number): string {
    const known = this.jobs.get(requestsOwn);
    const again = known !== undefined && now - known.at >= JOB_REPEATED_MS;
    const number = (known?.number ?? 1) + (again ? 1 : 0);
    if (known === undefined || again) remember(this.jobs, requestsOwn, { number, at: now });
    return number === 1 ? requestsOwn : `${requestsOwn}-${number}`;
  }

  /** A new connection: the gateway may have started anew, and its numbers of connections with it. */
  connectedAnew(): void {
    this.asks.clear();
  }
}

function remember<T>(known: Map<string, T>, name: string, what: T): void {
  known.delete(name);
  known.set(name, what);
  for (const oldest of known.keys()) {
    if (known.size <= LIMIT) return;
    known.delete(oldest);
  }
}
