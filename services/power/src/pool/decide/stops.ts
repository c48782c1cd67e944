/** Whether an idle machine is stopped, or why it stays on. Pure. */
import type { Policy } from "../pool.ts";
import { type Decision, keep, type REASONS } from "./decision.ts";
import { busyUntil, type InstanceView, isCompared, type Snapshot } from "./snapshot.ts";
import { type Want, waitsToBeServed } from "./wanted.ts";

/** How long the answer to "is any task active?" is waited for; older gateways never answer. */
export const ANSWER_WAIT_MS = 5_000;
/** How long that answer is good enough to stop on. */
export const ANSWER_VALID_MS = 30_000;
/** The gateway takes a task for given up after this: a job that was handed out longer ago is nobody's work any more. */
export const UNREPORTED_MS = 600_000;

/** One of the conditions for a stop, all of which have to hold. */
export interface StopCondition {
  readonly name:
    | "no_action_in_flight"
    | "nobody_controls"
    | "nothing_waits"
    | "not_needed"
    | "gpu_idle"
    | "not_held"
    | "not_scheduled"
    | "notices_heard"
    | "min_run_time_over"
    | "idle_long_enough"
    | "not_resting"
    | "gateway_asked"
    | "gateway_answered"
    | "path_proven"
    | "witnesses_compared";
  readonly holds: boolean;
  /** When it holds at the earliest, as far as that is known. */
  readonly from: number | null;
  /** What is done while it does not hold. */
  readonly otherwise: Decision;
}

/** Rule 9 of the architecture: every condition that keeps a machine on, the cheapest to know first. */
export function stopConditions(
  instance: InstanceView,
  snapshot: Snapshot,
  want: Want | null,
  now: number,
): readonly StopCondition[] {
  const { demand, hold, schedule, askedWorkersAt: asked } = snapshot;
  const policy = patienceOf(instance, snapshot);
  const { runningSince, provenAt, unprovenAt, patient, idleAt } = idleness(instance, snapshot, policy, now);
  const busy = busyUntil(instance, now);
  const ranAt = runningSince + policy.minRunTime;
  // A question of before says nothing: its answer may have been the activity that idleness is counted from.
  const isAsked = asked !== null && asked >= idleAt && now < asked + ANSWER_VALID_MS;
  const answeredAt = (asked ?? now) + ANSWER_WAIT_MS;
  const answered = asked !== null && demand.lastInactiveAt !== null && demand.lastInactiveAt >= asked;
  const condition = (
    name: StopCondition["name"],
    holds: boolean,
    from: number | null,
    otherwise: Decision,
  ): StopCondition => ({ name, holds, from: holds ? null : from, otherwise });
  const keeping = (
    name: StopCondition["name"],
    holds: boolean,
    reason: (typeof REASONS.keep)[number],
    from: number | null = null,
  ) => condition(name, holds, from, keep(instance, reason, from));
  const heldBy = hold?.mode === "on" ? "held_on" : "on_hold";
  return [
    keeping("no_action_in_flight", instance.attempt === null, "action_in_flight"),
    keeping("nobody_controls", !snapshot.operatorControls, "operator_controls"),
    keeping("nothing_waits", want === null || !waitsToBeServed(want), "jobs_pending"),
    keeping("not_needed", demand.neededUntil === null, "needed", demand.neededUntil),
    // What computes is at work, although nobody told of it.
    keeping("gpu_idle", busy === null, "gpu_busy", busy),
    keeping("not_held", hold === null || hold.mode === "off", heldBy, hold?.until ?? null),
    keeping(
      "not_scheduled",
      schedule.keepOn === null || hold?.mode === "off" || stopsForBudget(snapshot),
      "scheduled",
      schedule.keepOn?.until ?? null,
    ),
    // Deaf is not idle: what could not be heard may be work.
    keeping("notices_heard", provenAt !== null || patient, "path_unproven", unprovenAt),
    keeping("min_run_time_over", now >= ranAt, "min_run_time", ranAt),
    keeping("idle_long_enough", now >= idleAt, "idle_not_reached", Number.isFinite(idleAt) ? idleAt : null),
    keeping("not_resting", instance.restUntil <= now, "resting", instance.restUntil),
    condition("gateway_asked", isAsked, null, { kind: "ask", reason: "ask_before_stop" }),
    keeping("gateway_answered", answered || now >= answeredAt, "waiting_for_answer", answeredAt),
    keeping(
      "path_proven",
      isProven(snapshot, provenAt, now) || patient,
      "path_unproven",
      (asked ?? now) + ANSWER_VALID_MS,
    ),
    condition("witnesses_compared", isCompared(instance, now), null, {
      kind: "look",
      compare: true,
      reason: "compare_before_stop",
    }),
  ];
}

