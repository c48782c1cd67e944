/**
 * Decides what to do with a pool. Pure: no I/O, no clock, no await; the same snapshot gives the same
 * decisions. Every decision carries a reason from a closed list.
 */
import type { InstanceState } from "@gpu-power-manager/shared/events";
import type { Policy } from "./pool.ts";

/** How long an agreement of both witnesses is good enough to stop on. */
export const COMPARISON_VALID_MS = 30_000;
/** How long the answer to "is any task active?" is waited for; older gateways never answer. */
export const ANSWER_WAIT_MS = 5_000;
/** How long that answer is good enough to stop on. */
export const ANSWER_VALID_MS = 30_000;
/** How often an unknown state is looked at again before the next machine is tried in its place. */
export const UNKNOWN_LOOKS = 3;

export const REASONS = {
  /** `_unconfirmed`: only the API says that the machine is off; a start can do no harm, waiting would. */
  start: ["job_waiting", "job_waiting_unconfirmed", "boot_requested"],
  stop: ["idle"],
  look: ["not_observed_yet", "unknown_state", "confirm_running", "compare_before_stop"],
  ask: ["ask_before_stop"],
  wait: [
    "no_demand",
    "starting",
    "stopping",
    "on_hold",
    "rate_limited",
    "all_resting",
    "none_available",
    "state_unknown",
  ],
  keep: [
    "idle_not_reached",
    "min_run_time",
    "jobs_pending",
    "on_hold",
    "action_in_flight",
    "path_unproven",
    "waiting_for_answer",
    "resting",
  ],
} as const;

export type Decision =
  | { readonly kind: "start"; readonly instance: string; readonly reason: (typeof REASONS.start)[number] }
  | { readonly kind: "stop"; readonly instance: string; readonly reason: (typeof REASONS.stop)[number] }
  /** Ask the console now; `compare` asks both witnesses. */
  | { readonly kind: "look"; readonly compare: boolean; readonly reason: (typeof REASONS.look)[number] }
  /** Ask the gateway whether tasks are active. */
  | { readonly kind: "ask"; readonly reason: (typeof REASONS.ask)[number] }
  /** Nothing more can be done for the pool before `until` (null: until something else changes). */
  | { readonly kind: "wait"; readonly until: number | null; readonly reason: (typeof REASONS.wait)[number] }
  /** A running machine stays on, to be decided again at `until` (null: when something else changes). */
  | {
      readonly kind: "keep";
      readonly instance: string;
      readonly until: number | null;
      readonly reason: (typeof REASONS.keep)[number];
    };

/** What is known of an instance. Times are milliseconds since 1970 on this process's clock. */
export interface InstanceView {
  readonly id: string;
  readonly priority: number;
  readonly state: InstanceState;
  /** When the question left whose answer `state` is; null before the first answer. */
  readonly askedAt: number | null;
  /** When this state was first seen. */
  readonly stateSince: number;
  /** What the API alone says while `state` is unknown because the page does not confirm it. */
  readonly apiState: InstanceState | null;
  /** Looks in a row whose answer was unknown. */
  readonly unknownLooks: number;
  /** A start or stop of ours whose outcome is not known yet. */
  readonly attempt: { readonly action: "start" | "stop"; readonly at: number } | null;
  readonly runningSince: number | null;
  /** Not to be started (after a failed start) or stopped (after a failed stop) before this; 0: at any time. */
  readonly restUntil: number;
  /** When both witnesses last agreed on this very state; null when they have not. */
  readonly comparedAt: number | null;
}

