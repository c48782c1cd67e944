/** The ledger's state in KV: what a listener that comes after a crash has to know. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Bus } from "@gpu-power-manager/shared/bus";
import { describeError } from "@gpu-power-manager/shared/errors";
import type { Logger } from "@gpu-power-manager/shared/logger";
import { LedgerState } from "./ledger.ts";

const RETRY_MS = 500;

export class Inheritance {
  private readonly bus: Bus;
  private readonly key: string;
  private readonly logger: Logger;
  private revision: number | undefined;

  constructor(bus: Bus, pool: string, logger: Logger) {
    this.bus = bus;
    this.key = `listener.${pool}.ledger`;
    this.logger = logger;
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
    const state = LedgerState.safeParse(entry.json());
    if (state.success) return state.data;
    this.logger.warn(
      { key: this.key, cause: state.error.issues[0]?.message },
      "What the last listener left cannot be read; jobs that it heard of may be counted twice",
    );
    return undefined;
  }

  /** Keeps it. Never throws: without it jobs may be counted twice after a crash, but none is lost. */
  async keep(state: LedgerState): Promise<void> {
    try {
      this.revision = await this.bus.kv.put(this.key, JSON.stringify(state));
    } catch (error) {
      this.logger.debug({ cause: describeError(error) }, "the ledger cannot be kept yet");
    }
  }

  /** Keeps it as the last word, unless another listener has taken over meanwhile. */
  async leave(state: LedgerState): Promise<void> {
    if (this.revision === undefined) return;
    try {
      await this.bus.kv.put(this.key, JSON.stringify(state), { previousSeq: this.revision });
    } catch (error) {
      this.logger.debug({ cause: describeError(error) }, "another listener keeps the ledger now");
    }
  }
}
