/** The pure core (demand, instance, decide, cadence), wired as the reconciler wires it. */
import assert from "node:assert/strict";
import type { Clock } from "@gpu-power-manager/shared/clock";
import type { GatewayEvent } from "@gpu-power-manager/shared/events";
import { emptyDemand, foldEvents, serve } from "../../services/power/src/demand/demand.ts";
import {
  type BudgetSpent,
  budgetSpent,
  budgetsAt,
  countSpending,
  noSpending,
  type Spending,
} from "../../services/power/src/policy/budget.ts";
import { type Schedule, type Scheduled, scheduleOf } from "../../services/power/src/policy/schedule.ts";
import { pauseBetweenLooks } from "../../services/power/src/pool/cadence.ts";
import { decide } from "../../services/power/src/pool/decide/decide.ts";
import type { Decision } from "../../services/power/src/pool/decide/decision.ts";
import { decidePlans } from "../../services/power/src/pool/decide/planned-stop.ts";
import { afterLook } from "../../services/power/src/pool/instance/after-look.ts";
import { afterAction, beginAttempt } from "../../services/power/src/pool/instance/attempt.ts";
import { NO_LOOKS } from "../../services/power/src/pool/instance/looks.ts";
import { afterAsking, asking } from "../../services/power/src/pool/instance/own-plan.ts";
import { type InstanceRecord, newRecord } from "../../services/power/src/pool/instance/record.ts";
import { cost } from "../../services/power/src/pool/instance/spending.ts";
import { viewOf } from "../../services/power/src/pool/instance/view.ts";
import type { Policy } from "../../services/power/src/pool/pool.ts";
import { type Faults, HOUR, type Machine } from "./world.ts";

type Told<K extends GatewayEvent["kind"]> = Omit<
  Extract<GatewayEvent, { kind: K }>,
  "eventId" | "pool" | "at"
>;
export type Heard = Told<"job"> | Told<"activity"> | Told<"worker_online"> | Told<"backlog">;
type Action = Extract<Decision, { kind: "start" | "stop" }>;

export interface PowerOptions {
  readonly machines: readonly Machine[];
  readonly policy: Policy;
  readonly random: () => number;
  readonly clock: Pick<Clock, "now" | "follow">;
  /** An action is about to be sent. */
  readonly onAction: (action: Action, machine: Machine) => void;
  /** The gateway is asked for active tasks. */
  readonly onAsk: () => void;
}

export class SimulatedPower {
  demand = emptyDemand("s");
  private since: number | null;
  private readonly options: PowerOptions;
  private readonly members: ReturnType<typeof memberOf>[];
  private readonly schedule: Schedule;
  private spending: Spending;
  private sequence = 0;
  private nextLookAt: number;
  private compareWanted = true;
  private troubles = 0;
  private askedWorkersAt: number | null = null;
  /** When to decide again, if nothing wakes it sooner. */
  private dueAt = 0;

  constructor(options: PowerOptions) {
    this.options = options;
    this.members = options.machines.map(memberOf);
    this.spending = noSpending(this.now);
    this.schedule = scheduleOf(options.policy);
    this.nextLookAt = this.now;
    this.since = this.now;
  }

  /** What spent budgets forbid now. */
  get overspent(): BudgetSpent | null {
    const { budget, timeZone } = this.options.policy;
    if (Object.keys(budget).length === 0) return null;
    return budgetSpent(budgetsAt(budget, this.spending, timeZone, this.now));
  }

  /** What is written down of each machine. */
  get known(): ReadonlyArray<{ readonly record: InstanceRecord }> {
    return this.members;
  }

  /** What the schedules ask for now. */
  get scheduled(): Scheduled {
    return this.schedule.at(this.now);
  }

  /** The time as power has it. */
  get now(): number {
    return Math.round(this.options.clock.now());
  }

  get hears(): boolean {
    return this.since !== null;
  }

  /** From now on notices can be heard, or cannot. */
  set hears(hears: boolean) {
    if (hears === this.hears) return;
    this.since = hears ? this.now : null;
    this.dueAt = 0;
  }

  /** Starts within the last hour, by all records. */
  get recentStarts(): number {
    const from = this.now - HOUR;
    return this.members.flatMap(({ record }) => record.starts).filter((at) => at > from).length;
  }

  hear(event: Heard): void {
    const { now } = this;
    this.sequence += 1;
    this.dueAt = 0;
    const stamp = { eventId: `e${this.sequence}`, pool: "default", at: now };
    this.demand = foldEvents(this.demand, [{ sequence: this.sequence, event: { ...event, ...stamp } }], now);
  }

  /** Looks when it is time, serves, decides and acts. @param truth the world's own time. */
  pass(truth: number, faults: Faults): void {
    this.followClock();
    const { now } = this;
    const looks = now >= this.nextLookAt;
    if (looks) this.look(now, truth, faults);
    else if (now < this.dueAt) return;
    this.dueAt = this.schedule.at(now).nextChangeAt ?? Number.POSITIVE_INFINITY;
    for (const decision of decide(this.snapshot(now), now)) {
      if (decision.kind === "look") {
        this.compareWanted ||= decision.compare;
        this.lookBy(now + this.options.policy.observe.changing * 2 ** Math.min(this.troubles, 4));
      } else if (decision.kind === "ask") {
        this.askedWorkersAt = now;
        this.dueAt = now;
        this.options.onAsk();
      } else if (decision.kind === "start" || decision.kind === "stop") {
        this.act(decision, now, truth, faults);
      } else if (decision.until !== null) {
        this.dueAt = Math.min(this.dueAt, decision.until);
      }
    }
    this.keepPlans(now, truth, faults);
  }

