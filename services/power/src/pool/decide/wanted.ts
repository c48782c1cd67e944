/** Why the pool is wanted on. Pure. */
import type { Snapshot } from "./snapshot.ts";

export const WANTS = ["job_waiting", "boot_requested", "needed", "held_on", "scheduled"] as const;
export type Want = (typeof WANTS)[number];

/** What asks for a running machine, the weightiest first; null when nothing does. */
export function wantOf(snapshot: WantedBy): Want | null {
  return snapshot.demand.jobsWaiting ? "job_waiting" : wantBesideJobs(snapshot);
}

/**
 * What may start a machine now: where a budget is spent only an operator, and in a quiet time that asks for no starts no
 * job. Null when nothing may.
 */
export function startWantOf(snapshot: WantedBy & Pick<Snapshot, "budget">): Want | null {
  if (snapshot.budget !== null) return snapshot.hold?.mode === "on" ? "held_on" : null;
  return snapshot.schedule.quiet?.noStarts === true ? wantBesideJobs(snapshot) : wantOf(snapshot);
}

type WantedBy = Pick<Snapshot, "demand" | "hold" | "schedule">;

function wantBesideJobs({ demand, hold, schedule }: WantedBy): Want | null {
  if (demand.bootRequested) return "boot_requested";
  if (demand.neededUntil !== null) return "needed";
  if (hold?.mode === "on") return "held_on";
  return schedule.keepOn === null ? null : "scheduled";
}

/** Whether it waits for a machine to be seen running, and is served by that; the others want it on for as long as they last. */
export function waitsToBeServed(want: Want): boolean {
  return want === "job_waiting" || want === "boot_requested";
}
