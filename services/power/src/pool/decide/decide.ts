/**
 * Decides what to do with a pool. Pure: no I/O, no clock, no await; the same snapshot gives the same
 * decisions. Every decision carries a reason from a closed list.
 */
import type { Decision } from "./decision.ts";
import type { Snapshot } from "./snapshot.ts";
import { decideStarts } from "./starts.ts";
import { decideStop } from "./stops.ts";
import { wantOf } from "./wanted.ts";

/** What to do now. Never empty: where nothing is done, it says why. */
export function decide(snapshot: Snapshot, now: number): Decision[] {
  const { instances } = snapshot;
  if (instances.some((instance) => instance.askedAt === null)) {
    return [{ kind: "look", compare: false, reason: "not_observed_yet" }];
  }
  const want = wantOf(snapshot);
  const decisions = want === null ? [] : decideStarts(snapshot, want, now);
  for (const instance of instances) {
    if (instance.state === "running") decisions.push(decideStop(instance, snapshot, want, now));
  }
  if (decisions.length === 0) decisions.push({ kind: "wait", until: null, reason: "no_demand" });
  return decisions;
}
