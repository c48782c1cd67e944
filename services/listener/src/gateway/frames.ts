/**
 * Frames of the gateway → what they mean. Pure. The facts are those of the gateway's protocol: JSON text,
 * mostly without request ids, unknown types to be counted and ignored.
 */
import { JOB_TYPES, type JobType } from "@gpu-power-manager/shared/events";
import { hashKey } from "@gpu-power-manager/shared/license";
import { z } from "zod";

/** Characters of a malformed frame that the log may show. */
const SAMPLE_LENGTH = 200;
/** Characters that a sample is made from: blotting shortens, and what is cut off was never looked at. */
const SAMPLED_LENGTH = 4 * SAMPLE_LENGTH;
/**
 * A longer frame is not parsed, only its type is read: anybody can make the gateway send us long ones, and to parse
 * 64 KiB of nothing but brackets takes 1.5 ms. The gateway's own frames for monitors have a few hundred bytes.
 */
const WHOLE_LIMIT_BYTES = 1_024;
/** Where a long frame names its type: the gateway writes it first, and what is written anew may have it last. */
const TYPE_FIRST = /^\s*\{\s*"type"\s*:\s*"([a-z._]{1,64})"\s*,/;
const TYPE_LAST = /,\s*"type"\s*:\s*"([a-z._]{1,64})"\s*\}\s*$/;
const ENDS_BYTES = 128;
/** Ids and names longer than this are of no use to anybody and are left out. */
const TEXT_LIMIT = 256;

/** Types that a gateway may send; anything else is counted as `other`. */
export const FRAME_TYPES = [
  "connected",
  "registered",
  "pong",
  ...JOB_TYPES,
  "gpu.power.boot",
  "gpu.status.query",
  "gpu.task.active",
  "gpu.task.query.response",
  "gpu.power.online",
  "gpu_online",
  "other",
] as const;
export type FrameType = (typeof FRAME_TYPES)[number];

export const REJECTIONS = [
  "too_large",
  "binary",
  "not_json",
  "not_an_object",
  "no_type",
  "wrong_shape",
] as const;
export type Rejection = (typeof REJECTIONS)[number];

/** A text that is worth keeping; a number is taken for its digits, anything else for absent. */
const text = z
  .union([z.string(), z.number().transform(String)])
  .optional()
  .catch(undefined)
  .transform((value) =>
    value === undefined || value === "" || value.length > TEXT_LIMIT ? undefined : value,
  );

/** A count, also as text: PHP turns numbers that went through Redis into strings. */
const count = z
  .union([z.number(), z.string().regex(/^\d+$/).transform(Number)])
  .pipe(z.number().int().nonnegative())
  .optional()
  .catch(undefined);

const flag = z
  .union([
    z.boolean(),
    z.literal([1, "1", "true"]).transform(() => true),
    z.literal([0, "0", "false"]).transform(() => false),
  ])
  .optional()
  .catch(undefined);

/**
 * Everything that is read from a frame. Only `type` must be right: a job whose other fields are damaged is
 * still a job, and losing it would leave a client waiting.
 */
const Frame = z.object({
  type: z.string(),
  role: text,
  key: text,
  task_type: text,
  request_id: text,
  fd: text,
  sender_fd: text,
  active_count: count,
  has_recent_active: flag,
  data: z.object({ source: text }).optional().catch(undefined),
});

/** The fields whose loss is worth counting. */
const READ_FIELDS = [
  "role",
  "key",
  "task_type",
  "request_id",
  "fd",
  "sender_fd",
  "active_count",
  "has_recent_active",
] as const;
export type ReadField = (typeof READ_FIELDS)[number];

export type Meaning =
  | { readonly kind: "connected" }
  | { readonly kind: "registered"; readonly role: string | undefined }
  | { readonly kind: "pong" }
  | {
      readonly kind: "job";
      readonly type: JobType;
      readonly taskType: string | undefined;
      readonly requestId: string | undefined;
      readonly keyHash: string | undefined;
    }
  /** `sender` is the gateway's number of the client's connection: request ids are the clients' own. */
  | { readonly kind: "boot"; readonly requestId: string | undefined; readonly sender: string | undefined }
  | {
      readonly kind: "status_query";
      readonly requestId: string | undefined;
      readonly sender: string | undefined;
    }
  | { readonly kind: "task_active"; readonly taskType: string | undefined }
  | {
      readonly kind: "task_query_response";
      readonly requestId: string | undefined;
      readonly activeCount: number | undefined;
      readonly active: boolean;
    }
  /** The gateway says that a worker is online; only `worker` proves one, a monitor may have said it. */
  | { readonly kind: "online"; readonly worker: boolean }
  | { readonly kind: "other" };

