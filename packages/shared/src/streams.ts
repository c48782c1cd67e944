/** The streams, and how they are made where they are not there. */
import {
  DiscardPolicy,
  type JetStreamManager,
  NatsError,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "nats";
import { STREAMS } from "./events.ts";

const DAY_NS = 86_400_000_000_000;
const MINUTE_NS = 60_000_000_000;
const MIB = 1024 * 1024;

/**
 * How long JetStream knows a message by its id. A listener that comes after a crash asks by publishing again what
 * its predecessor may have published, so this is how long it may take to come.
 */
const JOBS_KNOWN_NS = 30 * MINUTE_NS;

/** JetStream's code for a name that is in use with another configuration. */
const NAME_IN_USE = 10058;

type NamedStream = Partial<StreamConfig> & { readonly name: string };

/**
 * Jobs and reports are work queues: a message stays until its one consumer has acknowledged it, however long that
 * consumer is away, and a full stream of jobs refuses instead of dropping the oldest, so that the publisher knows.
 */
function streamConfigs(replicas: number): readonly NamedStream[] {
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
    },
    {
      ...base,
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
      name: STREAMS.history,
      subjects: ["gpu.history.>"],
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      max_age: 400 * DAY_NS,
      max_bytes: 256 * MIB,
    },
  ];
}

async function ensureStream(manager: JetStreamManager, config: NamedStream): Promise<void> {
  try {
    await manager.streams.add(config);
  } catch (error) {
    // Made by an older version, or with another replica count.
    if (!(error instanceof NatsError) || error.api_error?.err_code !== NAME_IN_USE) throw error;
    await manager.streams.update(config.name, config);
  }
}

/** Makes the streams that are not there, and gives those that are the configuration of this version. */
export async function ensureStreams(manager: JetStreamManager, replicas: number): Promise<void> {
  for (const config of streamConfigs(replicas)) await ensureStream(manager, config);
}
