/**
 * A machine that has been off for too long is deleted by its provider, with its data. Where policy says so, it is started
 * before, for as long as a start is worth: the provider counts anew from then. Pure.
 */
import type { Decision } from "./decision.ts";
import { type InstanceView, isSoldOut, isStarting, type Snapshot } from "./snapshot.ts";
import { allowedStarts } from "./starts.ts";

/** Where the provider's time does not move for it, another start would not either: then people are alerted, once a day is enough. */
export const AGAIN_MS = 24 * 3_600_000;

/** One of the conditions for a start that keeps a machine from being deleted, all of which have to hold. */
export interface ReleaseCondition {
  readonly name:
    | "release_near"
    | "power_controls"
    | "not_kept_lately"
    | "not_held_back"
    | "no_quiet_time"
    | "budget_left"
    | "rested"
    | "in_stock"
    | "no_other_kept"
    | "starts_allowed";
  readonly holds: boolean;
  /** When it holds at the earliest, as far as that is known. */
  readonly from: number | null;
}

/** Empty where policy does not ask for it, or the machine is not off. */
export function releaseConditions(
  instance: InstanceView,
  snapshot: Snapshot,
  now: number,
): readonly ReleaseCondition[] {
  const { policy, hold, budget } = snapshot;
  if (policy.keepFromRelease === undefined || instance.forgotten) return [];
  if (instance.state !== "stopped" || instance.attempt !== null) return [];
  const nearAt = instance.releaseAt === null ? null : instance.releaseAt - policy.keepFromRelease;
  const againAt = (instance.keptFromReleaseAt ?? Number.NEGATIVE_INFINITY) + AGAIN_MS;
  const { quiet } = snapshot.schedule;
  const quieted = quiet?.noStarts === true;
  const backed = hold?.mode === "as_is" || hold?.mode === "off";
  const condition = (name: ReleaseCondition["name"], holds: boolean, from: number | null = null) => ({
    name,
    holds,
    from: holds ? null : from,
  });
  return [
    condition("release_near", nearAt !== null && now >= nearAt, nearAt),
    condition("power_controls", !snapshot.operatorControls),
    condition("not_kept_lately", now >= againAt, againAt),
    condition("not_held_back", !backed, hold?.until ?? null),
    condition("no_quiet_time", !quieted, quiet?.until ?? null),
    condition("budget_left", budget === null, budget?.until ?? null),
    condition("rested", instance.restUntil <= now, instance.restUntil),
    condition("in_stock", !isSoldOut(instance, policy, now)),
    // The gateway gives every job to every machine that is on: one at a time.
    condition("no_other_kept", !snapshot.instances.some((other) => isKept(other, snapshot, now))),
    condition("starts_allowed", allowedStarts(snapshot, now) > 0),
  ];
}

/** It is on, or on its way, so that it is not deleted. */
function isKept(instance: InstanceView, { policy }: Snapshot, now: number): boolean {
  if (instance.ownStart?.forRelease !== true) return false;
  return instance.state === "running" || isStarting(instance, policy, now);
}

/** At most one start; none where demand starts machines already. */
export function decideReleaseStart(snapshot: Snapshot, now: number): Decision[] {
  const near = snapshot.instances.find((instance) => {
    const conditions = releaseConditions(instance, snapshot, now);
    return conditions.length > 0 && conditions.every(({ holds }) => holds);
  });
  return near === undefined ? [] : [{ kind: "start", instance: near.id, reason: "keep_from_release" }];
}
