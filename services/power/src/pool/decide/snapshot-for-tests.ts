/** Snapshots and machines for the tests of decisions: an ordinary one, with what a case changes. */

import { NOTHING_SCHEDULED } from "../../policy/schedule.ts";
import { Policy } from "../pool.ts";
import type { Decision } from "./decision.ts";
import type { InstanceView, Snapshot } from "./snapshot.ts";
import { ANSWER_WAIT_MS } from "./stops.ts";

export const NOW = 1_800_000_000_000;
export const MINUTE = 60_000;
export const policy = Policy.parse({});

export function instance(changes: Partial<InstanceView> = {}): InstanceView {
  return {
    id: "gpu-1",
    priority: 1,
    forgotten: false,
    state: "stopped",
    askedAt: NOW - 1_000,
    stateSince: NOW - 60 * MINUTE,
    apiState: null,
    unknownLooks: 0,
    attempt: null,
    runningSince: changes.state === "running" ? NOW - 120 * MINUTE : null,
    ownStart: null,
    upFrom: null,
    workerFrom: changes.state === "running" ? NOW - 120 * MINUTE : null,
    withoutGpu: false,
    gpuBusyAt: null,
    releaseAt: null,
    keptFromReleaseAt: null,
    plannedStop: null,
    plan: null,
    soldOutSince: null,
    restsSoldOut: false,
    restUntil: 0,
    comparedAt: null,
    ...changes,
  };
}

export interface Changes extends Partial<Omit<Snapshot, "demand">> {
  demand?: Partial<Snapshot["demand"]>;
}

export function snapshot({ demand, ...changes }: Changes = {}): Snapshot {
  return {
    policy,
    instances: [instance()],
    recentStarts: [],
    hold: null,
    schedule: NOTHING_SCHEDULED,
    budget: null,
    operatorControls: false,
    learned: null,
    listeningSince: NOW - 600 * MINUTE,
    pathProvenAt: NOW,
    attendedSince: NOW - 600 * MINUTE,
    askedWorkersAt: null,
    ...changes,
    demand: {
      jobsWaiting: false,
      bootRequested: false,
      lastJobAt: null,
      lastServedAt: null,
      lastActivityAt: null,
      lastInactiveAt: null,
      neededUntil: null,
      lastNeededAt: null,
      lastWorkerOnlineAt: null,
      lastBacklogAt: null,
      clockJumpedAt: null,
      ...demand,
    },
  };
}

export const job = { jobsWaiting: true, lastJobAt: NOW };
export const running = (changes: Partial<InstanceView> = {}) => instance({ state: "running", ...changes });
/** A running machine that nothing keeps on. */
export const stoppable = {
  instances: [running({ comparedAt: NOW - 1_000 })],
  askedWorkersAt: NOW - ANSWER_WAIT_MS,
};
export const second = (changes: Partial<InstanceView> = {}) =>
  instance({ id: "gpu-2", priority: 2, ...changes });

export interface Case {
  readonly what: string;
  readonly given: Snapshot;
  readonly told: readonly string[];
}

/** Decisions in short: kind, instance, reason, until. */
export function inShort(decisions: readonly Decision[]): string[] {
  return decisions.map((decision) =>
    [
      decision.kind,
      "instance" in decision ? decision.instance : undefined,
      decision.reason,
      "until" in decision && decision.until !== null ? decision.until : undefined,
    ]
      .filter((word) => word !== undefined)
      .join(" "),
  );
}
