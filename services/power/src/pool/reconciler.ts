/**
 * Holds the pool to what demand and policy ask: observe → decide → act → record. One loop a pool; looks and
 * calls run beside it and hand their results back to it, so nothing is decided on half a state.
 */
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { StatusQueryEvent } from "@gpu-power-manager/shared/events";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { Outbound } from "@gpu-power-manager/shared/outbound";
import type { ActionResult, ConsoleDriver, PoolSighting, Sighting } from "../console/driver.ts";
import { type BootRequest, type Demand, dropBoots, oldestPending, serve } from "../demand/demand.ts";
import type { KvDocument } from "../state/kv-document.ts";
import { Alarm } from "./alarm.ts";
import { announceRunning, answerQueries, bootRefusal } from "./answers.ts";
import { pauseBetweenLooks } from "./cadence.ts";
import { type Decision, decide, type InstanceView, type Snapshot } from "./decide.ts";
import type { Fleet, Member } from "./fleet.ts";
import { type Attempt, afterAction, afterLook, beginAttempt, type Ended } from "./instance.ts";
import type { Pool } from "./pool.ts";
import type { Story } from "./story.ts";

/** The pause after a pass that failed (NATS away). */
const RETRY_MS = 250;
/** Queries that are answered from one fresh look; more come only from a flood. */
const MAX_QUERIES = 100;
/** At a stop, calls to the console that are under way may take so long; then the browser is closed on them. */
const LAST_WAIT_MS = 3_000;

export interface ReconcilerParts {
  readonly pool: () => Pool;
  readonly driver: ConsoleDriver;
  readonly demand: KvDocument<typeof Demand>;
  readonly fleet: Fleet;
  readonly outbound: Outbound;
  readonly story: Story;
  /** A pass is finished. */
  readonly onPass: () => void;
  readonly logger: Logger;
  readonly now: () => number;
  /** From 0 (inclusive) to 1. */
  readonly random: () => number;
  readonly onHold: () => boolean;
  /** Whether this power holds the lease at this very moment. */
  readonly mayAct: () => boolean;
  readonly listeningSince: () => number | null;
  /** When the notification path was last proven from end to end; null when it never was. */
  readonly pathProvenAt: () => number | null;
}

export class Reconciler {
  private readonly parts: ReconcilerParts;
  private readonly alarm = new Alarm();
  /** Results of looks and calls, taken in by the next pass. */
  private readonly inbox: Array<() => Promise<void>> = [];
  private readonly running = new Set<Promise<void>>();
  /** Attempts whose call to the console has not returned. */
  private readonly calling = new Set<string>();
  private looking = false;
  private compareWanted = true;
  private lastLookAt = Number.NEGATIVE_INFINITY;
  private lastCompareAt = Number.NEGATIVE_INFINITY;
  private nextLookAt = Number.NEGATIVE_INFINITY;
  private troubles = 0;
  private readonly queries: StatusQueryEvent[] = [];
  private askedWorkersAt: number | null = null;
  private lastDecisions: readonly Decision[] = [];
  private readonly startedAt: number;

  constructor(parts: ReconcilerParts) {
    this.parts = parts;
    this.startedAt = parts.now();
  }

  /** What was decided last. */
  get decisions(): readonly Decision[] {
    return this.lastDecisions;
  }

  views(): InstanceView[] {
    return this.parts.fleet.members.map((member) => member.view());
  }

  /** Something has changed: decide again at once. */
  wake(): void {
    this.alarm.ring();
  }

  /** Clients ask for the state: answered at once from what is known, then again from a fresh look. */
  query(queries: readonly StatusQueryEvent[]): void {
    const taken = queries.slice(0, MAX_QUERIES - this.queries.length);
    this.answer(taken, false);
    this.queries.push(...taken);
    this.wake();
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
    await Promise.race([
      Promise.allSettled(this.running),
      new Promise((resolve) => setTimeout(resolve, LAST_WAIT_MS)),
    ]);
  }

  /** Writes down what is still to be known of the last calls; to be called when the driver is closed. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.running);
    await this.takeIn();
  }

  /** One pass; returns milliseconds until the next is due, if nothing wakes it sooner. */
  private async pass(): Promise<number> {
    const { now, fleet, story } = this.parts;
    await fleet.follow(this.parts.pool());
    await this.takeIn();
    await this.serveDemand();
    this.noticeWorker();
    const decisions = decide(this.snapshot(), now());
    this.lastDecisions = decisions;
    story.decided(decisions);

    let due = Number.POSITIVE_INFINITY;
    let lookWanted = this.queries.length > 0;
    for (const decision of decisions) {
      if (decision.kind === "start" || decision.kind === "stop") await this.begin(decision);
      else if (decision.kind === "ask") due = this.askWorkers();
      else if (decision.kind === "look") {
        lookWanted = true;
        this.compareWanted ||= decision.compare;
      } else if (decision.until !== null) due = Math.min(due, decision.until);
    }
    await this.refuseBoots(decisions);

    if (!this.looking) {
      const lookAt = lookWanted
        ? Math.min(this.nextLookAt, this.lastLookAt + this.spacing())
        : this.nextLookAt;
      if (now() >= lookAt) this.look();
      else due = Math.min(due, lookAt);
    }
    this.parts.onPass();
    return due - now();
  }

