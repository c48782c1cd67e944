/**
 * Two machines for one machine's work. The gateway gives every job to every worker that is online, so what runs beyond
 * `desiredRunning` does work a second time and is paid a second time. Pure.
 *
 * What waited at the gateway is given to the worker that registers first, and to it alone. So a machine is surplus only
 * where it is certain that it has nothing that no other has: no worker has come online since before it came up, and
 * another runs whose worker came online before that. Where any of this is not known, it is kept, and people are told.
 */
import { type Decision, keep, type REASONS } from "./decision.ts";
import { busyUntil, type InstanceView, isCompared, isOfUse, type Snapshot } from "./snapshot.ts";
import { ANSWER_VALID_MS } from "./stops.ts";

/**
 * A console may show a machine as starting for a while after it has come up, so a worker that came online less than
 * this before that look may be that machine's own.
 */
export const CONSOLE_LAG_MS = 30_000;

export interface Surplus {
  /** To be stopped as soon as that is safe. */
  readonly toStop: ReadonlySet<string>;
  /** Why others that run beyond what is wanted are left alone. */
  readonly kept: ReadonlyMap<string, Extract<(typeof REASONS.keep)[number], `surplus_${string}`>>;
}

const NONE: Surplus = { toStop: new Set(), kept: new Map() };

/** Which of the machines that run are too many, as far as that is known. */
export function surplusOf(snapshot: Snapshot): Surplus {
  const { policy, instances } = snapshot;
  const running = instances.filter(isOfUse);
  const excess = running.length - policy.desiredRunning;
  if (excess <= 0) return NONE;
  const workless = running.filter((instance) => hasNoWorker(instance, snapshot));
  // One that the pool file lists no more does nobody else's work.
  const others = running.filter((instance) => !workless.includes(instance) && !instance.forgotten);
  const replaced = workless
    .filter((instance) => others.some((other) => replaces(other, instance, snapshot)))
    .sort((a, b) => (b.upFrom ?? 0) - (a.upFrom ?? 0) || a.id.localeCompare(b.id));
  const excessListed = running.filter(({ forgotten }) => !forgotten).length - policy.desiredRunning;
  const toStop = new Set(
    [
      ...replaced.filter(({ forgotten }) => forgotten),
      ...replaced.filter(({ forgotten }) => !forgotten).slice(0, Math.max(0, excessListed)),
    ].map(({ id }) => id),
  );
  return {
    toStop,
    kept: toStop.size < excess ? reasonsToKeep(running, toStop, policy.desiredRunning) : new Map(),
  };
}

function reasonsToKeep(running: readonly InstanceView[], toStop: ReadonlySet<string>, desired: number) {
  const left = running.filter(({ id }) => !toStop.has(id));
  const tooManyOfOurs = left.filter(isOurs).length > desired;
  const kept = new Map<string, "surplus_by_hand" | "surplus_unproven">();
  for (const instance of left) {
    if (!isOurs(instance)) kept.set(instance.id, "surplus_by_hand");
    else if (tooManyOfOurs) kept.set(instance.id, "surplus_unproven");
  }
  return kept;
}

/** Whether power turned it on by itself; what a person started or ordered is the person's. */
function isOurs({ ownStart }: InstanceView): boolean {
  return ownStart !== null && !ownStart.ordered;
}

/** Whether it is certain that no worker has come online on the machine: what was given out is with others. */
function hasNoWorker({ upFrom }: InstanceView, { demand, listeningSince }: Snapshot): boolean {
  if (upFrom === null) return false;
  const from = upFrom - CONSOLE_LAG_MS;
  // What came while the machine under us stood still may be on its way yet.
  if (demand.clockJumpedAt !== null && demand.clockJumpedAt > from) return false;
  // Who was deaf meanwhile may have missed its worker.
  if (listeningSince === null || listeningSince > from) return false;
  return demand.lastWorkerOnlineAt === null || demand.lastWorkerOnlineAt < from;
}

/** Whether `other`, with its worker online, makes a start of ours superfluous that was given up or came later. */
function replaces(other: InstanceView, instance: InstanceView, { demand }: Snapshot): boolean {
  const { ownStart } = instance;
  if (
    ownStart === null ||
    !isOurs(instance) ||
    other.workerFrom === null ||
    demand.lastWorkerOnlineAt === null
  )
    return false;
  if (demand.lastWorkerOnlineAt < other.workerFrom) return false;
  return ownStart.givenUp || ownStart.at > (other.ownStart?.at ?? other.workerFrom);
}

/** With the care of every stop: no hold, the path proven and both witnesses asked since it came up. */
export function decideSurplusStop(instance: InstanceView, snapshot: Snapshot, now: number): Decision {
  const { hold } = snapshot;
  if (snapshot.operatorControls) return keep(instance, "operator_controls");
  if (hold?.mode === "as_is") return keep(instance, "on_hold", hold.until);
  const keptUntil = (instance.runningSince ?? now) + snapshot.policy.minRunTime;
  if (instance.ownStart?.forRelease === true && now < keptUntil)
    return keep(instance, "min_run_time", keptUntil);
  const busy = busyUntil(instance, now);
  if (busy !== null) return keep(instance, "gpu_busy", busy);
  if (instance.restUntil > now) return keep(instance, "resting", instance.restUntil);
  // A registration that was lost in silence would have hidden its worker: the path is proven with the question.
  const asked = snapshot.askedWorkersAt;
  if (asked === null || asked < (instance.upFrom ?? now) || now >= asked + ANSWER_VALID_MS)
    return { kind: "ask", reason: "ask_before_stop" };
  if (snapshot.pathProvenAt === null || snapshot.pathProvenAt < asked)
    return keep(instance, "path_unproven", asked + ANSWER_VALID_MS);
  // With the question the backlog is read. Jobs that wait although a worker is online are given to the next that comes.
  const { lastBacklogAt } = snapshot.demand;
  if (lastBacklogAt !== null && lastBacklogAt >= asked)
    return keep(instance, "surplus_unproven", asked + ANSWER_VALID_MS);
  // What has taken its place must be there as surely as the machine itself.
  if (!snapshot.instances.filter(isOfUse).every((each) => isCompared(each, now)))
    return { kind: "look", compare: true, reason: "compare_before_stop" };
  return { kind: "stop", instance: instance.id, reason: "surplus" };
}
