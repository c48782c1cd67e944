/** What lies in the gateway's Redis → jobs and tasks. Pure. The shapes are those of the gateway's protocol. */
import { createHash, hash } from "node:crypto";
import { JOB_TYPES, type JobType } from "@gpu-power-manager/shared/events";
import { hashKey } from "@gpu-power-manager/shared/license";
import { z } from "zod";
import { pickFields } from "./fields.ts";

export const PENDING_PREFIX = "dsp:pending_tasks:";
export const STATUS_PREFIX = "dsp:task_status:";
/** The list of jobs that belong to no license. */
const GLOBAL = "__global__";
/** A job larger than this carries a payload, which is thrown away before it becomes text. */
const LARGE_BYTES = 16_384;
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

const JOB_FIELDS: ReadonlySet<string> = new Set(Object.keys(Job.shape));

const Task = z.object({ start_time: z.coerce.number() });
const TASK_FIELDS: ReadonlySet<string> = new Set(Object.keys(Task.shape));

function fromJson(raw: Buffer, names: ReadonlySet<string>): unknown {
  try {
    const text = raw.length <= LARGE_BYTES ? raw.toString() : pickFields(raw, names);
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A list of waiting jobs, as far as it tells something about its entries. */
export class PendingList {
  private readonly name: string;
  private readonly prefix: Buffer;
  private readonly keyHash: string | undefined;

  /** @param name the license that the list's key ends with. */
  constructor(name: string) {
    this.name = name;
    this.prefix = Buffer.from(`${name}\n`);
    this.keyHash = name === GLOBAL ? undefined : hashKey(name);
  }

  /** The same for two entries only if they lie in one list and are equal to the letter. */
  hash(raw: Buffer): string {
    // In one call where the entry is small: an object for each of 100,000 is more than the collector keeps up with.
    const digest =
      raw.length <= LARGE_BYTES
        ? hash("sha256", Buffer.concat([this.prefix, raw]), "base64url")
        : createHash("sha256").update(this.prefix).update(raw).digest("base64url");
    return digest.slice(0, 16);
  }

  /** Reads an entry; undefined for one that cannot be understood. */
  read(raw: Buffer, hash: string = this.hash(raw)): PendingJob | undefined {
    const job = Job.safeParse(fromJson(raw, JOB_FIELDS));
    if (!job.success) return undefined;
    const { type, task_type: taskType, request_id: requestId, key, sender_fd: sender } = job.data;
    return {
      hash,
      // The gateway stores the older name under the newer.
      type: type === "gpu_task" ? "gpu.job.submit" : type,
      taskType,
      keyHash: key === undefined || key === this.name ? this.keyHash : hashKey(key),
      requestId,
      overHttp: requestId !== undefined && sender === undefined,
    };
  }
}

/**
 * Whether an entry of a task status hash means that somebody works, or will soon: it is younger than 600 s.
 * One that cannot be read may be one, so it counts.
 * @param nowS Unix seconds on the gateway's side.
 */
export function isActiveTask(raw: Buffer, nowS: number): boolean {
  const task = Task.safeParse(fromJson(raw, TASK_FIELDS));
  return !task.success || nowS - task.data.start_time < TASK_LIVES_S;
}
