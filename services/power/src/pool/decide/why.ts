/** Why the pool is as it is: every condition with its value, whether it holds, and when it will. Pure. */
import { formatDuration } from "@gpu-power-manager/shared/duration";
import { decide } from "./decide.ts";
import type { Decision } from "./decision.ts";
import { type ReleaseCondition, releaseConditions } from "./release.ts";
import { type InstanceView, isOfUse, isSoldOut, isStarting, type Snapshot } from "./snapshot.ts";
import { allowedStarts } from "./starts.ts";
import { patienceOf, type StopCondition, stopConditions } from "./stops.ts";
import { startWantOf, type Want, wantOf } from "./wanted.ts";

export interface ShownCondition {
  readonly name: StopCondition["name"] | StartConditionName | ReleaseCondition["name"];
  readonly holds: boolean;
  readonly value: string;
  /** When it holds at the earliest, in milliseconds since 1970; null where that is not known, or it holds. */
  readonly from: number | null;
}

type StartConditionName =
  | "observed"
  | "wanted"
  | "power_controls"
  | "not_held_back"
  | "no_quiet_time"
  | "budget_left"
  | "machines_missing"
  | "starts_allowed"
  | "machine_available";

export interface Why {
  readonly decisions: readonly Decision[];
  /** All have to hold for a start. */
  readonly start: readonly ShownCondition[];
  /** Of each running machine: all have to hold for its stop. */
  readonly stops: ReadonlyArray<{
    readonly instance: string;
    readonly conditions: readonly ShownCondition[];
  }>;
  /** Of each machine that is off, where policy keeps it from being deleted: all have to hold for the start that does. */
  readonly releases: ReadonlyArray<{
    readonly instance: string;
    readonly conditions: readonly ShownCondition[];
  }>;
  /** When the decision is made anew at the latest, if nothing happens before; null: when something does. */
  readonly nextAt: number | null;
}

const iso = (at: number | null) => (at === null ? "never" : new Date(at).toISOString());

export function explain(snapshot: Snapshot, now: number): Why {
  const decisions = decide(snapshot, now);
  const want = wantOf(snapshot);
  const untils = decisions.flatMap((decision) =>
    "until" in decision && decision.until !== null ? decision.until : [],
  );
  return {
    decisions,
    start: startConditions(snapshot, now),
    stops: snapshot.instances
      .filter(({ state }) => state === "running")
      .map((instance) => ({
        instance: instance.id,
        conditions: stopConditions(instance, snapshot, want, now).map(({ name, holds, from }) => ({
          name,
          holds,
          from,
          value: shownValue(name, instance, snapshot),
        })),
      })),
    releases: snapshot.instances.flatMap((instance) => {
      const conditions = releaseConditions(instance, snapshot, now).map((condition) => ({
        ...condition,
        value: releaseValue(condition.name, instance, snapshot, now),
      }));
      return conditions.length === 0 ? [] : [{ instance: instance.id, conditions }];
    }),
    nextAt: untils.length === 0 ? null : Math.min(...untils),
  };
}

function startConditions(snapshot: Snapshot, now: number): ShownCondition[] {
  const { policy, instances, hold } = snapshot;
  const want = wantOf(snapshot);
  const unseen = instances.filter(({ askedAt }) => askedAt === null);
  const on = instances.filter((each) => isOfUse(each) || isStarting(each, policy, now)).length;
  const allowed = allowedStarts(snapshot, now);
  const free = instances.filter(
    (each) =>
      each.state === "stopped" &&
      each.attempt === null &&
      each.restUntil <= now &&
      !each.forgotten &&
      !isSoldOut(each, policy, now),
  );
  const soldOut = instances.filter((each) => isSoldOut(each, policy, now)).map(({ id }) => id);
  const rests = instances.flatMap(({ state, restUntil }) =>
    state === "stopped" && restUntil > now ? restUntil : [],
  );
  const { quiet } = snapshot.schedule;
  const { budget } = snapshot;
  const quieted =
    quiet?.noStarts === true && (want === null || startWantOf({ ...snapshot, budget: null }) === null);
  const overspent = budget !== null && hold?.mode !== "on";
  const backed = hold?.mode === "as_is" || hold?.mode === "off";
  return [
    {
      name: "observed",
      holds: unseen.length === 0,
      value: `${instances.length - unseen.length} of ${instances.length}`,
      from: null,
    },
    { name: "wanted", holds: want !== null, value: shownWant(want, snapshot), from: null },
    { name: "power_controls", holds: !snapshot.operatorControls, value: controller(snapshot), from: null },
    { name: "not_held_back", holds: !backed, value: hold?.mode ?? "none", from: backed ? hold.until : null },
    {
      name: "no_quiet_time",
      holds: !quieted,
      value: quiet === null ? "none" : `"${quiet.rule}"${quiet.noStarts ? ", no starts for jobs" : ""}`,
      from: quieted ? (quiet?.until ?? null) : null,
    },
    {
      name: "budget_left",
      holds: !overspent,
      value: budget === null ? "nothing is forbidden" : `the ${budget.period}'s budget is spent`,
      from: overspent ? budget.until : null,
    },
    {
      name: "machines_missing",
      holds: on < policy.desiredRunning,
      value: `${on} of ${policy.desiredRunning} on`,
      from: null,
    },
    {
      name: "starts_allowed",
      holds: allowed > 0,
      value: `${allowed} of ${policy.maxStartsPerHour} left`,
      from: null,
    },
    {
      name: "machine_available",
      holds: free.length > 0,
      value:
        (free.map(({ id }) => id).join(", ") || "none") +
        (soldOut.length === 0 ? "" : `; sold out: ${soldOut.join(", ")}`),
      from: free.length > 0 || rests.length === 0 ? null : Math.min(...rests),
    },
  ];
}

