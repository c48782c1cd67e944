import { randomBytes, randomInt } from "node:crypto";

/** Open login pages remembered at once; older ones are forgotten, as a QR code expires. */
const MAX_TICKETS = 1_000;
/** How long a poll is held open before the page asks again. */
export const POLL_HOLD_MS = 20_000;

interface Ticket {
  passed: boolean;
  wake: (() => void) | null;
  /** The slider was led by a hand. */
  slid: boolean;
  /** What was sent to the person's phone. */
  code: string | null;
}

/** A person at the login page: each page holds a ticket, and waits to be told that its person passed. */
export class LoginDesk {
  readonly #tickets = new Map<string, Ticket>();

  /** Login pages that are waiting this moment. */
  get waiting(): number {
    return [...this.#tickets.values()].filter((ticket) => ticket.wake !== null).length;
  }

  issue(): string {
    const id = randomBytes(12).toString("hex");
    this.#tickets.set(id, { passed: false, wake: null, slid: false, code: null });
    const [oldest] = this.#tickets.keys();
    if (this.#tickets.size > MAX_TICKETS && oldest !== undefined) this.#tickets.delete(oldest);
    return id;
  }

  /** The slider of this page was led by a hand. */
  slid(id: string): void {
    const ticket = this.#tickets.get(id);
    if (ticket !== undefined) ticket.slid = true;
  }

  /** Sends a code to the person's phone; undefined before the slider was passed. */
  sendCode(id: string): string | undefined {
    const ticket = this.#tickets.get(id);
    if (ticket?.slid !== true) return undefined;
    ticket.code = String(randomInt(100_000, 1_000_000));
    return ticket.code;
  }

  /** Whether this is the code that was sent; it serves once. */
  takes(id: string, code: string): boolean {
    const ticket = this.#tickets.get(id);
    return ticket?.code != null && ticket.code === code && this.#tickets.delete(id);
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