export interface Snapshot {
  readonly policy: Policy;
  readonly demand: {
    readonly jobsWaiting: boolean;
    readonly bootRequested: boolean;
    readonly lastJobAt: number | null;
    readonly lastServedAt: number | null;
    readonly lastActivityAt: number | null;
    readonly lastInactiveAt: number | null;
  };
  readonly instances: readonly InstanceView[];
  /** Times of starts that were sent within the last hour, by whomever in this pool. */
  readonly recentStarts: readonly number[];
  /** An operator's order to leave everything as it is. */
  readonly onHold: boolean;
  /** Since when the notification path has been proven without a break; null while it is not. */
  readonly listeningSince: number | null;
  /** When the notification path was last proven from end to end; null when it never was. */
  readonly pathProvenAt: number | null;
  /** When the gateway was last asked for active tasks; null when it never was. */
  readonly askedWorkersAt: number | null;
}

const HOUR_MS = 3_600_000;

/** Whether a machine on its way up or down is still within its time; past it, others are tried. */
function inTime(instance: InstanceView, limitMs: number, now: number): boolean {
  return now < (instance.attempt?.at ?? instance.stateSince) + limitMs;
}

function isStarting(instance: InstanceView, policy: Policy, now: number): boolean {
  if (instance.attempt?.action === "start") return true;
  return instance.state === "starting" && inTime(instance, policy.startTimeout, now);
}

function isStopping(instance: InstanceView, policy: Policy, now: number): boolean {
  if (instance.attempt?.action === "stop") return true;
  return instance.state === "stopping" && inTime(instance, policy.stopTimeout, now);
}

function isRunning(instance: InstanceView): boolean {
  return instance.state === "running" && instance.attempt === null;
}

/** What to do now. Never empty: where nothing is done, it says why. */
export function decide(snapshot: Snapshot, now: number): Decision[] {
  const { demand, instances } = snapshot;
  if (instances.some((instance) => instance.askedAt === null)) {
    return [{ kind: "look", compare: false, reason: "not_observed_yet" }];
  }
  const wanted = demand.jobsWaiting || demand.bootRequested;
  const decisions = wanted ? decideStarts(snapshot, now) : [];
  for (const instance of instances) {
    if (instance.state === "running") decisions.push(decideStop(instance, snapshot, wanted, now));
  }
  if (decisions.length === 0) decisions.push({ kind: "wait", until: null, reason: "no_demand" });
  return decisions;
}

function decideStarts(snapshot: Snapshot, now: number): Decision[] {
  const { policy, instances, demand } = snapshot;
  const running = instances.filter(isRunning).length;
  const starting = instances.filter((instance) => isStarting(instance, policy, now)).length;
  const missing = policy.desiredRunning - running - starting;
  if (missing <= 0) {
    // Demand that waits beside a running machine waits only for a look that is newer than itself.
    if (running > 0) return [{ kind: "look", compare: false, reason: "confirm_running" }];
    return [{ kind: "wait", until: null, reason: "starting" }];
  }
  if (snapshot.onHold) return [{ kind: "wait", until: null, reason: "on_hold" }];

  const recent = snapshot.recentStarts.filter((at) => at > now - HOUR_MS);
  const allowed = Math.max(0, policy.maxStartsPerHour - recent.length);
  const order = [...instances].sort((a, b) => a.priority - b.priority || a.id.localeCompare(b.id));
  const chosen: InstanceView[] = [];
  let firstRest: number | null = null;
  let anyUnknown = false;
  for (const instance of order) {
    if (chosen.length === missing) break;
    if (instance.state === "unknown" && instance.attempt === null) {
      // It may be running: look again before money is spent on another one.
      if (instance.unknownLooks < UNKNOWN_LOOKS) {
        return [
          ...starts(chosen.slice(0, allowed), demand),
          { kind: "look", compare: true, reason: "unknown_state" },
        ];
      }
      if (instance.apiState === "stopped" && instance.restUntil <= now && demand.jobsWaiting) {
        chosen.push(instance);
      } else {
        anyUnknown = true;
      }
    } else if (isStopping(instance, policy, now)) {
      return [...starts(chosen.slice(0, allowed), demand), { kind: "wait", until: null, reason: "stopping" }];
    } else if (instance.state === "stopped" && instance.attempt === null) {
      if (instance.restUntil <= now) chosen.push(instance);
      else firstRest = Math.min(firstRest ?? instance.restUntil, instance.restUntil);
    }
  }

  const decisions = starts(chosen.slice(0, allowed), demand);
  if (chosen.length > allowed) {
    // The limit loosens when enough of the oldest starts are an hour old.
    const oldest = [...recent].sort((a, b) => a - b)[recent.length - policy.maxStartsPerHour];
    decisions.push({
      kind: "wait",
      until: oldest === undefined ? null : oldest + HOUR_MS,
      reason: "rate_limited",
    });
  } else if (chosen.length < missing && starting === 0) {
    if (firstRest !== null) decisions.push({ kind: "wait", until: firstRest, reason: "all_resting" });
    else if (anyUnknown) decisions.push({ kind: "wait", until: null, reason: "state_unknown" });
    else if (decisions.length === 0) decisions.push({ kind: "wait", until: null, reason: "none_available" });
  } else if (decisions.length === 0) {
    decisions.push({ kind: "wait", until: null, reason: "starting" });
  }
  return decisions;
}

