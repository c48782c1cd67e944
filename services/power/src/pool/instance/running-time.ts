/** How long an instance has run, what that cost, and whether a worker came up in its present run. Pure. */
import { isDeepStrictEqual } from "node:util";
import type { InstanceState } from "@gpu-power-manager/shared/events";
import type { Demand } from "../../demand/demand.ts";
import type { Look } from "./looks.ts";
import type { InstanceRecord } from "./record.ts";

/** Two looks further apart than this prove nothing about the time between them. */
const PROVEN_STRETCH_MS = 10 * 60_000;
const HOUR_MS = 3_600_000;

/**
 * Keeps the time a machine has run, and what it cost.
 * @param offAt when the last look was asked that saw it not running.
 */
export function account(
  record: InstanceRecord,
  state: InstanceState,
  look: Look,
  pricePerHour: number,
  offAt: number | null,
): InstanceRecord {
  if (state === "running") {
    const next = { ...record, lastRunningAt: look.answeredAt };
    return record.runningSince === null ? beginRun(next, look, offAt) : next;
  }
  if (record.runningSince === null) return record;
  const lastRunningAt = record.lastRunningAt ?? record.runningSince;
  // After a long blindness only what was seen is counted.
  const until = look.answeredAt - lastRunningAt > PROVEN_STRETCH_MS ? lastRunningAt : look.answeredAt;
  return endRun(record, until, pricePerHour);
}

function endRun(record: InstanceRecord, until: number, pricePerHour: number): InstanceRecord {
  const ms = Math.max(0, until - (record.runningSince ?? until));
  return {
    ...record,
    runningSince: null,
    upFrom: null,
    workerFrom: null,
    lastRunningAt: null,
    uptimeMs: record.uptimeMs + ms,
    cost: record.cost + (ms / HOUR_MS) * pricePerHour,
  };
}

function beginRun(record: InstanceRecord, { answeredAt }: Look, offAt: number | null): InstanceRecord {
  const { ownStart } = record;
  const run = { ...record, runningSince: answeredAt, upFrom: offAt, workerFrom: offAt ?? answeredAt };
  // Somebody else turned it on: when, nobody told us.
  if (ownStart === null) return { ...run, workerFrom: answeredAt };
  if (!ownStart.givenUp) return { ...run, workerFrom: ownStart.at };
  // It came up after all. Between its start and now others came up too, so their workers are not to be taken for its
  // own; and what failed is no reason any more to leave it alone.
  return { ...run, failures: 0, restUntil: 0, restReason: null };
}

/**
 * What lies in the future was written by a clock that has been set back since, or by another host's: it counts as now.
 * A run is counted as far as it was measured, and goes on from now. The same value when nothing does.
 */
export function withoutFuture(record: InstanceRecord, now: number, longestRestMs: number): InstanceRecord {
  const { attempt, ownStart, runningSince, lastRunningAt } = record;
  const past = <T extends number | null>(at: T) => (at !== null && at > now ? now : at);
  const settled: InstanceRecord = {
    ...record,
    stateSince: past(record.stateSince),
    attempt: attempt === null ? null : { ...attempt, at: past(attempt.at), sentAt: past(attempt.sentAt) },
    restUntil: Math.min(record.restUntil, now + longestRestMs),
    starts: record.starts.map(past),
    ownStart: ownStart === null ? null : { ...ownStart, at: past(ownStart.at) },
    upFrom: past(record.upFrom),
    workerFrom: past(record.workerFrom),
    gpuBusyAt: past(record.gpuBusyAt),
  };
  if (runningSince === null || Math.max(runningSince, lastRunningAt ?? 0) <= now)
    return isDeepStrictEqual(settled, record) ? record : settled;
  const ended = endRun(record, lastRunningAt ?? runningSince, record.terms?.pricePerHour ?? 0);
  return {
    ...settled,
    uptimeMs: ended.uptimeMs,
    cost: ended.cost,
    runningSince: Math.min(runningSince, now),
    lastRunningAt: Math.min(runningSince, now),
  };
}

/** The provider has it no more, so nothing will be seen of it again: what was seen is counted. */
export function writeOff(record: InstanceRecord, pricePerHour: number): InstanceRecord {
  if (record.state === "stopped" && record.attempt === null) return record;
  const until = record.lastRunningAt ?? record.runningSince ?? 0;
  return { ...endRun(record, until, pricePerHour), state: "unknown", attempt: null, ownStart: null };
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
