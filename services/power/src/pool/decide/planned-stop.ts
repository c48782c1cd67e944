/**
 * The dead man's switch: while power runs and keeps a machine on, the provider's own planned stop of it is kept some hours
 * ahead, so that the provider stops it if nobody of us is there any more. Pure.
 */
import { busyUntil, type InstanceView, type Snapshot } from "./snapshot.ts";

/** The plan is renewed every tenth of its time. */
const RENEWALS = 10;

/** What was seen longer ago says nothing of what somebody has planned since: a step follows a look. */
const SEEN_MS = 30_000;

/** A planned stop of ours, or one that may be: durable. Times are milliseconds since 1970, whole seconds where the provider's. */
export interface OwnPlan {
  /** What the provider took last; null where it took none. */
  readonly at: number | null;
  /** What was asked for since, of which nobody knows whether it was taken, the last at the end. */
  readonly asked: readonly number[];
  /** When it was taken. */
  readonly renewedAt: number | null;
  /** Since when it cannot be set, moved or withdrawn; null while it can. */
  readonly failedSince: number | null;
  readonly words: string | null;
  /** Not to be tried again before this. */
  readonly againAt: number;
}

export type PlanStep =
  | { readonly kind: "set"; readonly instance: string; readonly at: number }
  | { readonly kind: "withdraw"; readonly instance: string }
  /** The provider has it no more: nothing is to be withdrawn. */
  | { readonly kind: "forget"; readonly instance: string };

/** Whether a planned stop that the provider tells of was set by power. */
export function isOurs(plan: Pick<OwnPlan, "at" | "asked"> | null, plannedStopAt: number): boolean {
  return plan !== null && (plannedStopAt === plan.at || plan.asked.includes(plannedStopAt));
}

/** What to do about planned stops now, the most pressing first: a machine that computes must not be stopped by its provider. */
export function decidePlans(snapshot: Snapshot, now: number): PlanStep[] {
  return snapshot.instances
    .flatMap((instance) => {
      const step = stepFor(instance, snapshot, now);
      return step === undefined ? [] : [{ step, instance }];
    })
    .sort((a, b) => urgency(a.instance, now) - urgency(b.instance, now))
    .map(({ step }) => step);
}

function urgency(instance: InstanceView, now: number): number {
  const stopsAt = instance.plan?.at ?? Number.MAX_SAFE_INTEGER;
  return busyUntil(instance, now) === null ? stopsAt : stopsAt - Number.MAX_SAFE_INTEGER;
}

function stepFor(instance: InstanceView, { policy }: Snapshot, now: number): PlanStep | undefined {
  const { id, state, attempt, plan, plannedStop } = instance;
  // Who does not see it cannot know what somebody else has planned meanwhile.
  if (plannedStop === null || attempt?.action === "stop") return undefined;
  if (plan !== null && now < plan.againAt) return undefined;
  const { at: told, askedAt } = plannedStop;
  if (now >= askedAt + SEEN_MS) return undefined;
  // What was asked after this look is not in its answer.
  const current = askedAt > (plan?.renewedAt ?? 0);
  const others = told !== null && !isOurs(plan, told);
  const ms = policy.deadMansSwitch;
  if (state === "running" && ms !== undefined) {
    if (others) return plan === null || !current ? undefined : { kind: "forget", instance: id };
    const due = plan?.renewedAt == null || plan.at === null || now >= plan.renewedAt + ms / RENEWALS;
    const tooFar = plan?.at != null && plan.at > now + ms;
    return due || tooFar ? { kind: "set", instance: id, at: askFor(plan, ms, now) } : undefined;
  }
  if (plan === null || (state !== "running" && state !== "stopped")) return undefined;
  // It is off, so that its next run must not end by it, or the switch is turned off.
  if (current && (told === null || others)) return { kind: "forget", instance: id };
  return { kind: "withdraw", instance: id };
}

/** The same again while it is far enough: what may be ours stays few, however often an answer is lost. */
function askFor(plan: OwnPlan | null, ms: number, now: number): number {
  const last = plan?.asked.at(-1);
  const enough = last !== undefined && last <= now + ms && last >= now + ms * (1 - 1 / RENEWALS);
  return enough ? last : wholeSeconds(now + ms);
}

/** The provider counts in seconds, and what it tells again must be known for ours. */
function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000;
}