/** Stops a machine for which every condition holds; else does what the first that does not hold asks for. */
export function decideStop(
  instance: InstanceView,
  snapshot: Snapshot,
  want: Want | null,
  now: number,
): Decision {
  const missing = stopConditions(instance, snapshot, want, now).find(({ holds }) => !holds);
  if (missing !== undefined) return missing.otherwise;
  const { provenAt } = idleness(instance, snapshot, patienceOf(instance, snapshot), now);
  return {
    kind: "stop",
    instance: instance.id,
    reason: reasonOf(snapshot, isProven(snapshot, provenAt, now)),
  };
}

/**
 * A registration that was lost in silence looks like quiet. With the question before a stop the path is probed: a proof
 * from after it says that nothing was missed, because a path that was mended counts its hearing anew.
 */
function isProven({ askedWorkersAt, pathProvenAt }: Snapshot, provenAt: number | null, now: number): boolean {
  if (provenAt === null || now < provenAt) return false;
  return askedWorkersAt !== null && pathProvenAt !== null && pathProvenAt >= askedWorkersAt;
}

/**
 * The times that policy asks for; in a quiet time a shorter idle time; where an operator or a spent budget wants the
 * machine off, no longer than its work may take.
 */
export function poolPatience(snapshot: Pick<Snapshot, "policy" | "hold" | "schedule" | "budget">): Policy {
  const { policy, hold, schedule } = snapshot;
  const quiet = schedule.quiet?.idleTimeout ?? Number.POSITIVE_INFINITY;
  const idleTimeout = Math.min(policy.idleTimeout, quiet);
  if (hold?.mode !== "off" && !stopsForBudget(snapshot)) return { ...policy, idleTimeout };
  return { ...policy, idleTimeout: Math.min(idleTimeout, UNREPORTED_MS), minRunTime: 0 };
}

/** A budget is spent that asks for a stop as soon as nothing works; what an operator keeps on stays. */
function stopsForBudget({ budget }: Pick<Snapshot, "budget">): boolean {
  return budget?.action === "stop_when_idle_at_once";
}

/** The same for one machine: where it is on only for not being deleted, no longer than that takes. */
export function patienceOf(instance: InstanceView, snapshot: Snapshot): Policy {
  const policy = poolPatience(snapshot);
  if (snapshot.hold?.mode === "off" || !isOnlyKept(instance, snapshot)) return policy;
  const least = Math.max(policy.minRunTime, UNREPORTED_MS);
  return { ...policy, idleTimeout: Math.min(policy.idleTimeout, least) };
}

/** It was started for not being deleted, and there has been no sign of work since. */
function isOnlyKept({ ownStart, gpuBusyAt }: InstanceView, { demand }: Snapshot): boolean {
  if (ownStart?.forRelease !== true) return false;
  const signs = [
    demand.lastJobAt,
    demand.lastServedAt,
    demand.lastActivityAt,
    demand.lastNeededAt,
    gpuBusyAt,
  ];
  return signs.every((at) => at === null || at < ownStart.at);
}

function reasonOf(snapshot: Snapshot, proven: boolean): (typeof REASONS.stop)[number] {
  if (!proven) return "idle_unproven";
  if (snapshot.hold?.mode === "off") return "held_off";
  return stopsForBudget(snapshot) ? "budget_spent" : "idle";
}

/**
 * When the machine is idle by a proven path, and when by one that need not be proven; null where that cannot be, because
 * nobody hears, or policy does not allow it.
 */
function idleness(instance: InstanceView, snapshot: Snapshot, policy: Policy, now: number) {
  const { demand, listeningSince, attendedSince } = snapshot;
  const runningSince = instance.runningSince ?? now;
  const lastSign = Math.max(
    runningSince,
    instance.gpuBusyAt ?? 0,
    demand.lastJobAt ?? 0,
    demand.lastServedAt ?? 0,
    demand.lastActivityAt ?? 0,
    demand.lastNeededAt ?? 0,
    demand.clockJumpedAt ?? 0,
    snapshot.schedule.warmedAt ?? 0,
  );
  const provenAt = listeningSince === null ? null : Math.max(lastSign, listeningSince) + policy.idleTimeout;
  const unprovenAt =
    policy.stopUnproven === undefined || attendedSince === null
      ? null
      : Math.max(lastSign, attendedSince) + policy.idleTimeout + policy.stopUnproven;
  // So long idle with a listener registered all the while that policy asks for no proof of the path any more.
  const patient = unprovenAt !== null && now >= unprovenAt;
  const idleAt = Math.min(
    provenAt ?? Number.POSITIVE_INFINITY,
    patient ? unprovenAt : Number.POSITIVE_INFINITY,
  );
  return { runningSince, provenAt, unprovenAt, patient, idleAt };
}
