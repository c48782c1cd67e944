/**
 * Holds the pool to what demand and policy ask: observe → decide → act → record. One loop a pool; looks and
 * calls run beside it and hand their results back to it, so nothing is decided on half a state.
 */
import { randomUUID } from "node:crypto";
import type { Clock } from "@gpu-power-manager/shared/clock";
import type { StatusQueryEvent } from "@gpu-power-manager/shared/events";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { ConsoleDriver } from "../console/driver.ts";
import { lastNeededAt, neededUntil } from "../demand/needs.ts";
import { budgetSpent } from "../policy/budget.ts";
import { scheduleOf } from "../policy/schedule.ts";
import { Actor, type ActorParts } from "./actor.ts";
import { Alarm } from "./alarm.ts";
import { decide } from "./decide/decide.ts";
import type { Decision } from "./decide/decision.ts";
import type { Order } from "./decide/order.ts";
import type { Snapshot } from "./decide/snapshot.ts";
import { Observer, type ObserverParts } from "./observer.ts";
import { type Obeyed, Orders } from "./orders.ts";
import { PlannedStops, type PlannedStopsParts } from "./planned-stops.ts";
import type { Purse } from "./purse.ts";
import { Serving, type ServingParts } from "./serving.ts";
import { SideWork } from "./side-work.ts";
import type { WorkLog } from "./work-log.ts";

/** The pause after a pass that failed (NATS away). */
const RETRY_MS = 250;
/** At a stop, calls to the console that are under way may take so long; then the browser is closed on them. */
const LAST_WAIT_MS = 3_000;

export interface ReconcilerParts
  extends ObserverParts,
    ActorParts,
    ServingParts,
    Omit<PlannedStopsParts, "driver"> {
  readonly driver: ObserverParts["driver"] &
    ActorParts["driver"] &
    Pick<ConsoleDriver, "setInstances" | "planStop">;
  readonly clock: Pick<Clock, "follow">;
  /** Whatever is kept of times has lost its meaning: how long ago it was, nobody knows. */
  readonly onClockJump: () => void;
  /** A pass is finished. */
  readonly onPass: () => void;
  readonly logger: Logger;
  /** The operator's order that holds now; null where none does. */
  readonly hold: () => Snapshot["hold"];
  readonly purse: Pick<Purse, "keep" | "budgets">;
  /** Whether a person has the console's page. */
  readonly operatorControls: () => boolean;
  readonly workLog: Pick<WorkLog, "see" | "learned">;
  readonly listeningSince: () => number | null;
  /** When the notification path was last proven from end to end; null when it never was. */
  readonly pathProvenAt: () => number | null;
  /** Since when a listener has been registered at the gateway, proven or not; null while none is. */
  readonly attendedSince: () => number | null;
}

export class Reconciler {
  private readonly parts: ReconcilerParts;
  private readonly alarm = new Alarm();
  private readonly side: SideWork;
  private readonly observer: Observer;
  private readonly actor: Actor;
  private readonly plannedStops: PlannedStops;
  private readonly serving: Serving;
  private readonly orders = new Orders();
  private booksTroubled = false;
  private askedWorkersAt: number | null = null;
  private lastDecisions: readonly Decision[] = [];
  /** The clock has jumped ahead, and that is not written down yet. */
  private clockJumped = false;

  constructor(parts: ReconcilerParts) {
    this.parts = parts;
    const side = new SideWork(parts.logger, () => this.wake());
    const calling = new Set<string>();
    this.side = side;
    this.serving = new Serving(parts, { decisions: () => this.lastDecisions });
    this.observer = new Observer(parts, { side, calling, onUp: this.serving.onUp });
    this.plannedStops = new PlannedStops(parts, side);
    this.actor = new Actor(parts, { side, calling, observer: this.observer });
  }

  /** What was decided last. */
  get decisions(): readonly Decision[] {
    return this.lastDecisions;
  }

  /** Something has changed: decide again at once. */
  wake(): void {
    this.alarm.ring();
  }

  /** The console can be asked again, after it could not: no pause that was kept for its sake is kept any longer. */
  lookNow(): void {
    this.observer.lookNow();
    this.wake();
  }

  /** Clients ask for the state: answered at once from what is known, then again from a fresh look. */
  query(queries: readonly StatusQueryEvent[]): void {
    this.serving.query(queries);
    this.wake();
  }

  /** Somebody orders a start or a stop; resolves when it has begun, or is refused. */
  async order(order: Omit<Order, "at">): Promise<Obeyed> {
    const obeyed = this.orders.give({ ...order, at: this.parts.now() });
    this.wake();
    return await obeyed;
  }

  /** What the pool is decided on at this moment. */
  get view(): Snapshot {
    return this.snapshot();
  }

  /** Runs until the signal; then gives what is under way a moment to end well. */
  async run(signal: AbortSignal): Promise<void> {
    const { logger } = this.parts;
    signal.addEventListener("abort", () => this.wake(), { once: true });
    let troubled = false;
    while (!signal.aborted) {
      let pause = RETRY_MS;
      try {
        pause = await this.pass();
        troubled = false;
      } catch (error) {
        if (!troubled) logger.error({ err: error }, "The pool cannot be reconciled yet; trying again");
        troubled = true;
      }
      await this.alarm.sleep(pause);
    }
    this.orders.refuseAll("Power is stopping; order it again in a moment.");
    await Promise.race([this.side.ended(), new Promise((resolve) => setTimeout(resolve, LAST_WAIT_MS))]);
  }

