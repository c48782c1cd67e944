/**
 * Whether a start or stop that a person ordered may be done now. Pure. The same limits as for power's own, but for those
 * that only say that it is too early: a person may stop before the idle time is over, and start while a machine rests.
 */
import { formatDuration } from "@gpu-power-manager/shared/duration";
import { busyUntil, type InstanceView, isCompared, isStopping, type Snapshot } from "./snapshot.ts";
import { allowedStarts } from "./starts.ts";
import { ANSWER_WAIT_MS, UNREPORTED_MS } from "./stops.ts";

/** A worker that is busy says so every 30 s; silence of twice that is no sign of work any more. */
const BUSY_MS = 60_000;
/** The probe that goes with the question to the gateway has come back by then, or the path is broken. */
const PROOF_WAIT_MS = 10_000;

export interface Order {
  readonly action: "start" | "stop";
  readonly instance: string;
  /** When it was given, in milliseconds since 1970 on power's clock. */
  readonly at: number;
  /** A stop although work is pending, active or unknown. */
  readonly force: boolean;
}

export type Verdict =
  | { readonly kind: "do"; readonly reason: "ordered" | "ordered_by_force" }
  /** `words` say why not, and what to do. */
  | { readonly kind: "refuse"; readonly words: string }
  /** The gateway has to be asked for active tasks first. */
  | { readonly kind: "ask" }
  /** Both witnesses have to be asked first. */
  | { readonly kind: "compare" }
  /** For an answer, until then at the latest. */
  | { readonly kind: "wait"; readonly until: number };

const refuse = (words: string): Verdict => ({ kind: "refuse", words });

export function judgeOrder(order: Order, snapshot: Snapshot, now: number): Verdict {
  const instance = snapshot.instances.find(({ id }) => id === order.instance);
  if (instance === undefined) return refuse(`The pool has no machine ${order.instance}; look at the status.`);
  if (instance.attempt !== null)
    return refuse(`A ${instance.attempt.action} of ${instance.id} is under way; wait for its end.`);
  if (snapshot.operatorControls)
    return refuse("A person controls the console's page in the live view; give it back first.");
  return order.action === "start"
    ? judgeStart(instance, snapshot, now)
    : judgeStop(instance, order, snapshot, now);
}

function judgeStart(instance: InstanceView, snapshot: Snapshot, now: number): Verdict {
  const { id, state } = instance;
  if (instance.forgotten) return refuse(`${id} was taken out of the pool file; put it back first.`);
  if (state === "running" || state === "starting") return refuse(`${id} is ${state} already.`);
  if (isStopping(instance, snapshot.policy, now))
    return refuse(`${id} is stopping; order it again when it is off.`);
  if (state !== "stopped")
    return refuse(`The state of ${id} is not known, so it may be on already; the status says why.`);
  if (snapshot.hold?.mode === "off") return refuse("The pool is held off; resume first.");
  if (allowedStarts(snapshot, now) <= 0)
    return refuse(`maxStartsPerHour (${snapshot.policy.maxStartsPerHour}) starts were sent within the hour.`);
  return { kind: "do", reason: "ordered" };
}

function judgeStop(instance: InstanceView, order: Order, snapshot: Snapshot, now: number): Verdict {
  const { id, state } = instance;
  const { demand } = snapshot;
  if (state === "stopped" || state === "stopping") return refuse(`${id} is ${state} already.`);
  if (state !== "running" && !(state === "unknown" && instance.apiState === "running" && order.force))
    return refuse(`${id} is ${state}, so it cannot be stopped; the status says why.`);
  if (order.force) return { kind: "do", reason: "ordered_by_force" };
  if (demand.jobsWaiting) return refuse("A job waits for the machine.");
  if (demand.bootRequested) return refuse("A client has asked for the machine and waits for it.");
  if (demand.neededUntil !== null)
    return refuse(
      `It is needed for ${formatDuration(demand.neededUntil - now)} more; the status says by whom.`,
    );
  const { keepOn } = snapshot.schedule;
  if (
    keepOn !== null &&
    snapshot.hold?.mode !== "off" &&
    snapshot.budget?.action !== "stop_when_idle_at_once"
  )
    return refuse(
      `The schedule "${keepOn.rule}" keeps it on until ${new Date(keepOn.until).toISOString()}; hold the pool off to go before it.`,
    );
  const sinceActive = now - (demand.lastActivityAt ?? Number.NEGATIVE_INFINITY);
  if (sinceActive < BUSY_MS && (demand.lastActivityAt ?? 0) >= (demand.lastInactiveAt ?? 0))
    return refuse(`A task was active ${formatDuration(sinceActive)} ago.`);
  const busy = busyUntil(instance, now);
  if (busy !== null)
    return refuse(
      `Its GPU computed more than ${snapshot.policy.busyAbove} % at ${new Date(instance.gpuBusyAt ?? now).toISOString()}.`,
    );
  if (snapshot.listeningSince === null)
    return refuse("Notices cannot be heard at present, so whether there is work is unknown.");

  const asked = snapshot.askedWorkersAt;
  if (asked === null || asked < order.at) return { kind: "ask" };
  const answered = demand.lastInactiveAt !== null && demand.lastInactiveAt >= asked;
  if (!answered && now < asked + ANSWER_WAIT_MS) return { kind: "wait", until: asked + ANSWER_WAIT_MS };
  const lastSign = Math.max(
    demand.lastJobAt ?? 0,
    demand.lastServedAt ?? 0,
    demand.lastActivityAt ?? 0,
    demand.clockJumpedAt ?? 0,
  );
  // An older gateway that does not answer: its worker may still be at a job that it does not tell of.
  if (!answered && now < lastSign + UNREPORTED_MS)
    return refuse(
      `The gateway does not say whether a task is active, and the last sign of work is ${formatDuration(now - lastSign)} old; ` +
        `that is unknown until it is ${formatDuration(UNREPORTED_MS)} old.`,
    );
  if (snapshot.pathProvenAt === null || snapshot.pathProvenAt < asked) {
    if (now < asked + PROOF_WAIT_MS) return { kind: "wait", until: asked + PROOF_WAIT_MS };
    return refuse("The notification path is not proven, so whether there is work is unknown.");
  }
  if (!isCompared(instance, now)) return { kind: "compare" };
  return { kind: "do", reason: "ordered" };
}
