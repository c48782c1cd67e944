/**
 * Demand: what is wanted, folded from events. Pure values in, values out; kept in KV as one document.
 *
 * Times named `at` are the listener's clock (for people and for latency); times named `foldedAt` are this
 * service's clock, and only they are compared with observations, so a skew between two hosts cannot make a
 * job look served.
 */
import type { ActivityEvent, BacklogEvent, GatewayEvent, JobEvent } from "@gpu-power-manager/shared/events";
import { JOB_TYPES } from "@gpu-power-manager/shared/events";
import { z } from "zod";
import { Needs, NO_NEEDS } from "./needs.ts";
import { addToRanges, type Ranges, SequenceRanges } from "./sequence-ranges.ts";

/** Groups of jobs that are told apart; beyond this the two youngest are merged. */
const MAX_GROUPS = 64;
/** Boot requests that are answered one by one; more come only from a flood. */
const MAX_BOOT_REQUESTS = 50;

const Time = z.number().int().nonnegative();

/** Jobs that arrived close together and are served together; a count of 0 stands for a backlog of unknown jobs. */
const JobGroup = z.object({
  /** When the oldest of them came to the listener. */
  since: Time,
  /** When the youngest of them was folded here: seen running after this, the group is served. */
  foldedAt: Time,
  count: z.number().int().nonnegative(),
});

const BootRequest = z.object({ requestId: z.string().optional(), at: Time, foldedAt: Time });
export type BootRequest = z.infer<typeof BootRequest>;

export const Demand = z.object({
  version: z.literal(1),
  /** Oldest first. */
  waiting: z.array(JobGroup),
  boots: z.array(BootRequest),
  /** This service's clock; null when there never was one. */
  lastJobAt: Time.nullable(),
  lastActivityAt: Time.nullable(),
  /** When the last answer of the gateway said that no task is active; null when there never was one. */
  lastInactiveAt: Time.nullable(),
  /** When jobs were last seen served: the machine then has work, however long they had waited. */
  lastServedAt: Time.nullable().default(null),
  /** When a worker last registered at the gateway. */
  lastWorkerOnlineAt: Time.nullable().default(null),
  /** When the gateway's backlog was last found to hold jobs that wait for a worker. */
  lastBacklogAt: Time.nullable().default(null),
  /** When a worker last said that it is busy. */
  lastWorkerBusyAt: Time.nullable().default(null),
  /** When this service's clock last jumped ahead: how long ago anything before that was, nobody knows. */
  clockJumpedAt: Time.nullable().default(null),
  needs: Needs.default(NO_NEEDS),
  /** Jobs ever folded, by type. */
  counts: z.record(z.string(), z.number().int().nonnegative()),
  served: z.number().int().nonnegative(),
  /** Stream sequences that are folded already, so that a redelivered event is not counted again. */
  folded: z.object({ streamCreated: z.string(), ranges: SequenceRanges }),
});
export type Demand = z.infer<typeof Demand>;

export function emptyDemand(streamCreated: string): Demand {
  return {
    version: 1,
    waiting: [],
    boots: [],
    lastJobAt: null,
    lastActivityAt: null,
    lastInactiveAt: null,
    lastServedAt: null,
    lastWorkerOnlineAt: null,
    lastBacklogAt: null,
    lastWorkerBusyAt: null,
    clockJumpedAt: null,
    needs: NO_NEEDS,
    counts: Object.fromEntries(JOB_TYPES.map((type) => [type, 0])),
    served: 0,
    folded: { streamCreated, ranges: [] },
  };
}

export interface SequencedEvent {
  readonly sequence: number;
  readonly event: GatewayEvent;
}

/** Folds a batch of events in; events whose sequence is folded already change nothing. */
export function foldEvents(demand: Demand, batch: readonly SequencedEvent[], now: number): Demand {
  let ranges: Ranges = demand.folded.ranges;
  let next = demand;
  const jobs: JobEvent[] = [];
  for (const { sequence, event } of batch) {
    const added = addToRanges(ranges, sequence);
    if (added === ranges) continue;
    ranges = added;
    if (event.kind === "job") jobs.push(event);
    else if (event.kind === "boot")
      next = addBoot(next, { requestId: event.requestId, at: event.at, foldedAt: now });
    else if (event.kind === "activity") next = addActivity(next, event, now);
    // A worker that came up gets the backlog at once: it is about to work.
    else if (event.kind === "worker_online") next = { ...next, lastWorkerOnlineAt: now, lastActivityAt: now };
    else if (event.kind === "backlog") next = addBacklog(next, event, now);
  }
  if (jobs.length > 0) next = addJobs(next, jobs, now);
  return { ...next, folded: { ...next.folded, ranges } };
}