  private snapshot(): Snapshot {
    const { demand, fleet } = this.parts;
    const { waiting, boots, lastJobAt, lastServedAt, lastActivityAt, lastInactiveAt } = demand.value;
    return {
      policy: this.parts.pool().policy,
      demand: {
        jobsWaiting: waiting.length > 0,
        bootRequested: boots.length > 0,
        lastJobAt,
        lastServedAt,
        lastActivityAt,
        lastInactiveAt,
      },
      instances: this.views(),
      recentStarts: fleet.members.flatMap((member) => member.record.starts),
      onHold: this.parts.onHold(),
      listeningSince: this.parts.listeningSince(),
      pathProvenAt: this.parts.pathProvenAt(),
      askedWorkersAt: this.askedWorkersAt,
    };
  }

  /** Takes in what looks and calls brought; what cannot be written yet is tried again in the next pass. */
  private async takeIn(): Promise<void> {
    for (let result = this.inbox[0]; result !== undefined; result = this.inbox[0]) {
      await result();
      this.inbox.shift();
    }
  }

  /** Runs beside the loop and brings its result back to it. */
  private beside<T>(work: Promise<T>, result: (value: T) => Promise<void>): void {
    const task: Promise<void> = work
      .then((value) => {
        this.inbox.push(() => result(value));
      })
      .catch((error: unknown) =>
        this.parts.logger.error({ err: error }, "A driver broke its promise not to throw"),
      )
      .finally(() => {
        this.running.delete(task);
        this.wake();
      });
    this.running.add(task);
  }

  // ---- observe

  /** The least time between looks that a decision asks for. */
  private spacing(): number {
    return Math.min(this.parts.pool().policy.observe.changing * 2 ** Math.min(this.troubles, 10), 15_000);
  }

  private look(): void {
    const { driver, now, fleet } = this.parts;
    const busy = fleet.members.some((member) => member.record.attempt !== null);
    const doubtful = fleet.members.some((member) =>
      ["witnesses_disagree", "page_half_loaded"].includes(member.looks.unknown?.reason ?? ""),
    );
    const overdue = now() >= this.lastCompareAt + this.parts.pool().policy.observe.compare;
    const compare = !busy && (this.compareWanted || doubtful || overdue);
    this.looking = true;
    this.lastLookAt = now();
    if (compare) {
      this.compareWanted = false;
      this.lastCompareAt = now();
    }
    const answered = this.queries.splice(0);
    this.beside(compare ? driver.compare() : driver.observe(), async (sighting) => {
      await this.afterLook(sighting, compare);
      this.looking = false;
      this.answer(answered, true);
    });
  }

  private async afterLook(sighting: PoolSighting, compared: boolean): Promise<void> {
    const { fleet, now, random } = this.parts;
    const { policy } = this.parts.pool();
    this.troubles = sighting.trouble === undefined ? 0 : this.troubles + 1;
    for (const member of fleet.members) {
      const seen = sighting.instances.get(member.instance.providerId);
      if (seen !== undefined) await this.progress(member, sighting, seen, compared);
    }
    this.nextLookAt = now() + pauseBetweenLooks(this.views(), policy, this.troubles, random());
  }

  private async progress(
    member: Member,
    { askedAt, answeredAt }: PoolSighting,
    sighting: Sighting,
    compared: boolean,
  ): Promise<void> {
    const { story } = this.parts;
    const { policy } = this.parts.pool();
    const instance = member.instance.id;
    const look = { sighting, askedAt, answeredAt, compared };
    const calling = this.calling.has(member.record.attempt?.attemptId ?? "");
    const apply = (record: Member["record"]) =>
      afterLook(record, member.looks, look, policy, member.pricePerHour, calling);
    const { looks, changed, ended } = apply(member.record);
    await member.change((record) => {
      // A running machine's last sign changes with every look, and each is written: uptime is a counter, which
      // must never go back to what an older record says.
      const next = apply(record).record;
      return isDeepStrictEqual(next, record) ? record : next;
    });
    if (sighting.state === "unknown" && sighting.reason !== member.looks.unknown?.reason) {
      story.doubted(instance, sighting);
    }
    member.looks = looks;
    if (changed !== null) {
      story.changed(instance, changed.from, changed.to, answeredAt);
      // Boot requests are answered one by one when they are served; everybody else hears it once.
      const fresh = changed.to === "running" && changed.from !== "unknown";
      if (fresh && this.parts.demand.value.boots.length === 0) this.announce(instance, []);
    }
    if (ended !== null) this.end(member, ended, answeredAt);
  }

