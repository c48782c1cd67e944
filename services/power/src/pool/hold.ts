/** An operator's order to a pool: leave it as it is, keep it on, keep it off. It lies in KV under `hold.<pool>`. */
import { setTimeout as pause } from "node:timers/promises";
import type { Bus } from "@gpu-power-manager/shared/bus";
import { describeError } from "@gpu-power-manager/shared/errors";
import { HoldMode, type Hold as HoldShown } from "@gpu-power-manager/shared/holds-and-needs";
import type { Logger } from "@gpu-power-manager/shared/logger";
import { isConflict } from "@gpu-power-manager/shared/state-bucket";
import { z } from "zod";

/** Between tries to follow the key, or to put an order back into a bucket that was made again. */
const AGAIN_MS = 500;

const Time = z.number().int().nonnegative();

/** Times in milliseconds since 1970 on power's clock. */
export const StoredHold = z.object({
  version: z.literal(1),
  mode: HoldMode,
  at: Time,
  /** When it ends by itself; null: when somebody resumes. */
  until: Time.nullable(),
  reason: z.string(),
  by: z.string(),
});
export type StoredHold = z.infer<typeof StoredHold>;

/** A key that somebody wrote by hand: the order that does the least. */
const BY_HAND: StoredHold = {
  version: 1,
  mode: "as_is",
  at: 0,
  until: null,
  reason: "The key was written by hand.",
  by: "unknown",
};

export interface HoldParts {
  readonly bus: Bus;
  readonly pool: string;
  readonly logger: Logger;
  readonly now: () => number;
  readonly onChange: () => void;
}

export class Hold {
  private readonly parts: HoldParts;
  private readonly key: string;
  private stored: StoredHold | null = null;

  constructor(parts: HoldParts) {
    this.parts = parts;
    this.key = `hold.${parts.pool}`;
  }

  /** The order that holds now; null where none does. */
  get current(): StoredHold | null {
    const { stored } = this;
    return stored === null || (stored.until !== null && stored.until <= this.parts.now()) ? null : stored;
  }

  /** The same for people. */
  get shown(): HoldShown | null {
    const { current } = this;
    if (current === null) return null;
    const { mode, at, until, reason, by } = current;
    const iso = (time: number) => new Date(time).toISOString();
    return { mode, at: iso(at), until: until === null ? null : iso(until), reason, by };
  }

  /** Gives an order, in place of the one before. @throws when NATS does not take it. */
  async put(order: Omit<StoredHold, "version">): Promise<void> {
    const stored: StoredHold = { version: 1, ...order };
    await this.parts.bus.kv.put(this.key, JSON.stringify(stored));
    this.take(stored);
  }

  /** Ends the order. @throws when NATS does not take it. */
  async resume(): Promise<void> {
    await this.parts.bus.kv.delete(this.key);
    this.take(null);
  }

  /**
   * Reads the order that is in force. To be awaited before anything is decided: until it is known, a job would start a
   * machine that somebody holds off. @throws when NATS cannot be asked.
   */
  async load(): Promise<void> {
    const entry = await this.parts.bus.kv.get(this.key);
    this.take(entry?.operation === "PUT" ? read(entry) : null);
  }

  /** Follows the key until the signal: another power, or a person, may write it, too. */
  async follow(signal: AbortSignal): Promise<void> {
    const { kv } = this.parts.bus;
    let stop = () => {};
    signal.addEventListener("abort", () => stop(), { once: true });
    kv.onRemade(() => {
      // An order that nobody ended holds on. And the watch would notice only after a while.
      void this.putBack(signal);
      stop();
    });
    for (let tries = 0; !signal.aborted; tries += 1) {
      try {
        const watch = await kv.watch({ key: this.key });
        tries = 0;
        stop = () => watch.stop();
        if (signal.aborted) stop();
        for await (const entry of watch) {
          if (entry.operation === "PUT") this.take(read(entry));
          else this.take(null);
        }
      } catch (error) {
        const words = "The operator's hold cannot be followed yet; the last that is known holds on";
        if (tries === 0) this.parts.logger.warn({ cause: describeError(error) }, words);
      }
      await pause(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async putBack(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.stored !== null) {
      try {
        await this.parts.bus.kv.put(this.key, JSON.stringify(this.stored), { previousSeq: 0 });
        return;
      } catch (error) {
        // Somebody has given another order meanwhile.
        if (isConflict(error)) return;
        await pause(AGAIN_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  private take(stored: StoredHold | null): void {
    if (JSON.stringify(stored) === JSON.stringify(this.stored)) return;
    this.stored = stored;
    const { logger, onChange } = this.parts;
    if (stored === null) logger.info({}, "the operator's hold is over");
    else logger.info({ ...stored }, "the operator's hold is in force");
    onChange();
  }
}

function read(entry: { json: () => unknown }): StoredHold {
  try {
    return StoredHold.catch(BY_HAND).parse(entry.json());
  } catch {
    return BY_HAND;
  }
}
