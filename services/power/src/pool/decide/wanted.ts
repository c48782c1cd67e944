/** Why the pool is wanted on. Pure. */
import type { Snapshot } from "./snapshot.ts";

export const WANTS = ["job_waiting", "boot_requested", "needed", "held_on"] as const;
export type Want = (typeof WANTS)[number];

/** What asks for a running machine, the weightiest first; null when nothing does. */
export function wantOf({ demand, hold }: Pick<Snapshot, "demand" | "hold">): Want | null {
  if (demand.jobsWaiting) return "job_waiting";
  if (demand.bootRequested) return "boot_requested";
  if (demand.neededUntil !== null) return "needed";
  return hold?.mode === "on" ? "held_on" : null;
}

/** Whether it waits for a machine to be seen running, and is served by that; the others want it on for as long as they last. */
export function waitsToBeServed(want: Want): boolean {
  return want === "job_waiting" || want === "boot_requested";
}