  // ---- demand

  private async serveDemand(): Promise<void> {
    const { demand, fleet, now, story } = this.parts;
    for (const member of fleet.members) {
      const view = member.view();
      if (view.state !== "running" || view.askedAt === null || view.attempt?.action === "stop") continue;
      const askedAt = view.askedAt;
      const oldest = oldestPending(demand.value);
      const { served, boots, demand: next } = serve(demand.value, askedAt);
      if (next === demand.value) continue;
      await demand.change((value) => serve(value, askedAt).demand);
      if (boots.length > 0) this.announce(member.instance.id, boots);
      if (served > 0) story.served(member.instance.id, served, oldest === null ? null : now() - oldest);
    }
  }

  /** The first worker after a start is taken for the machine's own, where just one machine runs. */
  private noticeWorker(): void {
    const at = this.parts.demand.value.lastWorkerOnlineAt;
    const running = this.parts.fleet.members.filter((member) => member.record.runningSince !== null);
    const [member] = running;
    if (at === null || member === undefined || running.length > 1) return;
    const { runningSince, workerFrom } = member.record;
    if (runningSince === null || workerFrom === null) return;
    // What came before this process was told by the one before.
    if (at < workerFrom || at < this.startedAt) return;
    if (member.workerSeenIn === runningSince) return;
    member.workerSeenIn = runningSince;
    this.parts.story.workerOnline(member.instance.id, at - runningSince);
  }

  private announce(instance: string, boots: readonly BootRequest[]): void {
    announceRunning(this.parts.outbound, this.parts.pool().pool, instance, boots, this.parts.now());
  }

  private async refuseBoots(decisions: readonly Decision[]): Promise<void> {
    const { demand, outbound, now } = this.parts;
    const { boots } = demand.value;
    const message = boots.length > 0 ? bootRefusal(decisions) : undefined;
    if (message === undefined) return;
    for (const { requestId } of boots) {
      if (requestId === undefined) continue;
      const pool = this.parts.pool().pool;
      outbound.report({ kind: "boot_result", pool, at: now(), reportId: randomUUID(), requestId, message });
    }
    await demand.change((value) => dropBoots(value, boots));
    this.wake();
  }

  private answer(queries: readonly StatusQueryEvent[], fresh: boolean): void {
    answerQueries(
      this.parts.outbound,
      this.parts.pool().pool,
      queries,
      this.views(),
      fresh,
      this.parts.now(),
    );
  }

  private askWorkers(): number {
    const { outbound, now } = this.parts;
    this.askedWorkersAt = now();
    const pool = this.parts.pool().pool;
    outbound.report({ kind: "task_query", pool, at: now(), reportId: randomUUID(), requestId: randomUUID() });
    return now();
  }

  // ---- act

  private async begin(decision: Extract<Decision, { kind: "start" | "stop" }>): Promise<void> {
    const { fleet, demand, driver, now, story } = this.parts;
    const member = fleet.find(decision.instance);
    if (member === undefined || !this.parts.mayAct()) return;
    const { kind: action, reason } = decision;
    const { id: instance, providerId } = member.instance;
    const attemptId = randomUUID();
    const demandSince = action === "start" ? oldestPending(demand.value) : null;
    const intent = { attemptId, action, reason, at: now(), demandSince };
    const record = await member.change((known) => beginAttempt(known, intent));
    // Somebody else's attempt is under way: never two at a time.
    if (record.attempt?.attemptId !== attemptId) return;
    story.intended(instance, intent);
    if (action === "stop" && demand.value.waiting.length + demand.value.boots.length > 0) {
      // Work came while the intent was written.
      await this.afterCall(member, attemptId, { outcome: "not_tried", message: "Work arrived." });
      return;
    }
    this.calling.add(attemptId);
    this.lookSoon();
    this.beside(driver.act({ providerId, attemptId, action, allowed: this.parts.mayAct }), (result) =>
      this.afterCall(member, attemptId, result),
    );
  }

  private async afterCall(member: Member, attemptId: string, result: ActionResult): Promise<void> {
    const { now, story } = this.parts;
    const { policy } = this.parts.pool();
    const at = now();
    const attempt: Attempt | null = member.record.attempt;
    const { ended } = afterAction(member.record, attemptId, result, at, policy);
    await member.change((record) => afterAction(record, attemptId, result, at, policy).record);
    this.calling.delete(attemptId);
    this.lookSoon();
    if (attempt?.attemptId === attemptId) story.answered(member.instance.id, attempt, result, at);
    if (ended !== null) this.end(member, ended, at);
  }

  private lookSoon(): void {
    this.nextLookAt = Math.min(this.nextLookAt, this.parts.now() + this.parts.pool().policy.observe.changing);
  }

  private end(member: Member, ended: Ended, at: number): void {
    this.parts.story.ended(member, ended, at);
    this.compareWanted = true;
  }
}
