/** Holds the lease in KV for this process, or stands by until it may be taken. The rules are in lease-rules.ts. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { bootMs } from "@gpu-power-manager/shared/clock";
import { describeError, Fatal } from "@gpu-power-manager/shared/errors";
import type { Logger } from "@gpu-power-manager/shared/logger";
import { isConflict, type StateStore } from "@gpu-power-manager/shared/state-bucket";
import { z } from "zod";
import {
  type Holder,
  type Lease,
  LOOK_MS,
  mayAct,
  RENEW_MS,
  read,
  refused,
  STANDBY,
  vanished,
  writeOn,
  written,
} from "./lease-rules.ts";

/** How long an answer is awaited: three tries fit into the holder's time. */
export const LEASE_ANSWER_MS = 1_500;

const Stored = z.object({
  holder: z.object({ id: z.string(), name: z.string(), since: z.string() }).nullable(),
});

/** Whoever it is: waited for like any holder. */
const UNKNOWN: Holder = { id: "", name: "an unknown power", since: "" };

export interface LeaseOptions {
  readonly kv: StateStore;
  readonly pool: string;
  readonly logger: Logger;
  /** Acting is possible again after a while in which it was not. */
  readonly onRegained: () => void;
}

export class PoolLease {
  private readonly options: LeaseOptions;
  private readonly key: string;
  private readonly self: Holder;
  private readonly leaving = new AbortController();
  private keeping: Promise<void> = Promise.resolve();
  private lease: Lease = STANDBY;
  private told = "";

  constructor(options: LeaseOptions) {
    this.options = options;
    this.key = `lease.${options.pool}`;
    this.self = {
      id: randomUUID(),
      name: `${hostname()}:${process.pid}`,
      since: new Date().toISOString(),
    };
    options.kv.onRemade(() => {
      this.lease = vanished(this.lease, bootMs());
    });
  }

  /** Whether this process may act at this very moment; to be asked just before anything is sent. */
  get held(): boolean {
    return mayAct(this.lease, bootMs());
  }

  /** This power's own name, as others see it. */
  get name(): string {
    return this.self.name;
  }

  /** Who holds it, as far as a standby has seen. */
  get other(): Holder | null {
    return this.lease.role === "standby" ? (this.lease.seen?.holder ?? null) : null;
  }

  /** Resolves when this process holds the lease. @throws Fatal when the signal ends the wait. */
  async acquire(signal: AbortSignal): Promise<void> {
    const { logger } = this.options;
    for (;;) {
      if (signal.aborted) throw new Fatal("stopped", "The service was stopped while it stood by");
      await this.attempt();
      if (this.lease.role === "holder") break;
      const { other } = this;
      if (other !== null && other.id !== this.told) {
        this.told = other.id;
        logger.info({ holder: other.name, since: other.since }, "another power holds the lease; standing by");
      }
      await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
    logger.info({ pool: this.options.pool }, "this power acts: it holds the lease");
  }

  /** Renews until `release`. @throws Fatal when another power has taken over: this process must end. */
  keep(): Promise<void> {
    this.keeping = this.renew();
    return this.keeping;
  }

  private async renew(): Promise<void> {
    const { logger, onRegained } = this.options;
    const { signal } = this.leaving;
    let told = false;
    while (!signal.aborted) {
      const before = this.lease;
      const answered = await this.attempt();
      // Also after its bucket was deleted, when it stands by again: what is in memory is the other's now.
      if (this.lease.role === "lost" || (this.other !== null && this.other !== UNKNOWN)) {
        throw new Fatal(
          "lease_lost",
          "Another power has taken over, because this one could not renew its lease in time. " +
            "It ends; started again it stands by",
        );
      }
      if (!this.held) {
        if (!told) logger.warn({}, "The lease cannot be renewed: nothing is started or stopped until it is");
        told = true;
      } else if (!mayAct(before, bootMs())) {
        // Also after a lapse that began and ended within this renewal: what was wanted meanwhile was not done.
        logger.info({}, "the lease is renewed again");
        told = false;
        onRegained();
      }
      await pause(answered ? RENEW_MS : LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Leaves the lease to whoever wants it, at once. To be called when nothing more will be done. */
  async release(): Promise<void> {
    this.leaving.abort();
    // A renewal that is still under way would make this write, or this write that renewal, be refused.
    await this.keeping.catch(() => undefined);
    if (this.lease.role !== "holder") return;
    const { revision } = this.lease;
    this.lease = { role: "lost" };
    await this.options.kv.put(this.key, JSON.stringify({ holder: null }), { previousSeq: revision });
  }

  /**
   * Looks where that is needed, and writes where it is time. NATS away changes nothing: time runs on.
   * @returns whether NATS did what it was asked for.
   */
  private async attempt(): Promise<boolean> {
    const { kv, logger } = this.options;
    try {
      if (this.lease.role === "standby") await this.look();
      // A revision that another bucket had could be right in this one by chance.
      if (!this.held && writeOn(this.lease, bootMs()) !== undefined) await kv.ensure();
      const sentAt = bootMs();
      const on = writeOn(this.lease, sentAt);
      if (on === undefined) return true;
      const text = JSON.stringify({ holder: this.self });
      this.lease = written(this.lease, await kv.put(this.key, text, { previousSeq: on }), sentAt);
      return true;
    } catch (error) {
      if (isConflict(error)) {
        await this.settleConflict();
      } else {
        logger.debug({ cause: describeError(error) }, "the lease could not be read or written");
      }
      return false;
    }
  }

  /** A refused write: by another's, or by one of our own whose answer was lost. */
  private async settleConflict(): Promise<void> {
    const entry = await this.options.kv.get(this.key).catch(() => undefined);
    // Not known whose it is: the next write is refused too, and asked about again.
    if (entry === undefined) return;
    if (entry === null) {
      this.lease = vanished(this.lease, bootMs());
      return;
    }
    const stored = entry.operation === "PUT" ? Stored.safeParse(entry.json()).data : undefined;
    if (stored?.holder?.id === this.self.id && this.lease.role === "holder") {
      // Nothing is known of when it was sent, so it gives no further time: only the next renewal does.
      this.lease = { ...this.lease, revision: entry.revision };
    } else {
      this.lease = refused(this.lease);
    }
  }

  private async look(): Promise<void> {
    const entry = await this.options.kv.get(this.key);
    // In a bucket that is not the first, somebody may hold it who has not found out yet.
    let holder = entry === null && this.options.kv.madeAgain ? UNKNOWN : null;
    if (entry?.operation === "PUT") {
      const stored = Stored.safeParse(entry.json());
      // Unreadable is by another version: waited for like any holder.
      holder = stored.success ? stored.data.holder : { ...UNKNOWN, name: "another version" };
      // A write of our own whose answer was lost: nobody else is to be waited for.
      if (holder?.id === this.self.id) holder = null;
    }
    this.lease = read(this.lease, entry?.revision ?? 0, holder, bootMs());
  }
}
