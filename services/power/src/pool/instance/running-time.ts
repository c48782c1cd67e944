/** How long an instance has run and was off, what that cost, and whether a worker came up in its present run. Pure. */
import { isDeepStrictEqual } from "node:util";
import type { InstanceState } from "@gpu-power-manager/shared/events";
import type { Demand } from "../../demand/demand.ts";
import type { Look } from "./looks.ts";
import type { InstanceRecord } from "./record.ts";
import { NOTHING_SPENT, OFF_STEP_MS, type Prices, spend } from "./spending.ts";

/** Two looks further apart than this prove nothing about the time between them. */
const PROVEN_STRETCH_MS = 10 * 60_000;

/**
 * Keeps the time a machine has run, and what it cost on and off.
 * @param offAt when the last look was asked that saw it not running.
 */
export function account(
  record: InstanceRecord,
  state: InstanceState,
  look: Look,
  prices: Prices,
  offAt: number | null,
): InstanceRecord {
  const before = accountOff(record, state, look, prices.off);
  const { answeredAt } = look;
  if (state === "running") {
    const next = { ...before, lastRunningAt: answeredAt };
    if (before.runningSince === null) return beginRun(next, look, offAt);
    return { ...next, run: spend(before.run, prices.running, answeredAt, before.runningSince) };
  }
  if (before.runningSince === null) return before;
  const lastRunningAt = before.lastRunningAt ?? before.runningSince;
  return endRun(before, provenUntil(lastRunningAt, answeredAt), prices.running);
}

/**
 * The stretch before a look in which nobody saw the machine: no power ran, or the console could not be asked.
 * Null where it is short enough for what was seen before to have gone on, or where its beginning is not known.
 */
export function unseenBefore(
  record: InstanceRecord,
  { answeredAt }: Look,
): { readonly from: number; readonly to: number } | null {
  const from =
    record.state === "running" ? record.lastRunningAt : record.state === "stopped" ? record.off.until : null;
  return from === null || answeredAt - from <= PROVEN_STRETCH_MS ? null : { from, to: answeredAt };
}

/** After a long blindness only what was seen is counted. */
function provenUntil(lastSeen: number, answeredAt: number): number {
  return answeredAt - lastSeen > PROVEN_STRETCH_MS ? lastSeen : answeredAt;
}

function accountOff(
  record: InstanceRecord,
  state: InstanceState,
  { answeredAt }: Look,
  price: number | null,
): InstanceRecord {
  const { off } = record;
  const { until } = off;
  if (until === null) return state === "stopped" ? { ...record, off: { ...off, until: answeredAt } } : record;
  if (state === "stopped")
    return answeredAt < until + OFF_STEP_MS
      ? record
      : { ...record, off: spend(off, price, answeredAt, until) };
  return { ...record, off: { ...spend(off, price, provenUntil(until, answeredAt), until), until: null } };
}

function endRun(record: InstanceRecord, until: number, pricePerHour: number | null): InstanceRecord {
  const since = record.runningSince ?? until;
  const ms = Math.max(0, until - since);
  const run = spend(record.run, pricePerHour, until, since);
  return {
    ...record,
    runningSince: null,
    upFrom: null,
    workerFrom: null,
    lastRunningAt: null,
    uptimeMs: record.uptimeMs + ms,
    cost: record.cost + run.cost,
    unpricedMs: record.unpricedMs + run.unpricedMs,
    run: NOTHING_SPENT,
  };
}

function beginRun(record: InstanceRecord, { answeredAt }: Look, offAt: number | null): InstanceRecord {
  const { ownStart } = record;
  const run = {
    ...record,
    runningSince: answeredAt,
    upFrom: offAt,
    workerFrom: offAt ?? answeredAt,
    run: { ...NOTHING_SPENT, until: answeredAt },
    keptFromReleaseAt: ownStart?.forRelease === true ? answeredAt : record.keptFromReleaseAt,
  };
  // Somebody else turned it on: when, nobody told us.
  if (ownStart === null) return { ...run, workerFrom: answeredAt };
  if (!ownStart.givenUp) return { ...run, workerFrom: ownStart.at };
  // It came up after all. Between its start and now others came up too, so their workers are not to be taken for its
  // own; and what failed is no reason any more to leave it alone.
  return { ...run, failures: 0, restUntil: 0, restReason: null };
}

/** An older power priced a run when it ended: what of it has passed is counted now, at the price that it would have had. */
export function withRunPriced(record: InstanceRecord): InstanceRecord {
  const { runningSince, lastRunningAt, run, terms } = record;
  if (runningSince === null || run.until !== null) return record;
  const price = terms?.pricePerHour ?? null;
  return { ...record, run: spend(run, price, lastRunningAt ?? runningSince, runningSince) };
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
    keptFromReleaseAt: past(record.keptFromReleaseAt),
    plan:
      record.plan === null
        ? null
        : {
            ...record.plan,
            renewedAt: past(record.plan.renewedAt),
            failedSince: past(record.plan.failedSince),
            againAt: past(record.plan.againAt),
          },
    run: { ...record.run, until: past(record.run.until) },
    off: { ...record.off, until: past(record.off.until) },
  };
  if (runningSince === null || Math.max(runningSince, lastRunningAt ?? 0) <= now)
    return isDeepStrictEqual(settled, record) ? record : settled;
  const ended = endRun(record, lastRunningAt ?? runningSince, record.terms?.pricePerHour ?? null);
  return {
    ...settled,
    uptimeMs: ended.uptimeMs,
    cost: ended.cost,
    unpricedMs: ended.unpricedMs,
    run: { ...NOTHING_SPENT, until: Math.min(runningSince, now) },
    runningSince: Math.min(runningSince, now),
    lastRunningAt: Math.min(runningSince, now),
  };
}

/** The provider has it no more, so nothing will be seen of it again: what was seen is counted. */
export function writeOff(record: InstanceRecord): InstanceRecord {
  if (record.state === "stopped" && record.attempt === null) return record;
  const until = record.lastRunningAt ?? record.runningSince ?? 0;
  const { off } = record;
  return {
    ...endRun(record, until, null),
    off: { ...off, until: null },
    state: "unknown",
    attempt: null,
    ownStart: null,
  };
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