export type ReadFrame =
  | {
      readonly ok: true;
      readonly type: FrameType;
      readonly meaning: Meaning;
      /** Fields that were there and could not be used: of the wrong type, or too long; of a long frame all. */
      readonly dropped: readonly ReadField[];
      /** Its beginning for the log; only to be made when it is written. */
      readonly sample: () => string;
    }
  | { readonly ok: false; readonly reason: Rejection; readonly sample: () => string };

/**
 * A name that ends like a secret's, and its value. Linear in the text: a name is only tried from its beginning (`\b`),
 * else each letter of a long word would be the beginning of another try.
 */
const SECRETS =
  /(\b\w*(?:key|token|license|password|secret|authorization|cookie)\\*["']?\s*[:=]\s*)(\\*"(?:[^"\\]|\\.)*"?|'[^']*'?|[^,}\s&]+)/gi;

/** The beginning of a frame for the log, with license keys and other secrets blotted out. */
export function sampleOf(raw: string): string {
  return raw.slice(0, SAMPLED_LENGTH).replace(SECRETS, '$1"[secret]"').slice(0, SAMPLE_LENGTH);
}

/**
 * Reads one frame, at a bounded cost. Never throws, and never lets a frame over the limit be read at all.
 * @param limitBytes size in bytes from which on a frame is refused.
 */
export function readFrame(data: Buffer, isBinary: boolean, limitBytes: number): ReadFrame {
  const sample = () => sampleOf(data.toString("utf8", 0, SAMPLED_LENGTH));
  if (data.length > limitBytes) return { ok: false, reason: "too_large", sample };
  if (isBinary) return { ok: false, reason: "binary", sample: () => "" };
  if (data.length > WHOLE_LIMIT_BYTES) return readType(data, sample);
  let json: unknown;
  try {
    json = JSON.parse(data.toString("utf8"));
  } catch {
    return { ok: false, reason: "not_json", sample };
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return { ok: false, reason: "not_an_object", sample };
  }
  if (!("type" in json)) return { ok: false, reason: "no_type", sample };
  const parsed = Frame.safeParse(json);
  if (!parsed.success) return { ok: false, reason: "wrong_shape", sample };
  const frame = parsed.data;
  const given: Readonly<{ [field in ReadField]?: unknown }> & { type: unknown } = json;
  const dropped = READ_FIELDS.filter(
    (field) => given[field] != null && given[field] !== "" && frame[field] === undefined,
  );
  return { ok: true, type: typeOf(frame), meaning: meaningOf(frame, dropped), dropped, sample };
}

/** A long frame: a job is a job, whatever makes it long. */
function readType(data: Buffer, sample: () => string): ReadFrame {
  const [, type] =
    TYPE_FIRST.exec(data.toString("latin1", 0, ENDS_BYTES)) ??
    TYPE_LAST.exec(data.toString("latin1", data.length - ENDS_BYTES)) ??
    [];
  if (type === undefined) return { ok: false, reason: "too_large", sample };
  const frame = Frame.parse({ type });
  const meaning = meaningOf(frame, READ_FIELDS);
  return { ok: true, type: typeOf(frame), meaning, dropped: READ_FIELDS, sample };
}

function typeOf({ type }: z.output<typeof Frame>): FrameType {
  return FRAME_TYPES.find((known) => known === type) ?? "other";
}

function isJobType(type: string): type is JobType {
  return (JOB_TYPES as readonly string[]).includes(type);
}

function meaningOf(frame: z.output<typeof Frame>, dropped: readonly ReadField[]): Meaning {
  const { type, request_id: requestId, task_type: taskType } = frame;
  if (isJobType(type)) {
    const keyHash = frame.key === undefined ? undefined : hashKey(frame.key);
    return { kind: "job", type, taskType, requestId, keyHash };
  }
  switch (type) {
    case "connected":
    case "pong":
      return { kind: type };
    case "registered":
      return { kind: "registered", role: frame.role };
    case "gpu.power.boot":
      return { kind: "boot", requestId, sender: frame.fd };
    case "gpu.status.query":
      return { kind: "status_query", requestId, sender: frame.sender_fd };
    case "gpu.task.active":
      return { kind: "task_active", taskType };
    case "gpu.task.query.response": {
      const { active_count: activeCount, has_recent_active: recent } = frame;
      // What cannot be read may have said "busy", and a wrong "idle" would stop a working machine.
      const doubtful =
        (activeCount === undefined && recent === undefined) ||
        dropped.includes("active_count") ||
        dropped.includes("has_recent_active");
      return {
        kind: "task_query_response",
        requestId,
        activeCount,
        active: doubtful || (activeCount ?? 0) > 0 || recent === true,
      };
    }
    case "gpu.power.online":
      return { kind: "online", worker: frame.data?.source === "worker" };
    case "gpu_online":
      return { kind: "online", worker: false };
    default:
      return { kind: "other" };
  }
}