  /** Writes down what is still to be known of the last calls; to be called when the driver is closed. */
  async settle(): Promise<void> {
    await this.side.ended();
    await this.side.takeIn();
  }

  /** One pass; returns milliseconds until the next is due, if nothing wakes it sooner. */
  private async pass(): Promise<number> {
    const { now, fleet, story } = this.parts;
    await this.followClock();
    const pool = this.parts.pool();
    if (await fleet.follow(pool)) {
      this.parts.driver.setInstances(fleet.members.map(({ instance }) => instance.providerId));
      story.follows(pool, fleet.members);
    }
    await this.side.takeIn();
    await this.serving.serveDemand();
    this.serving.noticeWorker();
    const decisions = decide(this.snapshot(), now());
    this.lastDecisions = decisions;
    story.decided(decisions);

    let due = Number.POSITIVE_INFINITY;
    let lookWanted = this.serving.lookWanted;
    for (const decision of decisions) {
      if (decision.kind === "start" || decision.kind === "stop") await this.actor.begin(decision);
      else if (decision.kind === "ask") due = this.askWorkers();
      else if (decision.kind === "look") {
        lookWanted = true;
        if (decision.compare) this.observer.compareNext();
      } else if (decision.until !== null) due = Math.min(due, decision.until);
    }
    due = Math.min(due, scheduleOf(pool.policy).at(now()).nextChangeAt ?? due);
    const ordered = await this.orders.judge(
      () => this.snapshot(),
      now,
      (order) => this.actor.begin(order),
    );
    if (ordered.ask) this.askWorkers();
    if (ordered.compare) this.observer.compareNext();
    lookWanted ||= ordered.compare;
    due = Math.min(due, ordered.due);
    if (await this.serving.refuseBoots(decisions)) this.wake();
    due = Math.min(due, this.observer.lookIfDue(lookWanted, this.serving.onLook));
    await this.plannedStops.keep(this.snapshot());
    await this.keepBooks();
    this.parts.onPass();
    return due - now();
  }

  /** Behind all that is done: no start waits for what is only counted, and none is given up because it cannot be written. */
  private async keepBooks(): Promise<void> {
    const { purse, workLog, logger } = this.parts;
    try {
      await purse.keep();
      await workLog.see(this.snapshot());
      this.booksTroubled = false;
    } catch (error) {
      const words = "What was spent, or when there was work, cannot be written down; it is tried again";
      if (!this.booksTroubled) logger.warn({ err: error }, words);
      this.booksTroubled = true;
    }
  }

  /** Looks before anything is decided where nobody knows any more how long ago anything was. */
  private async followClock(): Promise<void> {
    const { clock, demand, now, story, onClockJump } = this.parts;
    const jump = clock.follow();
    if (jump !== null) story.clockJumped(jump);
    if (jump?.direction === "ahead") this.clockJumped = true;
    if (!this.clockJumped) return;
    this.observer.forget();
    this.askedWorkersAt = null;
    onClockJump();
    // Durable: the power that comes after this one must not count from before either.
    await demand.change((value) => ({ ...value, clockJumpedAt: now() }));
    this.clockJumped = false;
  }

  private snapshot(): Snapshot {
    const { demand, fleet, now } = this.parts;
    const { waiting, boots, needs } = demand.value;
    const { policy } = this.parts.pool();
    const { learned } = this.parts.workLog;
    return {
      policy: learned === null ? policy : { ...policy, idleTimeout: learned.ms },
      demand: {
        jobsWaiting: waiting.length > 0,
        bootRequested: boots.length > 0,
        lastJobAt: demand.value.lastJobAt,
        lastServedAt: demand.value.lastServedAt,
        lastActivityAt: demand.value.lastActivityAt,
        lastInactiveAt: demand.value.lastInactiveAt,
        lastWorkerOnlineAt: demand.value.lastWorkerOnlineAt,
        lastBacklogAt: demand.value.lastBacklogAt,
        clockJumpedAt: demand.value.clockJumpedAt,
        neededUntil: neededUntil(needs, now()),
        lastNeededAt: lastNeededAt(needs, now()),
      },
      instances: fleet.views(),
      recentStarts: fleet.members.flatMap((member) => member.record.starts),
      hold: this.parts.hold(),
      schedule: scheduleOf(this.parts.pool().policy).at(now()),
      budget: budgetSpent(this.parts.purse.budgets),
      operatorControls: this.parts.operatorControls(),
      learned,
      listeningSince: this.parts.listeningSince(),
      pathProvenAt: this.parts.pathProvenAt(),
      attendedSince: this.parts.attendedSince(),
      askedWorkersAt: this.askedWorkersAt,
    };
  }

  private askWorkers(): number {
    const { outbound, now } = this.parts;
    this.askedWorkersAt = now();
    const pool = this.parts.pool().pool;
    outbound.report({ kind: "task_query", pool, at: now(), reportId: randomUUID(), requestId: randomUUID() });
    return now();
  }
}