function controller({ operatorControls }: Pick<Snapshot, "operatorControls">): string {
  return operatorControls ? "a person" : "power";
}

function releaseValue(
  name: ReleaseCondition["name"],
  instance: InstanceView,
  snapshot: Snapshot,
  now: number,
): string {
  const { policy, hold } = snapshot;
  switch (name) {
    case "power_controls":
      return controller(snapshot);
    case "release_near":
      return instance.releaseAt === null
        ? "the provider does not tell when"
        : `deleted at ${iso(instance.releaseAt)}, started ${formatDuration(policy.keepFromRelease ?? 0)} before`;
    case "not_kept_lately":
      return iso(instance.keptFromReleaseAt);
    case "not_held_back":
      return hold?.mode ?? "none";
    case "no_quiet_time":
      return snapshot.schedule.quiet === null ? "none" : `"${snapshot.schedule.quiet.rule}"`;
    case "budget_left":
      return snapshot.budget === null
        ? "nothing is forbidden"
        : `the ${snapshot.budget.period}'s budget is spent`;
    case "rested":
      return instance.restUntil === 0 ? "no failed start" : `until ${iso(instance.restUntil)}`;
    case "in_stock":
      return instance.soldOutSince === null
        ? "not told otherwise"
        : `sold out since ${iso(instance.soldOutSince)}`;
    case "no_other_kept":
      return "one at a time";
    case "starts_allowed":
      return `${allowedStarts(snapshot, now)} of ${policy.maxStartsPerHour} left`;
  }
}

/** Where the idle time comes from that is learned. */
function learnedWords({ policy, learned }: Snapshot): string {
  if (!policy.idleAuto) return "";
  if (learned === null) return ", by default: no start has been seen to learn from";
  const { startCost, best, gaps } = learned;
  return `, learned: a start costs as much as ${formatDuration(startCost)} of running, and ${formatDuration(best)} would have been best for the ${gaps} gaps of two weeks`;
}

function shownWant(want: Want | null, { schedule }: Snapshot): string {
  if (want !== "scheduled" || schedule.keepOn === null) return want ?? "nothing";
  const { rule, warming } = schedule.keepOn;
  return `${want}: "${rule}"${warming ? ", to be warm when it begins" : ""}`;
}

function shownValue(name: StopCondition["name"], instance: InstanceView, snapshot: Snapshot): string {
  const { demand, hold, policy } = snapshot;
  switch (name) {
    case "no_action_in_flight":
      return instance.attempt === null
        ? "none"
        : `${instance.attempt.action} since ${iso(instance.attempt.at)}`;
    case "nobody_controls":
      return controller(snapshot);
    case "nothing_waits":
      return demand.jobsWaiting ? "a job" : demand.bootRequested ? "a request" : "nothing";
    case "not_needed":
      return demand.neededUntil === null ? "by nobody" : `until ${iso(demand.neededUntil)}`;
    case "gpu_idle":
      return `last above ${policy.busyAbove} % at ${iso(instance.gpuBusyAt)}`;
    case "not_held":
      return hold?.mode ?? "none";
    case "not_scheduled": {
      const { keepOn } = snapshot.schedule;
      return keepOn === null ? "by none" : `by "${keepOn.rule}" until ${iso(keepOn.until)}`;
    }
    case "notices_heard":
      return snapshot.listeningSince === null ? "not heard" : `since ${iso(snapshot.listeningSince)}`;
    case "min_run_time_over":
      return `on since ${iso(instance.runningSince)}, at least ${formatDuration(policy.minRunTime)}`;
    case "idle_long_enough": {
      const signs = [
        demand.lastJobAt,
        demand.lastServedAt,
        demand.lastActivityAt,
        demand.lastNeededAt,
        snapshot.schedule.warmedAt,
      ];
      const { quiet } = snapshot.schedule;
      const short = [
        learnedWords(snapshot),
        quiet?.idleTimeout == null ? "" : `, quiet time "${quiet.rule}"`,
        snapshot.budget?.action === "stop_when_idle_at_once"
          ? `, the ${snapshot.budget.period}'s budget is spent`
          : "",
      ].join("");
      const last = Math.max(...[...signs, instance.gpuBusyAt].map((at) => at ?? 0));
      return `last sign of work ${iso(last === 0 ? null : last)}, idle time ${formatDuration(patienceOf(instance, snapshot).idleTimeout)}${short}`;
    }
    case "not_resting":
      return instance.restUntil === 0 ? "no failed stop" : `until ${iso(instance.restUntil)}`;
    case "gateway_asked":
      return iso(snapshot.askedWorkersAt);
    case "gateway_answered":
      return `no task active at ${iso(demand.lastInactiveAt)}`;
    case "path_proven":
      return iso(snapshot.pathProvenAt);
    case "witnesses_compared":
      return iso(instance.comparedAt);
  }
}
