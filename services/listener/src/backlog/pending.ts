/** What lies in the gateway's Redis → jobs and tasks. Pure. The shapes are those of the gateway's protocol. */
import { createHash } from "node:crypto";
import { JOB_TYPES, type JobType } from "@gpu-power-manager/shared/events";
import { z } from "zod";
import { hashKey } from "../gateway/frames.ts";

export const PENDING_PREFIX = "dsp:pending_tasks:";
export const STATUS_PREFIX = "dsp:task_status:";
/** The list of jobs that belong to no license. */
const GLOBAL = "__global__";
/** A task counts as given up after this. */
export const TASK_LIVES_S = 600;

/** Tells jobs apart as far as a notice can: by type, task type and license. */
export interface JobSignature {
  readonly type: JobType;
  readonly taskType: string | undefined;
  readonly keyHash: string | undefined;
}

/** A job in the gateway's backlog. */
export interface PendingJob extends JobSignature {
  /** The same for two entries only if they lie in one list and are equal to the letter. */
  readonly hash: string;
  readonly requestId: string | undefined;
  /** Queued by an HTTP controller: its notice carries the request id, those of the socket do not. */
  readonly overHttp: boolean;
}

const text = z.string().min(1).max(256).optional().catch(undefined);
const Job = z.object({
  type: z.enum(JOB_TYPES),
  task_type: text,
  request_id: text,
  key: text,
  sender_fd: z.unknown().optional(),
});

const Task = z.object({ start_time: z.coerce.number() });

function fromJson(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return undefined;
  }
}

/**
 * Reads one entry of a list of waiting jobs; undefined for one that cannot be understood.
 * @param list the license that the list's name ends with.
 */
export function readPending(list: string, raw: string): PendingJob | undefined {
  const job = Job.safeParse(fromJson(raw));
  if (!job.success) return undefined;
  const { type, task_type: taskType, request_id: requestId, key, sender_fd: sender } = job.data;
  const license = key ?? (list === GLOBAL ? undefined : list);
  return {
    hash: createHash("sha256").update(`${list}\n${raw}`).digest("base64url").slice(0, 16),
    // The gateway stores the older name under the newer.
    type: type === "gpu_task" ? "gpu.job.submit" : type,
    taskType,
    keyHash: license === undefined ? undefined : hashKey(license),
    requestId,
    overHttp: requestId !== undefined && sender === undefined,
  };
}

/**
 * Whether an entry of a task status hash means that somebody works, or will soon: it is younger than 600 s.
 * One that cannot be read may be one, so it counts.
 * @param nowS Unix seconds on the gateway's side.
 */
export function isActiveTask(raw: string, nowS: number): boolean {
  const task = Task.safeParse(fromJson(raw));
  return !task.success || nowS - task.data.start_time < TASK_LIVES_S;
}
