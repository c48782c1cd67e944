/**
 * What is known of one instance: the durable record, what this process remembers of its looks, and how both
 * move on with each look and each action. Pure values in, values out; times are milliseconds since 1970 on
 * this process's clock.
 */
import { InstanceState, LANES } from "@gpu-power-manager/shared/events";
import { z } from "zod";
import type { ActionResult, Sighting, UnknownReason } from "../console/driver.ts";
import type { Demand } from "../demand/demand.ts";
import type { InstanceView } from "./decide.ts";
import type { Instance, Policy } from "./pool.ts";

/** An accepted action that changed nothing for so long has had no effect (at most half its timeout). */
const NO_EFFECT_SENT_MS = 30_000;
/** The same for an action of which it is not known whether it was sent: power ended between intent and call. */
const NO_EFFECT_INTENDED_MS = 10_000;
/** Two looks further apart than this prove nothing about the time between them. */
const PROVEN_STRETCH_MS = 10 * 60_000;
const HOUR_MS = 3_600_000;

const Time = z.number().int().nonnegative();

const Attempt = z.object({
  attemptId: z.string(),
  action: z.enum(["start", "stop"]),
  reason: z.string(),
  at: Time,
  /** `intended`: written down, perhaps sent; `sent`: the console took it, or may have. */
  phase: z.enum(["intended", "sent"]),
  sentAt: Time.nullable(),
  lane: z.enum(LANES).nullable(),
  /** The machine was seen on its way (starting, stopping) since. */
  sawChange: z.boolean(),
  /** When the oldest job came for which this is done, on the listener's clock. */
  demandSince: Time.nullable(),
});
export type Attempt = z.infer<typeof Attempt>;

export const InstanceRecord = z.object({
  version: z.literal(1),
  providerId: z.string(),
  /** The last state that was known; `unknown` only before the first. */
  state: InstanceState,
  stateSince: Time,
  attempt: Attempt.nullable(),
  /** Failed attempts in a row. */
  failures: z.number().int().nonnegative(),
  restUntil: Time,
  restReason: z.string().nullable(),
  /** When starts were sent, within the last hour. */
  starts: z.array(Time),
  runningSince: Time.nullable(),
  /** From when a worker that comes online is this run's: its start, or where that is not ours, the first sight. */
  workerFrom: Time.nullable().default(null),
  lastRunningAt: Time.nullable(),
  /** Finished runs together, without the current one. */
  uptimeMs: z.number().nonnegative(),
  /** What the finished runs cost, in the instance's currency, at the prices of their times. */
  cost: z.number().nonnegative(),
});
export type InstanceRecord = z.infer<typeof InstanceRecord>;

export function newRecord(instance: Pick<Instance, "providerId">): InstanceRecord {
  return {
    version: 1,
    providerId: instance.providerId,
    state: "unknown",
    stateSince: 0,
    attempt: null,
    failures: 0,
    restUntil: 0,
    restReason: null,
    starts: [],
    runningSince: null,
    workerFrom: null,
    lastRunningAt: null,
    uptimeMs: 0,
    cost: 0,
  };
}

/** What this process saw; gone with it, so that after a restart it looks before it acts. */
export interface Looks {
  readonly askedAt: number | null;
  readonly unknown: { readonly reason: UnknownReason; readonly words: string } | null;
  readonly apiState: InstanceState | null;
  readonly unknownLooks: number;
  readonly comparedAt: number | null;
}

export const NO_LOOKS: Looks = {
  askedAt: null,
  unknown: { reason: "not_observed_yet", words: "The console has not been looked at yet." },
  apiState: null,
  unknownLooks: 0,
  comparedAt: null,
};

export type AttemptOutcome =
  | "succeeded"
  | "refused"
  | "sold_out"
  | "not_tried"
  | "no_effect"
  | "fell_back"
  | "timeout";

/** An attempt that has come to its end. */
export interface Ended {
  readonly attempt: Attempt;
  readonly outcome: AttemptOutcome;
  readonly message: string;
}

/** What a look or an answer brought to light. */
export interface Progress {
  readonly record: InstanceRecord;
  readonly looks: Looks;
  readonly changed: { readonly from: InstanceState; readonly to: InstanceState } | null;
  readonly ended: Ended | null;
}

