/**
 * Every message on NATS: its schema and its subject. Whoever publishes or consumes uses these and nothing
 * else, so the two services agree by construction.
 */

import { z } from "zod";
import { Memory } from "./memory.ts";

/** Streams and key-value buckets, as named in the architecture. Each service writes its own bucket and no other. */
export const STREAMS = { jobs: "GPU_JOBS", reports: "GPU_REPORTS", history: "GPU_HISTORY" } as const;
export const BUCKETS = { power: "gpu_power", listener: "gpu_listener" } as const;
export type BucketName = (typeof BUCKETS)[keyof typeof BUCKETS];

/** The stream by which NATS keeps a bucket. */
export function streamOfBucket(bucket: BucketName): string {
  return `KV_${bucket}`;
}

/** A pool's or an instance's name: one token of a subject and of a key. */
export const Token = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1 to 64 letters, digits, hyphens or underscores");

/** Milliseconds since 1970, on the clock of the process that made the message. */
export const Timestamp = z.number().int().nonnegative();

/** Frames that mean work, by the gateway's own names. */
export const JOB_TYPES = ["url", "chatglm_video", "gpu.job.submit", "gpu_task"] as const;
export type JobType = (typeof JOB_TYPES)[number];

const base = {
  /** Unique to this event; correlates log lines of both services. */
  eventId: z.string().min(1).max(64),
  pool: Token,
  /** When the listener learnt of it. */
  at: Timestamp,
};

/** Work waits: `count` jobs (more than one only when an outbox had to fold), the first of them at `at`. */
export const JobEvent = z.object({
  ...base,
  kind: z.literal("job"),
  type: z.enum(JOB_TYPES),
  taskType: z.string().max(256).optional(),
  requestId: z.string().max(256).optional(),
  /** SHA-256 of the license key, shortened: tells jobs of two licenses apart without carrying a secret. */
  keyHash: z.string().max(64).optional(),
  /** How it was learnt: a notice on the socket, the gateway's own backlog, or a gap assumed to hide one. */
  source: z.enum(["notice", "backlog", "gap"]),
  count: z.number().int().positive(),
});
export type JobEvent = z.infer<typeof JobEvent>;

/** Somebody asks to power on now. Anybody can: it never gets round a limit. */
export const BootEvent = z.object({
  ...base,
  kind: z.literal("boot"),
  requestId: z.string().max(256).optional(),
});
export type BootEvent = z.infer<typeof BootEvent>;

/** A client asks for the state. */
export const StatusQueryEvent = z.object({
  ...base,
  kind: z.literal("status_query"),
  requestId: z.string().max(256).optional(),
});
export type StatusQueryEvent = z.infer<typeof StatusQueryEvent>;

/** A worker is, or was, busy. */
export const ActivityEvent = z.object({
  ...base,
  kind: z.literal("activity"),
  source: z.enum(["task_active", "task_query", "task_status"]),
  /** How many tasks are known to be active; unset when the source only says that there is some. */
  activeCount: z.number().int().nonnegative().optional(),
  /** False only in an answer to a task query that saw none. */
  active: z.boolean(),
  requestId: z.string().max(256).optional(),
  taskType: z.string().max(256).optional(),
});
export type ActivityEvent = z.infer<typeof ActivityEvent>;

/** The gateway has announced that a worker registered: the machine is not only on, it answers. */
export const WorkerOnlineEvent = z.object({ ...base, kind: z.literal("worker_online") });
export type WorkerOnlineEvent = z.infer<typeof WorkerOnlineEvent>;

/**
 * Jobs wait at the gateway for a worker, says its own backlog: told at every check that finds some. A level, not
 * further jobs: it counts nothing, it starts a machine that is off and keeps one that is on.
 */
export const BacklogEvent = z.object({
  ...base,
  kind: z.literal("backlog"),
  pending: z.number().int().positive(),
});
export type BacklogEvent = z.infer<typeof BacklogEvent>;

