/** The ledger's state in KV: what a listener that comes after a crash has to know. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Bus } from "@gpu-power-manager/shared/bus";
import { describeError } from "@gpu-power-manager/shared/errors";
import type { Logger } from "@gpu-power-manager/shared/logger";
import { type LedgerState, readState, writeState } from "./ledger-state.ts";

const RETRY_MS = 500;
/** Of the largest message that NATS takes, this is left to subject and headers. */
const HEADROOM_BYTES = 1_024;
const COUNTED_TWICE = "after a crash jobs may be counted twice";

export class Inheritance {
  private readonly bus: Bus;
  private readonly key: string;
  private readonly logger: Logger;
  private revision: number | undefined;
  /** What was kept last. */
  private kept: string | undefined;
  /** Why the last state could not be kept; undefined when it was. */
  private trouble: string | undefined;

  constructor(bus: Bus, pool: string, logger: Logger) {
    this.bus = bus;
    this.key = `listener.${pool}.ledger`;
    this.logger = logger;
    // A bucket that was made again does not have it, and the next change may be long in coming.
    bus.kv.onRemade(() => {
      if (this.kept !== undefined) void this.keep(this.kept);
    });
  }

  /** What the listener before left; undefined where there was none. Tries until NATS answers or the signal. */
  async load(signal: AbortSignal): Promise<LedgerState | undefined> {
    for (let tries = 0; !signal.aborted; tries += 1) {
      try {
        return await this.read();
      } catch (error) {
        const words = "What the last listener left cannot be read yet; trying again";
        if (tries === 0) this.logger.warn({ cause: describeError(error) }, words);
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
    return undefined;
  }

  private async read(): Promise<LedgerState | undefined> {
    const entry = await this.bus.kv.get(this.key);
    if (entry === null || entry.operation !== "PUT") return undefined;
    try {
      return readState(entry.json());
    } catch (error) {
      this.logger.warn(
        { key: this.key, cause: describeError(error) },
        "What the last listener left cannot be understood; jobs that it heard of may be counted twice",
      );
      return undefined;
    }
  }

  /**
   * The state as it is kept; undefined where NATS does not take a message of that size. Then the one before stays,
   * and is as true as it was.
   */
  write(state: LedgerState): string | undefined {
    const text = writeState(state);
    const limit = (this.bus.connection.info?.max_payload ?? Number.POSITIVE_INFINITY) - HEADROOM_BYTES;
    if (text.length <= limit) return text;
    this.tell(`it has ${text.length} bytes, and NATS takes ${limit}: raise max_payload`);
    return undefined;
  }

  /** Keeps it; false when that could not be. Never throws: jobs may be counted twice then, but none is lost. */
  async keep(text: string): Promise<boolean> {
    try {
      this.revision = await this.bus.kv.put(this.key, text);
      this.kept = text;
      this.tell(undefined);
      return true;
    } catch (error) {
      this.tell(describeError(error));
      return false;
    }
  }

  /** Keeps it as the last word, unless another listener has taken over meanwhile. */
  async leave(text: string): Promise<void> {
    if (this.revision === undefined) return;
    try {
      await this.bus.kv.put(this.key, text, { previousSeq: this.revision });
    } catch (error) {
      this.logger.debug({ cause: describeError(error) }, "another listener keeps the ledger now");
    }
  }

  private tell(trouble: string | undefined): void {
    if (trouble !== undefined && this.trouble === undefined)
      this.logger.warn(
        { cause: trouble },
        `What the next listener has to know cannot be kept: ${COUNTED_TWICE}`,
      );
    if (trouble === undefined && this.trouble !== undefined)
      this.logger.info("what the next listener has to know is kept again");
    this.trouble = trouble;
  }
}