function starts(chosen: readonly InstanceView[], demand: Snapshot["demand"]): Decision[] {
  return chosen.map((instance) => {
    if (!demand.jobsWaiting) return { kind: "start", instance: instance.id, reason: "boot_requested" };
    const reason = instance.state === "stopped" ? "job_waiting" : "job_waiting_unconfirmed";
    return { kind: "start", instance: instance.id, reason };
  });
}

/** Rule 9 of the architecture: every condition that keeps a machine on, the cheapest to know first. */
function decideStop(instance: InstanceView, snapshot: Snapshot, wanted: boolean, now: number): Decision {
  const { policy, demand } = snapshot;
  const keep = (reason: (typeof REASONS.keep)[number], until: number | null = null): Decision => ({
    kind: "keep",
    instance: instance.id,
    until,
    reason,
  });
  if (instance.attempt !== null) return keep("action_in_flight");
  if (wanted) return keep("jobs_pending");
  if (snapshot.onHold) return keep("on_hold");
  // Deaf is not idle: what could not be heard may be work.
  if (snapshot.listeningSince === null) return keep("path_unproven");
  const runningSince = instance.runningSince ?? now;
  if (now < runningSince + policy.minRunTime) return keep("min_run_time", runningSince + policy.minRunTime);
  const idleSince = Math.max(
    runningSince,
    snapshot.listeningSince,
    demand.lastJobAt ?? 0,
    demand.lastServedAt ?? 0,
    demand.lastActivityAt ?? 0,
  );
  const idleAt = idleSince + policy.idleTimeout;
  if (now < idleAt) return keep("idle_not_reached", idleAt);
  if (instance.restUntil > now) return keep("resting", instance.restUntil);

  const asked = snapshot.askedWorkersAt;
  // A question of before says nothing: its answer may have been the activity that idleness is counted from.
  if (asked === null || asked < idleAt || now >= asked + ANSWER_VALID_MS)
    return { kind: "ask", reason: "ask_before_stop" };
  const answered = demand.lastInactiveAt !== null && demand.lastInactiveAt >= asked;
  if (!answered && now < asked + ANSWER_WAIT_MS) return keep("waiting_for_answer", asked + ANSWER_WAIT_MS);
  // A registration that was lost in silence looks like quiet. With the question the path is probed: a proof from
  // after it says that nothing was missed, because a path that was mended counts its hearing anew.
  if (snapshot.pathProvenAt === null || snapshot.pathProvenAt < asked)
    return keep("path_unproven", asked + ANSWER_VALID_MS);
  if (instance.comparedAt === null || now >= instance.comparedAt + COMPARISON_VALID_MS) {
    return { kind: "look", compare: true, reason: "compare_before_stop" };
  }
  return { kind: "stop", instance: instance.id, reason: "idle" };
}