export interface Look {
  readonly sighting: Sighting;
  readonly askedAt: number;
  readonly answeredAt: number;
  /** Both witnesses were asked. */
  readonly compared: boolean;
}

/** The rest after the n-th failure in a row: doubling, up to the quarantine. */
export function restAfter(failures: number, policy: Policy): number {
  return Math.min(policy.startBackoff * 2 ** Math.min(Math.max(failures - 1, 0), 30), policy.quarantine);
}

/** Takes a look's answer in. */
export function afterLook(
  record: InstanceRecord,
  looks: Looks,
  look: Look,
  policy: Policy,
  pricePerHour: number,
  /** The call of the current attempt has not returned yet, so its lack of effect says nothing. */
  calling: boolean,
): Progress {
  const { sighting } = look;
  const nextLooks: Looks =
    sighting.state === "unknown"
      ? {
          askedAt: look.askedAt,
          unknown: { reason: sighting.reason, words: sighting.words },
          apiState: sighting.api ?? null,
          unknownLooks: looks.unknownLooks + 1,
          comparedAt: null,
        }
      : {
          askedAt: look.askedAt,
          unknown: null,
          apiState: sighting.state,
          unknownLooks: 0,
          comparedAt: look.compared
            ? look.answeredAt
            : sighting.state === record.state
              ? looks.comparedAt
              : null,
        };
  let next = record;
  let changed: Progress["changed"] = null;
  if (sighting.state !== "unknown") {
    next = account(next, sighting.state, look, pricePerHour);
    if (sighting.state !== record.state) {
      changed = { from: record.state, to: sighting.state };
      next = { ...next, state: sighting.state, stateSince: look.answeredAt };
    }
  }
  const judged = judge(next, sighting.state, look, policy, calling);
  return { record: judged.record, looks: nextLooks, changed, ended: judged.ended };
}

/** Keeps the time a machine has run, and what it cost. */
function account(
  record: InstanceRecord,
  state: InstanceState,
  look: Look,
  pricePerHour: number,
): InstanceRecord {
  if (state === "running") {
    return {
      ...record,
      runningSince: record.runningSince ?? look.answeredAt,
      workerFrom:
        record.workerFrom ?? (record.attempt?.action === "start" ? record.attempt.at : look.answeredAt),
      lastRunningAt: look.answeredAt,
    };
  }
  if (record.runningSince === null) return record;
  const lastRunningAt = record.lastRunningAt ?? record.runningSince;
  // After a long blindness only what was seen is counted.
  const until = look.answeredAt - lastRunningAt > PROVEN_STRETCH_MS ? lastRunningAt : look.answeredAt;
  const ms = Math.max(0, until - record.runningSince);
  return {
    ...record,
    runningSince: null,
    workerFrom: null,
    lastRunningAt: null,
    uptimeMs: record.uptimeMs + ms,
    cost: record.cost + (ms / HOUR_MS) * pricePerHour,
  };
}

const GOAL = { start: "running", stop: "stopped" } as const;
const ORIGIN = { start: "stopped", stop: "running" } as const;

function judge(record: InstanceRecord, seen: InstanceState, look: Look, policy: Policy, calling: boolean) {
  const { attempt } = record;
  if (attempt === null || look.askedAt <= attempt.at) return { record, ended: null };
  if (seen === GOAL[attempt.action])
    return end(record, "succeeded", `The machine is ${seen}.`, look.answeredAt, policy);
  const timeout = attempt.action === "start" ? policy.startTimeout : policy.stopTimeout;
  const age = look.askedAt - attempt.at;
  if (!calling && seen === ORIGIN[attempt.action]) {
    if (attempt.sawChange) {
      return end(record, "fell_back", `The machine went back to ${seen} by itself.`, look.answeredAt, policy);
    }
    const patience = Math.min(
      attempt.phase === "sent" ? NO_EFFECT_SENT_MS : NO_EFFECT_INTENDED_MS,
      timeout / 2,
    );
    if (age >= patience) {
      return end(record, "no_effect", `The machine is still ${seen}.`, look.answeredAt, policy);
    }
  }
  if (!calling && age >= timeout) {
    return end(record, "timeout", `The machine is ${seen} after the time allowed.`, look.answeredAt, policy);
  }
  const sawChange = attempt.sawChange || seen === (attempt.action === "start" ? "starting" : "stopping");
  return sawChange === attempt.sawChange
    ? { record, ended: null }
    : { record: { ...record, attempt: { ...attempt, sawChange } }, ended: null };
}

