/** When there was work, kept in KV, and the idle time that is learned from it. */
import { creditAfter, type Learned, learnIdleTime } from "../policy/idle-time.ts";
import { gapsOf, noWorkSeen, seeWork, usualBoot, WorkSeen } from "../policy/work-spells.ts";
import { type DocumentStore, KvDocument } from "../state/kv-document.ts";
import { isOfUse, isStarting, type Snapshot } from "./decide/snapshot.ts";
import type { Policy, Pool } from "./pool.ts";

/** A spell that goes on is written so often; a new one at once. */
const WRITE_MS = 60_000;
/** Habits change: only this long is learned from. */
export const LEARNED_FROM_MS = 14 * 86_400_000;
/** More gaps than these tell nothing new, and would take longer to reckon with. */
const MOST_GAPS = 500;

export interface WorkLogParts {
  readonly kv: DocumentStore;
  readonly pool: () => Pool;
  readonly mayWrite: () => boolean;
  readonly now: () => number;
}

export class WorkLog {
  private readonly parts: WorkLogParts;
  private readonly document: KvDocument<typeof WorkSeen>;
  private current: WorkSeen;
  private writtenAt: number;
  private known:
    | { readonly spells: number; readonly policy: Policy; readonly value: Learned | null }
    | undefined;

  private constructor(parts: WorkLogParts, document: KvDocument<typeof WorkSeen>) {
    this.parts = parts;
    this.document = document;
    this.current = document.value;
    this.writtenAt = parts.now();
  }

  /** @throws when NATS cannot be asked. */
  static async open(parts: WorkLogParts): Promise<WorkLog> {
    const document = await KvDocument.open({
      kv: parts.kv,
      key: `work.${parts.pool().pool}`,
      schema: WorkSeen,
      initial: () => noWorkSeen(parts.now()),
      mayWrite: parts.mayWrite,
      expendable: true,
    });
    return new WorkLog(parts, document);
  }

  get seen(): WorkSeen {
    return this.current;
  }

  /** How long a start usually takes; null where none was seen within two weeks. */
  get boot(): number | null {
    return usualBoot(this.current.spells, this.parts.now() - LEARNED_FROM_MS);
  }

  /** The idle time that is learned; null where policy says a fixed one, or no start was seen to learn from. */
  get learned(): Learned | null {
    const { policy } = this.parts.pool();
    if (!policy.idleAuto) return null;
    const { spells, credit } = this.current;
    // It changes with each spell; and the credit with it.
    if (this.known?.policy === policy && this.known.spells === spells.length) return this.known.value;
    const startCost = this.startCost;
    const gaps = gapsOf(spells, this.parts.now() - LEARNED_FROM_MS).slice(-MOST_GAPS);
    const limits = { min: policy.idleTimeoutMin, max: policy.idleTimeoutMax };
    const value = startCost === null ? null : learnIdleTime(gaps, startCost, credit, limits);
    this.known = { spells: spells.length, policy, value };
    return value;
  }

  /** What a start costs, as milliseconds of running; null where none was seen. */
  get startCost(): number | null {
    const { boot } = this;
    return boot === null ? null : boot * (1 + this.parts.pool().policy.waitingWorth);
  }

  /** Sees whether there is work now. @throws when NATS does not take it. */
  async see({ demand, instances, policy }: Pick<Snapshot, "demand" | "instances" | "policy">): Promise<void> {
    const now = this.parts.now();
    const wanted = demand.jobsWaiting || demand.bootRequested;
    const signs = [
      demand.lastJobAt,
      demand.lastServedAt,
      demand.lastActivityAt,
      ...instances.map(({ gpuBusyAt }) => gpuBusyAt),
    ];
    const last = Math.max(...signs.map((at) => at ?? 0));
    const waiting = wanted && !instances.some(isOfUse);
    const sign = {
      at: wanted || demand.neededUntil !== null ? now : last,
      waiting,
      starting: waiting && instances.some((each) => isStarting(each, policy, now)),
    };
    const before = this.current;
    const next = seeWork(before, sign, now, (gap) => this.creditAfter(gap));
    if (next === before) return;
    const isNew = next.spells.at(-1)?.from !== before.spells.at(-1)?.from;
    this.current = next;
    if (isNew) this.known = undefined;
    if (!isNew && now >= this.writtenAt && now < this.writtenAt + WRITE_MS) return;
    await this.document.change(() => this.current);
    this.writtenAt = now;
  }

  private creditAfter(gap: number): number {
    const { learned } = this;
    const { credit } = this.current;
    return learned === null ? credit : creditAfter(credit, gap, learned.ms, learned.startCost);
  }
}