function addJobs(demand: Demand, jobs: readonly JobEvent[], now: number): Demand {
  const counts = { ...demand.counts };
  let since = Number.POSITIVE_INFINITY;
  let total = 0;
  for (const job of jobs) {
    counts[job.type] = (counts[job.type] ?? 0) + job.count;
    since = Math.min(since, job.at);
    total += job.count;
  }
  const waiting = [...demand.waiting, { since, foldedAt: now, count: total }];
  if (waiting.length > MAX_GROUPS) {
    const [older, younger] = waiting.splice(-2);
    if (older !== undefined && younger !== undefined) {
      waiting.push({
        since: Math.min(older.since, younger.since),
        foldedAt: younger.foldedAt,
        count: older.count + younger.count,
      });
    }
  }
  return { ...demand, waiting, counts, lastJobAt: now };
}

/**
 * Jobs wait at the gateway. Most of them are known already, one by one, so nothing is counted; but whatever was
 * counted wrongly or served too soon, a machine has to be seen running after this.
 */
function addBacklog(demand: Demand, event: BacklogEvent, now: number): Demand {
  const waiting = demand.waiting.length > 0 ? demand.waiting : [{ since: event.at, foldedAt: now, count: 0 }];
  return { ...demand, waiting, lastActivityAt: now, lastBacklogAt: now };
}

function addBoot(demand: Demand, boot: BootRequest): Demand {
  // In a flood the newest answers are given up; the oldest request is already reason enough to start.
  if (demand.boots.length >= MAX_BOOT_REQUESTS) return demand;
  return { ...demand, boots: [...demand.boots, boot] };
}

function addActivity(demand: Demand, event: ActivityEvent, now: number): Demand {
  if (!event.active) return { ...demand, lastInactiveAt: now };
  // A worker alone says this itself; the other sources know of tasks that may wait for one.
  const lastWorkerBusyAt = event.source === "task_active" ? now : demand.lastWorkerBusyAt;
  return { ...demand, lastActivityAt: now, lastWorkerBusyAt };
}

/**
 * Marks as served what was folded before the console was asked and then answered "running".
 * Returns the same value when nothing changes.
 */
export function serve(
  demand: Demand,
  runningAskedAt: number,
): { demand: Demand; served: number; boots: BootRequest[] } {
  const left = demand.waiting.filter((group) => group.foldedAt > runningAskedAt);
  const boots = demand.boots.filter((boot) => boot.foldedAt <= runningAskedAt);
  if (left.length === demand.waiting.length && boots.length === 0) return { demand, served: 0, boots };
  const served = pendingJobs(demand.waiting) - pendingJobs(left);
  return {
    demand: {
      ...demand,
      waiting: left,
      boots: demand.boots.filter((boot) => boot.foldedAt > runningAskedAt),
      served: demand.served + served,
      lastServedAt: served > 0 ? runningAskedAt : demand.lastServedAt,
    },
    served,
    boots,
  };
}

/**
 * What lies in the future was written by a clock that has been set back since, or by another host's: it counts as now.
 * Else a job would be taken for unserved, and a machine for at work, until that time has come. The same value when
 * nothing does.
 */
export function withoutFuture(demand: Demand, now: number): Demand {
  let changed = false;
  const past = <T extends number | null>(at: T): T | number => {
    if (at === null || at <= now) return at;
    changed = true;
    return now;
  };
  const settled: Demand = {
    ...demand,
    waiting: demand.waiting.map((group) => ({ ...group, foldedAt: past(group.foldedAt) })),
    boots: demand.boots.map((boot) => ({ ...boot, foldedAt: past(boot.foldedAt) })),
    lastJobAt: past(demand.lastJobAt),
    lastActivityAt: past(demand.lastActivityAt),
    lastInactiveAt: past(demand.lastInactiveAt),
    lastServedAt: past(demand.lastServedAt),
    lastWorkerOnlineAt: past(demand.lastWorkerOnlineAt),
    lastBacklogAt: past(demand.lastBacklogAt),
    lastWorkerBusyAt: past(demand.lastWorkerBusyAt),
    clockJumpedAt: past(demand.clockJumpedAt),
  };
  return changed ? settled : demand;
}

/** Removes boot requests that have been answered with a refusal. */
export function dropBoots(demand: Demand, answered: readonly BootRequest[]): Demand {
  const key = (boot: BootRequest) => `${boot.foldedAt}/${boot.requestId ?? ""}`;
  const gone = new Set(answered.map(key));
  return { ...demand, boots: demand.boots.filter((boot) => !gone.has(key(boot))) };
}

/** How many jobs wait in these groups. */
export function pendingJobs(waiting: Demand["waiting"]): number {
  return waiting.reduce((sum, group) => sum + group.count, 0);
}

/** When the oldest waiting job came to the listener; null when none waits. */
export function oldestPending(demand: Demand): number | null {
  return demand.waiting.reduce<number | null>(
    (oldest, group) => (oldest === null ? group.since : Math.min(oldest, group.since)),
    null,
  );
}
