/**
 * Decides what to do with a pool. Pure: no I/O, no clock, no await; the same snapshot gives the same
 * decisions. Every decision carries a reason from a closed list.
 */
import type { Decision } from "./decision.ts";
import { decideReleaseStart } from "./release.ts";
import type { Snapshot } from "./snapshot.ts";
import { decideStarts } from "./starts.ts";
import { decideStop } from "./stops.ts";
import { decideSurplusStop, surplusOf } from "./surplus.ts";
import { wantOf } from "./wanted.ts";

/** For these a machine may stay on; that another does the same work is then what people want to know. */
const AT_WORK: ReadonlySet<string> = new Set([
  "jobs_pending",
  "needed",
  "scheduled",
  "min_run_time",
  "idle_not_reached",
]);

/** What to do now. Never empty: where nothing is done, it says why. */
export function decide(snapshot: Snapshot, now: number): Decision[] {
  const { instances } = snapshot;
  if (instances.some((instance) => instance.askedAt === null)) {
    return [{ kind: "look", compare: false, reason: "not_observed_yet" }];
  }
  const want = wantOf(snapshot);
  const decisions = want === null ? [] : decideStarts(snapshot, want, now);
  if (!decisions.some(({ kind }) => kind === "start")) decisions.push(...decideReleaseStart(snapshot, now));
  const surplus = surplusOf(snapshot);
  for (const instance of instances) {
    if (instance.state !== "running") continue;
    if (surplus.toStop.has(instance.id)) {
      decisions.push(decideSurplusStop(instance, snapshot, now));
      continue;
    }
    const decision = decideStop(instance, snapshot, want, now);
    const reason = surplus.kept.get(instance.id);
    const atWork = decision.kind === "keep" && AT_WORK.has(decision.reason);
    decisions.push(atWork && reason !== undefined ? { ...decision, reason } : decision);
  }
  if (decisions.length === 0) {
    const reason = snapshot.operatorControls ? "operator_controls" : "no_demand";
    decisions.push({ kind: "wait", until: null, reason });
  }
  return decisions;
}