  private keepPlans(now: number, truth: number, faults: Faults): void {
    const [step] = decidePlans(this.snapshot(now), now);
    const member = this.members.find(({ instance }) => instance.id === step?.instance);
    if (step === undefined || member === undefined) return;
    if (step.kind === "forget") {
      member.record = { ...member.record, plan: null };
      return;
    }
    const at = step.kind === "set" ? step.at : null;
    const asked = asking(member.record.plan, at, now);
    const result = member.machine.planStop(at, truth, faults);
    member.record = { ...member.record, plan: afterAsking(asked, at, result, now) };
  }

  private followClock(): void {
    const jump = this.options.clock.follow();
    if (jump?.direction !== "ahead") return;
    const { now } = this;
    for (const member of this.members) member.looks = NO_LOOKS;
    // The listener tells for how long it has heard; by our clock that now began so much later.
    if (this.since !== null) this.since = Math.min(now, this.since + Math.round(jump.ms));
    this.compareWanted = true;
    this.askedWorkersAt = null;
    this.nextLookAt = now;
    this.demand = { ...this.demand, clockJumpedAt: now };
  }

  private lookBy(at: number): void {
    this.nextLookAt = Math.min(this.nextLookAt, at);
  }

  private views() {
    return this.members.map(({ instance, record, looks }) => viewOf(instance, record, looks));
  }

  private look(now: number, truth: number, faults: Faults): void {
    const { policy, random } = this.options;
    const compared = this.compareWanted && this.members.every(({ record }) => record.attempt === null);
    if (compared) this.compareWanted = false;
    let trouble = false;
    for (const member of this.members) {
      const sighting = member.machine.show(compared, truth, faults);
      trouble ||= sighting.state === "unknown" && sighting.reason === "console_error";
      const blind = sighting.state === "unknown" && sighting.reason === "console_error";
      const facts = blind ? null : member.machine.tell(now, truth, faults);
      const look = { sighting, askedAt: now, answeredAt: now, compared, facts };
      const { record, looks, ended } = afterLook(
        member.record,
        member.looks,
        look,
        policy,
        member.instance,
        false,
      );
      Object.assign(member, { record, looks });
      if (ended !== null) {
        this.compareWanted = true;
        if (ended.outcome === "succeeded") {
          const goal = ended.attempt.action === "start" ? "running" : "stopped";
          assert.equal(member.machine.state, goal, "success is what is true");
        }
      }
      if (sighting.state === "running" && record.attempt?.action !== "stop")
        this.demand = serve(this.demand, now).demand;
    }
    const costs = this.members.map(({ instance, record }) => ({
      providerId: instance.providerId,
      spent: cost(record) ?? 0,
      unpricedMs: 0,
    }));
    this.spending = countSpending(this.spending, costs, policy.timeZone, now);
    this.troubles = trouble ? this.troubles + 1 : 0;
    this.nextLookAt = now + pauseBetweenLooks(this.views(), policy, this.troubles, random());
  }

  private snapshot(now: number) {
    const { demand, since } = this;
    return {
      policy: this.options.policy,
      demand: {
        jobsWaiting: demand.waiting.length > 0,
        bootRequested: false,
        neededUntil: null,
        lastNeededAt: null,
        ...demand,
      },
      instances: this.views(),
      recentStarts: this.members.flatMap(({ record }) => record.starts),
      hold: null,
      schedule: this.schedule.at(now),
      budget: this.overspent,
      operatorControls: false,
      learned: null,
      listeningSince: since,
      pathProvenAt: since === null ? null : now,
      attendedSince: since,
      askedWorkersAt: this.askedWorkersAt,
    };
  }

  private act(decision: Action, now: number, truth: number, faults: Faults): void {
    const { policy, onAction } = this.options;
    const member = this.members.find(({ instance }) => instance.id === decision.instance);
    assert.ok(member !== undefined && member.record.attempt === null, "one attempt at a time on a machine");
    onAction(decision, member.machine);
    const { kind: action, reason } = decision;
    const attemptId = `${action}-${now}`;
    const intended = beginAttempt(member.record, { attemptId, action, reason, at: now, demandSince: null });
    const answer = afterAction(intended, attemptId, member.machine.act(action, truth, faults), now, policy);
    member.record = answer.record;
    if (answer.ended !== null) this.compareWanted = true;
    this.lookBy(now + policy.observe.changing);
  }
}

function memberOf(machine: Machine, index: number) {
  const { id } = machine;
  return {
    instance: { id, providerId: id, priority: index, currency: "CNY" },
    machine,
    record: newRecord({ providerId: id }),
    looks: NO_LOOKS,
  };
}
