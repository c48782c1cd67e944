/** All that a decision may know. */
import type { InstanceState } from "@gpu-power-manager/shared/events";
import type { BudgetSpent } from "../../policy/budget.ts";
import type { Learned } from "../../policy/idle-time.ts";
import type { Scheduled } from "../../policy/schedule.ts";
import type { Policy } from "../pool.ts";
import type { OwnPlan } from "./planned-stop.ts";

/** How long an agreement of both witnesses is good enough to stop on. */
export const COMPARISON_VALID_MS = 30_000;

/** A GPU that computed so long ago is still at work: between two steps of a job it may do nothing for a while. */
export const GPU_BUSY_MS = 300_000;

/** What is known of an instance. Times are milliseconds since 1970 on this process's clock. */
export interface InstanceView {
  readonly id: string;
  readonly priority: number;
  /** The pool file does not list it any more: it is never started and serves no demand, it is only watched until it is off. */
  readonly forgotten: boolean;
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
  /** The start of ours that it is on by; null where it is somebody else's, or nobody knows. */
  readonly ownStart: {
    readonly at: number;
    /** A person ordered it. */
    readonly ordered: boolean;
    readonly givenUp: boolean;
    /** It was to keep the machine from being deleted. */
    readonly forRelease: boolean;
  } | null;
  /** When it was last seen not running before its present run; null where that is not known. */
  readonly upFrom: number | null;
  /** From when a worker that comes online may be this run's; null while it does not run. */
  readonly workerFrom: number | null;
  /** When its GPU was last seen computing more than policy calls idle; null where it was not, or nobody tells. */
  readonly gpuBusyAt: number | null;
  /** It runs without its GPU, as the provider told with the last look: no job can be done on it. */
  readonly withoutGpu: boolean;
  /** When the provider will delete it, as told with the last look that saw it off; null where it does not tell. */
  readonly releaseAt: number | null;
  /** When it last came up for not being deleted; null where it never did. */
  readonly keptFromReleaseAt: number | null;
  /** The planned stop of its provider as told with the last look, whoever set it (null: none); null where nobody told. */
  readonly plannedStop: { readonly at: number | null; readonly askedAt: number } | null;
  /** The planned stop that power has set, or may have set; null where it has not. */
  readonly plan: OwnPlan | null;
  /** Since when its provider tells that a start would find no GPU free; null where it does not tell so. */
  readonly soldOutSince: number | null;
  /** Its last start was refused for that. */
  readonly restsSoldOut: boolean;
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
    /** When the clock last jumped ahead: how long ago anything before that was, nobody knows. */
    readonly clockJumpedAt: number | null;
    /** Until when somebody who lives says that the machine is needed; null when nobody does. */
    readonly neededUntil: number | null;
    /** When the machine was last needed; null when it never was. */
    readonly lastNeededAt: number | null;
    /** When a worker last registered at the gateway. */
    readonly lastWorkerOnlineAt: number | null;
    /** When the gateway's backlog was last found to hold jobs. */
    readonly lastBacklogAt: number | null;
  };
  readonly instances: readonly InstanceView[];
  /** Times of starts that were sent within the last hour, by whomever in this pool. */
  readonly recentStarts: readonly number[];
  /** An operator's order that holds now: leave everything as it is, keep on, keep off; null where none does. */
  readonly hold: { readonly mode: "as_is" | "on" | "off"; readonly until: number | null } | null;
  /** What the schedules ask for now. */
  readonly schedule: Scheduled;
  /** Where the idle time of `policy` comes from, if it is learned; null where it is written, or nothing was learned yet. */
  readonly learned: Learned | null;
  /** What spent budgets forbid; null where they forbid nothing. */
  readonly budget: BudgetSpent | null;
  /** A person controls the console's page: nothing is begun until it is given back. */
  readonly operatorControls: boolean;
  /** Since when the notification path has been proven without a break; null while it is not. */
  readonly listeningSince: number | null;
  /** When the notification path was last proven from end to end; null when it never was. */
  readonly pathProvenAt: number | null;
  /** Since when a listener has been registered at the gateway, proven or not; null while none is. */
  readonly attendedSince: number | null;
  /** When the gateway was last asked for active tasks; null when it never was. */
  readonly askedWorkersAt: number | null;
}

/** Whether a machine on its way up or down is still within its time; past it, others are tried. */
function inTime(instance: InstanceView, limitMs: number, now: number): boolean {
  return now < (instance.attempt?.at ?? instance.stateSince) + limitMs;
}

export function isStarting(instance: InstanceView, policy: Policy, now: number): boolean {
  if (instance.attempt?.action === "start") return true;
  return instance.state === "starting" && inTime(instance, policy.startTimeout, now);
}

export function isStopping(instance: InstanceView, policy: Policy, now: number): boolean {
  if (instance.attempt?.action === "stop") return true;
  return instance.state === "stopping" && inTime(instance, policy.stopTimeout, now);
}

/**
 * Its provider tells that a start would be refused for want of stock. A provider that goes on telling so is not believed
 * for longer than a machine may rest: a start that is refused costs nothing, and a job would wait for ever for a lie.
 */
export function isSoldOut(instance: InstanceView, { quarantine }: Policy, now: number): boolean {
  const { soldOutSince, restsSoldOut, restUntil } = instance;
  if (soldOutSince === null) return false;
  // A start that was refused for it has shown that it was no lie then.
  const shownAt = restsSoldOut ? Math.max(soldOutSince, restUntil) : soldOutSince;
  return now < shownAt + quarantine;
}

/** It runs, so that jobs can be done on it. */
export function isOfUse(instance: InstanceView): boolean {
  return instance.state === "running" && instance.attempt === null && !instance.withoutGpu;
}

/** Until when its GPU counts as computing, whoever says that there is work or does not; null where it does not. */
export function busyUntil({ gpuBusyAt }: InstanceView, now: number): number | null {
  if (gpuBusyAt === null || now >= gpuBusyAt + GPU_BUSY_MS) return null;
  return gpuBusyAt + GPU_BUSY_MS;
}

/** Both witnesses have agreed on its state, and that not long ago. */
export function isCompared(instance: InstanceView, now: number): boolean {
  return instance.comparedAt !== null && now < instance.comparedAt + COMPARISON_VALID_MS;
}
