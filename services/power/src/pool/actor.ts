/** Carries out a start or a stop: the intent is written down, then the console is called, then its answer kept. */
import { randomUUID } from "node:crypto";
import type { ActionResult, ConsoleDriver } from "../console/driver.ts";
import { type Demand, oldestPending } from "../demand/demand.ts";
import { neededUntil } from "../demand/needs.ts";
import type { KvDocument } from "../state/kv-document.ts";
import type { Decision } from "./decide/decision.ts";
import type { Fleet } from "./fleet.ts";
import { afterAction, beginAttempt } from "./instance/attempt.ts";
import type { Attempt } from "./instance/record.ts";
import type { Member } from "./member.ts";
import type { Observer } from "./observer.ts";
import type { Pool } from "./pool.ts";
import type { SideWork } from "./side-work.ts";
import type { Story } from "./story.ts";

export interface ActorParts {
  readonly pool: () => Pool;
  readonly driver: Pick<ConsoleDriver, "act">;
  readonly demand: KvDocument<typeof Demand>;
  readonly fleet: Fleet;
  readonly story: Story;
  readonly now: () => number;
  /** Whether this power holds the lease at this very moment. */
  readonly mayAct: () => boolean;
}

interface ActorContext {
  readonly side: SideWork;
  readonly observer: Pick<Observer, "lookSoon" | "compareNext">;
  /** Attempts whose call to the console has not returned. */
  readonly calling: Set<string>;
}

export class Actor {
  private readonly parts: ActorParts;
  private readonly context: ActorContext;

  constructor(parts: ActorParts, context: ActorContext) {
    this.parts = parts;
    this.context = context;
  }

  /**
   * Begins an attempt. @returns its id; undefined where another is under way, or the lease is not held.
   * @throws when the intent cannot be written down; then nothing was sent.
   */
  async begin(decision: Extract<Decision, { kind: "start" | "stop" }>): Promise<string | undefined> {
    const { fleet, demand, driver, now, story } = this.parts;
    const { side, observer, calling } = this.context;
    const member = fleet.find(decision.instance);
    if (member === undefined || !this.parts.mayAct()) return undefined;
    const { kind: action, reason } = decision;
    const { id: instance, providerId } = member.instance;
    const attemptId = randomUUID();
    const demandSince = action === "start" ? oldestPending(demand.value) : null;
    const { lastWorkerOnlineAt } = demand.value;
    const intent = { attemptId, action, reason, at: now(), demandSince };
    const record = await member.change((known) => beginAttempt(known, intent));
    // Somebody else's attempt is under way: never two at a time.
    if (record.attempt?.attemptId !== attemptId) return undefined;
    story.intended(instance, intent);
    const overtaken = this.overtaken(decision, lastWorkerOnlineAt);
    if (overtaken !== undefined) {
      await this.afterCall(member, attemptId, { outcome: "not_tried", message: overtaken });
      return attemptId;
    }
    calling.add(attemptId);
    observer.lookSoon();
    side.begin(driver.act({ providerId, attemptId, action, allowed: this.parts.mayAct }), (result) =>
      this.afterCall(member, attemptId, result),
    );
    return attemptId;
  }

  /** What came while the intent was written and makes a stop wrong; undefined when nothing has. */
  private overtaken({ kind, reason }: Decision, lastWorkerOnlineAt: number | null): string | undefined {
    if (kind !== "stop" || reason === "ordered_by_force") return undefined;
    const { value } = this.parts.demand;
    if (reason !== "surplus") return isWanted(value, this.parts.now()) ? "Work arrived." : undefined;
    // New jobs go to the other machine, too. A worker may be this machine's, and have jobs of its own.
    return value.lastWorkerOnlineAt !== lastWorkerOnlineAt ? "A worker came online." : undefined;
  }

  private async afterCall(member: Member, attemptId: string, result: ActionResult): Promise<void> {
    const { now, story } = this.parts;
    const { observer, calling } = this.context;
    const { policy } = this.parts.pool();
    const at = now();
    const attempt: Attempt | null = member.record.attempt;
    const { ended } = afterAction(member.record, attemptId, result, at, policy);
    await member.change((record) => afterAction(record, attemptId, result, at, policy).record);
    calling.delete(attemptId);
    observer.lookSoon();
    if (attempt?.attemptId === attemptId) story.answered(member.instance.id, attempt, result, at);
    if (ended !== null) {
      story.ended(member, ended, at);
      observer.compareNext();
    }
  }
}

function isWanted({ waiting, boots, needs }: Demand, now: number): boolean {
  return waiting.length + boots.length > 0 || neededUntil(needs, now) !== null;
}
