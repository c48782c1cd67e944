/** Whether an idle machine is stopped, or why it stays on. Pure. */
import type { Policy } from "../pool.ts";
import { type Decision, keep, type REASONS } from "./decision.ts";
import { type InstanceView, isCompared, type Snapshot } from "./snapshot.ts";
import { type Want, waitsToBeServed } from "./wanted.ts";

/** How long the answer to "is any task active?" is waited for; older gateways never answer. */
export const ANSWER_WAIT_MS = 5_000;
/** How long that answer is good enough to stop on. */
export const ANSWER_VALID_MS = 30_000;
/** The gateway takes a task for given up after this: a job that was handed out longer ago is nobody's work any more. */
export const UNREPORTED_MS = 600_000;

/** Rule 9 of the architecture: every condition that keeps a machine on, the cheapest to know first. */
export function decideStop(
  instance: InstanceView,
  snapshot: Snapshot,
  want: Want | null,
  now: number,
): Decision {
  const { demand, hold } = snapshot;
  const policy = patienceOf(snapshot);
  if (instance.attempt !== null) return keep(instance, "action_in_flight");
  if (want !== null && waitsToBeServed(want)) return keep(instance, "jobs_pending");
  if (demand.neededUntil !== null) return keep(instance, "needed", demand.neededUntil);
  if (hold?.mode === "as_is") return keep(instance, "on_hold", hold.until);
  if (hold?.mode === "on") return keep(instance, "held_on", hold.until);
  const runningSince = instance.runningSince ?? now;
  const { provenAt, unprovenAt } = idleFrom(runningSince, { ...snapshot, policy });
  // So long idle with a listener registered all the while that policy asks for no proof of the path any more.
  const patient = unprovenAt !== null && now >= unprovenAt;
  // Deaf is not idle: what could not be heard may be work.
  if (provenAt === null && !patient) return keep(instance, "path_unproven", unprovenAt);
  if (now < runningSince + policy.minRunTime)
    return keep(instance, "min_run_time", runningSince + policy.minRunTime);
  const idleAt = Math.min(
    provenAt ?? Number.POSITIVE_INFINITY,
    patient ? unprovenAt : Number.POSITIVE_INFINITY,
  );
  if (now < idleAt) return keep(instance, "idle_not_reached", idleAt);
  if (instance.restUntil > now) return keep(instance, "resting", instance.restUntil);

  const asked = snapshot.askedWorkersAt;
  // A question of before says nothing: its answer may have been the activity that idleness is counted from.
  if (asked === null || asked < idleAt || now >= asked + ANSWER_VALID_MS)
    return { kind: "ask", reason: "ask_before_stop" };
  const answered = demand.lastInactiveAt !== null && demand.lastInactiveAt >= asked;
  if (!answered && now < asked + ANSWER_WAIT_MS)
    return keep(instance, "waiting_for_answer", asked + ANSWER_WAIT_MS);
  // A registration that was lost in silence looks like quiet. With the question the path is probed: a proof from
  // after it says that nothing was missed, because a path that was mended counts its hearing anew.
  const proven =
    provenAt !== null && now >= provenAt && snapshot.pathProvenAt !== null && snapshot.pathProvenAt >= asked;
  if (!proven && !patient) return keep(instance, "path_unproven", asked + ANSWER_VALID_MS);
  if (!isCompared(instance, now)) return { kind: "look", compare: true, reason: "compare_before_stop" };
  return { kind: "stop", instance: instance.id, reason: reasonOf(snapshot, proven) };
}

/** The times that policy asks for; where an operator wants the machine off, no longer than its work may take. */
function patienceOf({ policy, hold }: Snapshot): Policy {
  if (hold?.mode !== "off") return policy;
  return { ...policy, idleTimeout: Math.min(policy.idleTimeout, UNREPORTED_MS), minRunTime: 0 };
}

function reasonOf({ hold }: Snapshot, proven: boolean): (typeof REASONS.stop)[number] {
  if (!proven) return "idle_unproven";
  return hold?.mode === "off" ? "held_off" : "idle";
}

/**
 * When the machine is idle by a proven path, and when by one that need not be proven; null where that cannot be, because
 * nobody hears, or policy does not allow it.
 */
function idleFrom(runningSince: number, { policy, demand, listeningSince, attendedSince }: Snapshot) {
  const lastSign = Math.max(
    runningSince,
    demand.lastJobAt ?? 0,
    demand.lastServedAt ?? 0,
    demand.lastActivityAt ?? 0,
    demand.lastNeededAt ?? 0,
  );
  const provenAt = listeningSince === null ? null : Math.max(lastSign, listeningSince) + policy.idleTimeout;
  const unprovenAt =
    policy.stopUnproven === undefined || attendedSince === null
      ? null
      : Math.max(lastSign, attendedSince) + policy.idleTimeout + policy.stopUnproven;
  return { provenAt, unprovenAt };
}