function end(record: InstanceRecord, outcome: AttemptOutcome, message: string, now: number, policy: Policy) {
  const { attempt } = record;
  if (attempt === null) return { record, ended: null };
  const failures = outcome === "succeeded" ? 0 : record.failures + 1;
  return {
    record: {
      ...record,
      attempt: null,
      failures,
      restUntil: failures === 0 ? 0 : now + restAfter(failures, policy),
      restReason: failures === 0 ? null : `${attempt.action} ${outcome}: ${message}`,
    },
    ended: { attempt, outcome, message },
  };
}

/** Writes an intent down; returns the same record when an attempt is under way already, by whomever. */
export function beginAttempt(
  record: InstanceRecord,
  intent: Pick<Attempt, "attemptId" | "action" | "reason" | "at" | "demandSince">,
): InstanceRecord {
  if (record.attempt !== null) return record;
  return {
    ...record,
    attempt: { ...intent, phase: "intended", sentAt: null, lane: null, sawChange: false },
    // Counted before it is sent, so that a crash in between cannot get round the limit.
    starts:
      intent.action === "start"
        ? [...record.starts.filter((at) => at > intent.at - HOUR_MS), intent.at]
        : record.starts,
  };
}

/** Takes the console's answer to an attempt in; an answer to one that is over changes nothing. */
export function afterAction(
  record: InstanceRecord,
  attemptId: string,
  result: ActionResult,
  now: number,
  policy: Policy,
): { record: InstanceRecord; ended: Ended | null } {
  const { attempt } = record;
  if (attempt === null || attempt.attemptId !== attemptId) return { record, ended: null };
  if (result.outcome === "accepted" || result.outcome === "uncertain") {
    return {
      record: { ...record, attempt: { ...attempt, phase: "sent", sentAt: now, lane: result.lane } },
      ended: null,
    };
  }
  const outcome: AttemptOutcome =
    result.outcome === "refused" ? (result.soldOut ? "sold_out" : "refused") : "not_tried";
  const lane = result.outcome === "refused" ? result.lane : null;
  // What was never taken costs nothing and does not count against the limit of starts.
  const starts = record.starts.filter((at) => at !== attempt.at);
  return end({ ...record, starts, attempt: { ...attempt, lane } }, outcome, result.message, now, policy);
}

/** Milliseconds that the instance has been seen running, ever. */
export function uptimeMs(record: InstanceRecord): number {
  const current =
    record.runningSince === null
      ? 0
      : Math.max(0, (record.lastRunningAt ?? record.runningSince) - record.runningSince);
  return record.uptimeMs + current;
}

/** Whether a worker has come online or was busy in the instance's present run; undefined while it does not run. */
export function workerOnline(
  { workerFrom }: Pick<InstanceRecord, "workerFrom">,
  { lastWorkerOnlineAt, lastWorkerBusyAt }: Pick<Demand, "lastWorkerOnlineAt" | "lastWorkerBusyAt">,
): boolean | undefined {
  if (workerFrom === null) return undefined;
  return Math.max(lastWorkerOnlineAt ?? 0, lastWorkerBusyAt ?? 0) >= workerFrom;
}

/** What the instance has cost, ever, in its currency. */
export function cost(record: InstanceRecord, pricePerHour: number): number {
  const current = uptimeMs(record) - record.uptimeMs;
  return record.cost + (current / HOUR_MS) * pricePerHour;
}

/** An instance as `decide` sees it. */
export function viewOf(instance: Instance, record: InstanceRecord, looks: Looks): InstanceView {
  return {
    id: instance.id,
    priority: instance.priority,
    state: looks.unknown === null ? record.state : "unknown",
    askedAt: looks.askedAt,
    stateSince: record.stateSince,
    apiState: looks.apiState,
    unknownLooks: looks.unknownLooks,
    attempt: record.attempt,
    runningSince: record.runningSince,
    restUntil: record.restUntil,
    comparedAt: looks.comparedAt,
  };
}