/** What the listener tells power, on `gpu.jobs.<pool>.<type>`. */
export const GatewayEvent = z.discriminatedUnion("kind", [
  JobEvent,
  BootEvent,
  StatusQueryEvent,
  ActivityEvent,
  WorkerOnlineEvent,
  BacklogEvent,
]);
export type GatewayEvent = z.infer<typeof GatewayEvent>;

/** The subject of an event; dots in a job's type would be further tokens, so they become underscores. */
export function jobSubject(
  event: Pick<GatewayEvent, "pool"> & ({ kind: "job"; type: JobType } | { kind: string }),
): string {
  const type = "type" in event ? event.type.replaceAll(".", "_") : event.kind;
  return `gpu.jobs.${event.pool}.${type}`;
}

/** The state words of the gateway's protocol (`gpu.status.response`). */
export const REPORTED_STATES = ["unknown", "starting", "running", "stopping", "stopped"] as const;
export type ReportedState = (typeof REPORTED_STATES)[number];

const reportBase = { pool: Token, at: Timestamp, reportId: z.string().min(1).max(64) };

/** What power wants said to the gateway, on `gpu.reports.<pool>.<kind>`. */
export const Report = z.discriminatedUnion("kind", [
  z.object({
    ...reportBase,
    kind: z.literal("status"),
    status: z.enum(REPORTED_STATES),
    requestId: z.string().max(256).optional(),
    /** True when the console was asked for this very answer. */
    fresh: z.boolean(),
    /** Why a job waits, where policy lets it wait. */
    message: z.string().max(500).optional(),
  }),
  z.object({
    ...reportBase,
    kind: z.literal("booted"),
    instance: Token,
    requestId: z.string().max(256).optional(),
  }),
  z.object({
    ...reportBase,
    kind: z.literal("boot_result"),
    requestId: z.string().max(256),
    message: z.string().max(500),
  }),
  /** Asks the gateway whether tasks are active; older gateways say nothing. Worth nothing after some seconds. */
  z.object({ ...reportBase, kind: z.literal("task_query"), requestId: z.string().max(256) }),
]);
export type Report = z.infer<typeof Report>;

export function reportSubject(report: Pick<Report, "pool" | "kind">): string {
  return `gpu.reports.${report.pool}.${report.kind}`;
}

/** The states of an instance. `unknown` always comes with a reason. */
export const INSTANCE_STATES = ["unknown", "stopped", "starting", "running", "stopping"] as const;
export const InstanceState = z.enum(INSTANCE_STATES);
export type InstanceState = z.infer<typeof InstanceState>;

export const LANES = ["signed", "api", "page"] as const;
export type Lane = (typeof LANES)[number];

/** What a listener says of itself beside being alive: its readiness, for whoever cannot ask it. */
export const ListenerAbout = z.object({
  ready: z.boolean(),
  words: z.string().max(2_000),
  details: z.record(z.string(), z.unknown()),
  /** Unset by one that is in no container, or of an older version. */
  memory: Memory.optional(),
  /** Of its image; unset by one that runs from sources, or of an older version. */
  version: z.string().max(100).optional(),
});
export type ListenerAbout = z.infer<typeof ListenerAbout>;

/**
 * A listener's sign of life, published every few seconds on core NATS (worth nothing later, so not stored).
 * Power takes silence for deafness: what could not be heard may be work.
 */
export const ListenerAlive = z.object({
  listener: z.string().min(1).max(64),
  pool: Token,
  at: Timestamp,
  /** Since when this listener has been able to hear notices without a break; null while it is not. */
  provenSince: Timestamp.nullable(),
  /** When a frame last came all the way through; null before the first. */
  provenAt: Timestamp.nullable().default(null),
  /** Whether the gateway has confirmed this listener's registration, be the path proven or not. */
  registered: z.boolean().default(false),
  /** Unset by a listener of an older version. */
  about: ListenerAbout.optional(),
});
export type ListenerAlive = z.infer<typeof ListenerAlive>;

/** On it the power that acts tells those that stand by what it knows of the pool; core NATS, as signs of life. */
export function actingSubject(pool: string): string {
  return `gpu.acting.${pool}`;
}

export function aliveSubject(pool: string): string {
  return `gpu.alive.${pool}`;
}
