import { randomBytes } from "node:crypto";

/** Open login pages remembered at once; older ones are forgotten, as a QR code expires. */
const MAX_TICKETS = 1_000;
/** How long a poll is held open before the page asks again. */
export const POLL_HOLD_MS = 20_000;

/** A person at the login page: each page holds a ticket, and waits to be told that its person passed. */
export class LoginDesk {
  readonly #tickets = new Map<string, { passed: boolean; wake: (() => void) | null }>();

  /** Login pages that are waiting this moment. */
  get waiting(): number {
    return [...this.#tickets.values()].filter((ticket) => ticket.wake !== null).length;
  }

  issue(): string {
    const id = randomBytes(12).toString("hex");
    this.#tickets.set(id, { passed: false, wake: null });
    const [oldest] = this.#tickets.keys();
    if (this.#tickets.size > MAX_TICKETS && oldest !== undefined) this.#tickets.delete(oldest);
    return id;
  }

  /** The person at every open login page passes. Returns how many pages were waiting. */
  passAll(): number {
    const waiting = this.waiting;
    for (const ticket of this.#tickets.values()) {
      ticket.passed = true;
      ticket.wake?.();
    }
    return waiting;
  }

  /** Resolves true once the ticket's person passed (a ticket serves once), false when `signal` ends the wait. */
  async wait(id: string, signal: AbortSignal): Promise<boolean> {
    const ticket = this.#tickets.get(id);
    if (ticket === undefined) return false;
    if (!ticket.passed && !signal.aborted) {
      await new Promise<void>((resolve) => {
        ticket.wake = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
      ticket.wake = null;
    }
    if (signal.aborted || !ticket.passed) return false;
    return this.#tickets.delete(id);
  }
}
