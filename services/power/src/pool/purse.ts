/** What the pool has spent, kept in KV as it grows, and what its budgets say to that. */
import type { StateBucket } from "@gpu-power-manager/shared/state-bucket";
import {
  type BudgetState,
  budgetsAt,
  type Cost,
  countSpending,
  noSpending,
  Spending,
} from "../policy/budget.ts";
import { type DocumentStore, KvDocument } from "../state/kv-document.ts";
import type { Fleet } from "./fleet.ts";
import { cost, offCost, unpricedMs } from "./instance/spending.ts";
import type { Pool } from "./pool.ts";

/** Written so often at most: a power that dies loses nothing, for the machines' own records go on. */
const WRITE_MS = 60_000;

export interface PurseParts {
  readonly kv: DocumentStore & Pick<StateBucket, "keys">;
  readonly pool: () => Pool;
  readonly fleet: Pick<Fleet, "members">;
  readonly mayWrite: () => boolean;
  readonly now: () => number;
}

export class Purse {
  private readonly parts: PurseParts;
  private readonly document: KvDocument<typeof Spending>;
  private writtenAt = Number.NEGATIVE_INFINITY;

  private constructor(parts: PurseParts, document: KvDocument<typeof Spending>) {
    this.parts = parts;
    this.document = document;
  }

  /** @throws when NATS cannot be asked. */
  static async open(parts: PurseParts): Promise<Purse> {
    const document = await KvDocument.open({
      kv: parts.kv,
      key: `spending.${parts.pool().pool}`,
      schema: Spending,
      initial: () => noSpending(parts.now()),
      mayWrite: parts.mayWrite,
      expendable: true,
    });
    return new Purse(parts, document);
  }

  /** What was spent on each day, up to now. */
  get spending(): Spending {
    return this.counted(this.document.value);
  }

  /** Each budget that policy sets, as it stands now. */
  get budgets(): BudgetState[] {
    const { budget, timeZone } = this.parts.pool().policy;
    if (Object.keys(budget).length === 0) return [];
    return budgetsAt(budget, this.counted(this.document.value), timeZone, this.parts.now());
  }

  /** Writes down what has come to it, once a minute. @throws when NATS does not take it. */
  async keep(): Promise<void> {
    const now = this.parts.now();
    // A clock that was set back must not keep it from writing.
    if (now >= this.writtenAt && now < this.writtenAt + WRITE_MS) return;
    if (this.counted(this.document.value) !== this.document.value)
      await this.document.change((value) => this.counted(value));
    this.writtenAt = now;
  }

  private counted(spending: Spending): Spending {
    const { fleet, pool, now } = this.parts;
    const costs = fleet.members.map(({ instance, record }): Cost => {
      return {
        providerId: instance.providerId,
        spent: (cost(record) ?? 0) + (offCost(record) ?? 0),
        unpricedMs: unpricedMs(record) + record.off.unpricedMs,
      };
    });
    return countSpending(spending, costs, pool().policy.timeZone, now());
  }
}
