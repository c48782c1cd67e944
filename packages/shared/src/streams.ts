/**
 * The streams and buckets, and how they are made where they are not there. In an installation only the user `setup` may
 * make and change them (deploy/nats/nats.conf); everybody else checks them, and says what is to be done.
 */
import {
  DiscardPolicy,
  ErrorCode,
  type JetStreamManager,
  NatsError,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from "nats";
import { BUCKETS, type BucketName, STREAMS, streamOfBucket } from "./events.ts";

const DAY_NS = 86_400_000_000_000;
const MINUTE_NS = 60_000_000_000;
const MIB = 1024 * 1024;

/**
 * How long JetStream knows a message by its id. A listener that comes after a crash asks by publishing again what
 * its predecessor may have published, so this is how long it may take to come.
 */
const JOBS_KNOWN_NS = 30 * MINUTE_NS;

/** JetStream's code for a stream that is not there. */
const NOT_FOUND = 10059;

/** Nobody takes anything out of these: what is old goes by the limits, a key's value by the next one. */
const KEPT = { deny_delete: true, deny_purge: true, allow_rollup_hdrs: false };

const REMEDY = "run `make setup-nats`";

export type NamedStream = Partial<StreamConfig> & { readonly name: string };

/** A server's code for why it did not do what it was asked for. */
export function apiCode(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}

const isForbidden = (error: unknown) =>
  error instanceof NatsError && error.code === ErrorCode.PermissionsViolation;

/**
 * Jobs and reports are work queues: a message stays until its one consumer has acknowledged it, however long that
 * consumer is away, and a full stream of jobs refuses instead of dropping the oldest, so that the publisher knows.
 */
export function streamConfigs(replicas: number): readonly NamedStream[] {
  const base = { storage: StorageType.File, num_replicas: replicas, duplicate_window: 2 * MINUTE_NS };
  return [
    {
      ...base,
      name: STREAMS.jobs,
      subjects: ["gpu.jobs.>"],
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.New,
      max_bytes: 512 * MIB,
      duplicate_window: JOBS_KNOWN_NS,
      // Not denied for good, as the others have it: the events of a pool that was given up have to go by hand.
      allow_rollup_hdrs: false,
    },
    {
      ...base,
      ...KEPT,
      name: STREAMS.reports,
      subjects: ["gpu.reports.>"],
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.Old,
      // News of an hour ago ("the GPU is on") would be a guess about now.
      max_age: 60 * MINUTE_NS,
      max_bytes: 16 * MIB,
    },
    {
      ...base,
      ...KEPT,
      name: STREAMS.history,
      subjects: ["gpu.history.>"],
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      max_age: 400 * DAY_NS,
      max_bytes: 256 * MIB,
    },
  ];
}

/** A bucket as the client library reads and writes it, but for the purge of a key (a rollup): nobody needs that. */
export function bucketConfig(bucket: BucketName, replicas: number): NamedStream {
  return {
    ...KEPT,
    name: streamOfBucket(bucket),
    subjects: [`$KV.${bucket}.>`],
    storage: StorageType.File,
    num_replicas: replicas,
    max_msgs_per_subject: 1,
    discard: DiscardPolicy.New,
    // In a cluster a direct read may be answered by a copy that lags behind; without it the leader answers.
    allow_direct: false,
  };
}

/** All that an installation has. */
export function allConfigs(replicas: number): readonly NamedStream[] {
  return [
    ...streamConfigs(replicas),
    ...Object.values(BUCKETS).map((bucket) => bucketConfig(bucket, replicas)),
  ];
}

/** What is otherwise than it should be: `max_age is 60, not 3600`. */
export function differences(wanted: NamedStream, has: Partial<StreamConfig>): string[] {
  const found = new Map<string, unknown>(Object.entries(has));
  // A server leaves out what is not so.
  const of = (name: string, value: unknown) => found.get(name) ?? (value === false ? false : undefined);
  return Object.entries(wanted)
    .map(([name, value]) => [name, JSON.stringify(value), JSON.stringify(of(name, value))] as const)
    .filter(([, should, is]) => should !== is)
    .map(([name, should, is]) => `${name} is ${is}, not ${should}`);
}

/**
 * Makes a stream that is not there, and gives one that is the configuration of this version.
 * @param tell hears that it differs and this user may not change it: it is used as it is.
 * @throws when it is not there and this user may not make it, and when NATS does not answer.
 */
export async function ensureStream(
  manager: JetStreamManager,
  config: NamedStream,
  tell: (words: string) => void,
): Promise<StreamInfo> {
  const { name } = config;
  let info: StreamInfo;
  try {
    info = await manager.streams.info(name);
  } catch (error) {
    if (apiCode(error) !== NOT_FOUND) throw error;
    return await add(manager, config);
  }
  const differing = differences(config, info.config);
  if (differing.length === 0) return info;
  try {
    return await manager.streams.update(name, config);
  } catch (error) {
    if (!isForbidden(error)) throw error;
    tell(`${name}: ${differing.join("; ")}: ${REMEDY}`);
    return info;
  }
}

async function add(manager: JetStreamManager, config: NamedStream): Promise<StreamInfo> {
  try {
    return await manager.streams.add(config);
  } catch (cause) {
    if (!isForbidden(cause)) throw cause;
    throw new Error(`${config.name} is not there, and this user may not make it: ${REMEDY}`);
  }
}

/** Makes the streams that are not there, and gives those that are the configuration of this version. */
export async function ensureStreams(
  manager: JetStreamManager,
  replicas: number,
  tell: (words: string) => void,
): Promise<void> {
  for (const config of streamConfigs(replicas)) await ensureStream(manager, config, tell);
}
