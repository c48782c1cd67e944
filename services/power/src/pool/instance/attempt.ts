/**
 * A start or a stop from its intent to its end, which is what was observed afterwards. Pure values in, values out.
 */
import type { InstanceState } from "@gpu-power-manager/shared/events";
import type { ActionResult } from "../../console/driver.ts";
import type { Policy } from "../pool.ts";
import type { Look } from "./looks.ts";
import type { Attempt, InstanceRecord } from "./record.ts";

/** An accepted action that changed nothing for so long has had no effect (at most half its timeout). */
const NO_EFFECT_SENT_MS = 30_000;
/** The same for an action of which it is not known whether it was sent: power ended between intent and call. */
const NO_EFFECT_INTENDED_MS = 10_000;
/** What is sold out may be free at any moment, and a start that is refused for it costs nothing: it is tried each minute. */
const SOLD_OUT_REST_MS = 60_000;
const HOUR_MS = 3_600_000;

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

/** The rest after the n-th failure in a row: doubling, up to the quarantine. */
export function restAfter(failures: number, policy: Policy): number {
  return Math.min(policy.startBackoff * 2 ** Math.min(Math.max(failures - 1, 0), 30), policy.quarantine);
}

const GOAL = { start: "running", stop: "stopped" } as const;
const ORIGIN = { start: "stopped", stop: "running" } as const;

/** What a look says of the attempt under way: nothing yet, progress, or its end. */
export function judge(
  record: InstanceRecord,
  seen: InstanceState,
  look: Look,
  policy: Policy,
  calling: boolean,
) {
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
  const rest = restAfter(failures, policy);
  const gaveUp = attempt.action === "start" && outcome !== "succeeded";
  return {
    record: {
      ...record,
      attempt: null,
      ownStart: gaveUp && record.ownStart !== null ? { ...record.ownStart, givenUp: true } : record.ownStart,
      failures,
      restUntil:
        failures === 0 ? 0 : now + (outcome === "sold_out" ? Math.min(rest, SOLD_OUT_REST_MS) : rest),
      restsSoldOut: outcome === "sold_out",
      restReason: failures === 0 ? null : `${attempt.action} ${outcome}: ${message}`,
    },
    ended: { attempt, outcome, message },
  };
}

/** It is off and nothing is under way: whoever turns it on next, it is not by the start before. */
export function disown(record: InstanceRecord): InstanceRecord {
  return record.ownStart === null || record.attempt !== null ? record : { ...record, ownStart: null };
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
    ownStart:
      intent.action === "start"
        ? {
            at: intent.at,
            ordered: intent.reason === "ordered",
            givenUp: false,
            forRelease: intent.reason === "keep_from_release",
          }
        : record.ownStart,
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
  const ownStart = attempt.action === "start" ? null : record.ownStart;
  return end(
    { ...record, starts, ownStart, attempt: { ...attempt, lane } },
    outcome,
    result.message,
    now,
    policy,
  );
}
