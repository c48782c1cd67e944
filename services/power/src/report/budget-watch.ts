/** Puts into history that most of a budget, or all of it, is spent: there hooks, gpuctl and the page find it. */
import { setTimeout as sleep } from "node:timers/promises";
import { describeError } from "@gpu-power-manager/shared/errors";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { Outbound } from "@gpu-power-manager/shared/outbound";
import type { BudgetState } from "../policy/budget.ts";
import { BudgetsTold, budgetNews } from "../policy/budget-news.ts";
import { type DocumentStore, KvDocument } from "../state/kv-document.ts";

/** Money is spent by the hour. */
const LOOK_EVERY_MS = 30_000;

export interface BudgetWatchParts {
  readonly kv: DocumentStore;
  readonly pool: string;
  readonly budgets: () => readonly BudgetState[];
  readonly outbound: Pick<Outbound, "budget">;
  readonly mayAct: () => boolean;
  readonly now: () => number;
  readonly logger: Logger;
}

export class BudgetWatch {
  private readonly parts: BudgetWatchParts;
  private readonly told: KvDocument<typeof BudgetsTold>;

  private constructor(parts: BudgetWatchParts, told: KvDocument<typeof BudgetsTold>) {
    this.parts = parts;
    this.told = told;
  }

  /** @throws when NATS cannot be asked what was told. */
  static async open(parts: BudgetWatchParts): Promise<BudgetWatch> {
    const { kv, pool, mayAct } = parts;
    const told = await KvDocument.open({
      kv,
      key: `budgets-told.${pool}`,
      schema: BudgetsTold,
      initial: () => ({}),
      mayWrite: mayAct,
      expendable: true,
    });
    return new BudgetWatch(parts, told);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // Nothing here may end power.
      await this.look().catch((error: unknown) =>
        this.parts.logger.debug({ cause: describeError(error) }, "what is to be told of budgets has to wait"),
      );
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @throws when NATS does not take what was told; then it is told again. */
  async look(): Promise<void> {
    const { pool, budgets, outbound, mayAct, now } = this.parts;
    if (!mayAct()) return;
    const { told, news } = budgetNews(this.told.value, budgets());
    if (told === this.told.value) return;
    // Told first: a power that dies in between tells it twice, and never not at all.
    for (const each of news) outbound.budget({ kind: "budget", pool, at: now(), ...each });
    await this.told.change(() => told);
  }
}
