/** Which machines to start for the demand, or why none. Pure. */
import type { Decision } from "./decision.ts";
import { type InstanceView, isOfUse, isSoldOut, isStarting, isStopping, type Snapshot } from "./snapshot.ts";
import { startWantOf, type Want, waitsToBeServed } from "./wanted.ts";

/** How often an unknown state is looked at again before the next machine is tried in its place. */
export const UNKNOWN_LOOKS = 3;

/** While something is wanted and sold out, the provider is asked at least this often whether a GPU is free again. */
const STOCK_EVERY_MS = 60_000;

const HOUR_MS = 3_600_000;

function recentStarts({ recentStarts: starts }: Snapshot, now: number): readonly number[] {
  return starts.filter((at) => at > now - HOUR_MS);
}

/** How many starts the limit of an hour still allows. */
export function allowedStarts(snapshot: Snapshot, now: number): number {
  return Math.max(0, snapshot.policy.maxStartsPerHour - recentStarts(snapshot, now).length);
}

/** For a pool that is wanted: starts, or what is waited for. Empty where all that is wanted runs. */
export function decideStarts(snapshot: Snapshot, want: Want, now: number): Decision[] {
  const { policy } = snapshot;
  const instances = snapshot.instances.filter(({ forgotten }) => !forgotten);
  const running = instances.filter(isOfUse).length;
  const starting = instances.filter((instance) => isStarting(instance, policy, now)).length;
  const missing = policy.desiredRunning - running - starting;
  if (missing <= 0) {
    // Demand that waits beside a running machine waits only for a look that is newer than itself.
    if (running > 0)
      return waitsToBeServed(want) ? [{ kind: "look", compare: false, reason: "confirm_running" }] : [];
    return [{ kind: "wait", until: null, reason: "starting" }];
  }
  const { hold } = snapshot;
  if (snapshot.operatorControls) return [{ kind: "wait", until: null, reason: "operator_controls" }];
  if (hold?.mode === "as_is") return [{ kind: "wait", until: hold.until, reason: "on_hold" }];
  if (hold?.mode === "off") return [{ kind: "wait", until: hold.until, reason: "held_off" }];
  const cause = startWantOf(snapshot);
  const { budget, schedule } = snapshot;
  if (cause === null)
    return budget === null
      ? [{ kind: "wait", until: schedule.quiet?.until ?? null, reason: "quiet_time" }]
      : [{ kind: "wait", until: budget.until, reason: "budget_spent" }];

  const recent = recentStarts(snapshot, now);
  const allowed = allowedStarts(snapshot, now);
  const order = [...instances].sort((a, b) => a.priority - b.priority || a.id.localeCompare(b.id));
  const chosen: InstanceView[] = [];
  let firstRest: number | null = null;
  let anyUnknown = false;
  /** When those were asked about of which the provider says that they are sold out. */
  const soldOutAsked: number[] = [];
  let restsOnlySoldOut = true;
  for (const instance of order) {
    if (chosen.length === missing) break;
    if (instance.state === "unknown" && instance.attempt === null) {
      // It may be running: look again before money is spent on another one.
      if (instance.unknownLooks < UNKNOWN_LOOKS) {
        return [
          ...starts(chosen.slice(0, allowed), cause),
          { kind: "look", compare: true, reason: "unknown_state" },
        ];
      }
      if (instance.apiState === "stopped" && instance.restUntil <= now && isUrgent(cause)) {
        chosen.push(instance);
      } else {
        anyUnknown = true;
      }
    } else if (isStopping(instance, policy, now)) {
      return [...starts(chosen.slice(0, allowed), cause), { kind: "wait", until: null, reason: "stopping" }];
    } else if (instance.state === "stopped" && instance.attempt === null) {
      if (instance.restUntil > now) {
        firstRest = Math.min(firstRest ?? instance.restUntil, instance.restUntil);
        restsOnlySoldOut &&= instance.restsSoldOut;
      } else if (isSoldOut(instance, policy, now)) soldOutAsked.push(instance.askedAt ?? now);
      else chosen.push(instance);
    }
  }

  const decisions = starts(chosen.slice(0, allowed), cause);
  if (chosen.length > allowed) {
    // The limit loosens when enough of the oldest starts are an hour old.
    const oldest = [...recent].sort((a, b) => a - b)[recent.length - policy.maxStartsPerHour];
    decisions.push({
      kind: "wait",
      until: oldest === undefined ? null : oldest + HOUR_MS,
      reason: "rate_limited",
    });
  } else if (chosen.length < missing && starting === 0) {
    if (soldOutAsked.length > 0 || firstRest !== null) {
      const againAt = Math.min(...soldOutAsked.map((at) => at + STOCK_EVERY_MS));
      if (againAt <= now) decisions.push({ kind: "look", compare: false, reason: "look_for_stock" });
      const lookAt = againAt <= now ? now + STOCK_EVERY_MS : againAt;
      decisions.push({
        kind: "wait",
        until: Math.min(firstRest ?? lookAt, lookAt),
        reason: restsOnlySoldOut ? "sold_out" : "all_resting",
      });
    } else if (instances.some(({ withoutGpu }) => withoutGpu))
      decisions.push({ kind: "wait", until: null, reason: "without_gpu" });
    else if (anyUnknown) decisions.push({ kind: "wait", until: null, reason: "state_unknown" });
    else if (decisions.length === 0) decisions.push({ kind: "wait", until: null, reason: "none_available" });
  } else if (decisions.length === 0) {
    decisions.push({ kind: "wait", until: null, reason: "starting" });
  }
  return decisions;
}

/** Somebody waits for the machine, so what the API alone says is enough to start it. */
function isUrgent(want: Want): want is "job_waiting" | "needed" {
  return want === "job_waiting" || want === "needed";
}

function starts(chosen: readonly InstanceView[], want: Want): Decision[] {
  return chosen.map(({ id, state }) => {
    const reason = state !== "stopped" && isUrgent(want) ? (`${want}_unconfirmed` as const) : want;
    return { kind: "start", instance: id, reason };
  });
}
