/** GPU_JOBS → demand: events are acknowledged only after what they mean is written down. */

import type { Bus } from "@gpu-power-manager/shared/bus";
import { describeError } from "@gpu-power-manager/shared/errors";
import { GatewayEvent, STREAMS, type StatusQueryEvent } from "@gpu-power-manager/shared/events";
import type { JobTaken } from "@gpu-power-manager/shared/history-page";
import type { Logger } from "@gpu-power-manager/shared/logger";
import { AckPolicy, DeliverPolicy, type JsMsg, type NatsConnection } from "nats";
import { KvDocument } from "../state/kv-document.ts";
import { Demand, emptyDemand, foldEvents, type SequencedEvent, withoutFuture } from "./demand.ts";
import { RecentIds } from "./recent-ids.ts";
import { raiseFloor } from "./sequence-ranges.ts";

/** One write takes at most so many events; a burst of 10,000 is a few writes. */
const BATCH = 2_000;
/** How long the server waits before it gives an event that a crash left behind to somebody else. */
const ACK_WAIT_NS = 10 * 1_000_000_000;
/** Ranges in the demand document beyond which the server is asked what it has seen acknowledged. */
const MAX_RANGES = 64;
/**
 * What is written down is acknowledged so much later: the server writes each acknowledgement to disk, and the start that
 * follows from the event would stand in line behind that. An event that a crash leaves unacknowledged comes again, and
 * its sequence is known.
 */
const ACK_AFTER_MS = 50;
const RETRY_MS = 500;
/** After two heartbeats that did not come events are asked for anew: where the server died, nobody else says so. */
const HEARTBEAT_MS = 1_000;
/** A question for events holds so long; also the pause between tries while the cluster chooses a leader. */
const PULL_MS = 3_000;
/** Copies come while a server dies and others go on; the limit bounds memory in a flood. */
const COPIES_MS = 2 * 60_000;
const COPIES_LIMIT = 20_000;
/** In a flood nobody follows each job by eye; so many of a batch are told. */
const TOLD_JOBS = 100;
/** A question about the state is not worth an answer after this. */
const QUERY_VALID_MS = 30_000;

export interface IntakeOptions {
  readonly bus: Bus;
  readonly pool: string;
  readonly demand: KvDocument<typeof Demand>;
  readonly logger: Logger;
  readonly now: () => number;
  /** Demand has changed and is durable. */
  readonly onDemand: () => void;
  /** Jobs that are in demand now, for whoever follows one; of a flood only some. */
  readonly onJobs: (jobs: readonly JobTaken[]) => void;
  readonly onQueries: (queries: readonly StatusQueryEvent[]) => void;
  readonly onMalformed: () => void;
  readonly signal: AbortSignal;
}

interface Round extends IntakeOptions {
  readonly recent: RecentIds;
  readonly acks: LaterAcks;
}

/** The pool's consumer of job events, by name. */
export const consumerOf = (pool: string) => `power-${pool}`;

/** Opens the pool's demand; where the stream was made anew, its sequences begin anew too. */
export async function openDemand(
  bus: Bus,
  pool: string,
  mayWrite: () => boolean,
  now: () => number,
): Promise<KvDocument<typeof Demand>> {
  const created = (await bus.manager.streams.info(STREAMS.jobs)).created;
  const document = await KvDocument.open({
    kv: bus.kv,
    key: `demand.${pool}`,
    schema: Demand,
    initial: () => emptyDemand(created),
    mayWrite,
  });
  if (document.value.folded.streamCreated !== created) {
    await document.change((demand) => ({ ...demand, folded: { streamCreated: created, ranges: [] } }));
  }
  await document.change((demand) => withoutFuture(demand, now()));
  return document;
}

/** Consumes events until the signal; survives everything NATS does in between. */
export async function runIntake(options: IntakeOptions): Promise<void> {
  const { logger, signal } = options;
  const acks = new LaterAcks(options.bus.connection);
  const round = { ...options, acks, recent: new RecentIds(COPIES_MS, COPIES_LIMIT) };
  let troubled = false;
  while (!signal.aborted) {
    try {
      await consume(round, () => {
        troubled = false;
      });
    } catch (error) {
      if (signal.aborted) return;
      if (!troubled)
        logger.warn({ cause: describeError(error) }, "Job events cannot be read yet; trying again");
      troubled = true;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function consume(options: Round, onAlive: () => void): Promise<void> {
  const { bus, pool, demand, logger, signal } = options;
  const durable = consumerOf(pool);
  const wanted = {
    durable_name: durable,
    filter_subject: `gpu.jobs.${pool}.>`,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: ACK_WAIT_NS,
    max_ack_pending: 4 * BATCH,
  };
  await bus.manager.consumers.add(STREAMS.jobs, wanted);
  const created = (await bus.manager.streams.info(STREAMS.jobs)).created;
  if (demand.value.folded.streamCreated !== created) {
    await demand.change((value) => ({ ...value, folded: { streamCreated: created, ranges: [] } }));
  }
  const consumer = await bus.js.consumers.get(STREAMS.jobs, durable);
  const messages = await consumer.consume({
    max_messages: 2 * BATCH,
    idle_heartbeat: HEARTBEAT_MS,
    expires: PULL_MS,
  });
  const stop = () => messages.stop();
  signal.addEventListener("abort", stop, { once: true });
  const batches = new Batches();
  void (async () => {
    // A consumer that somebody deleted, or a server that lost it, ends this round; the next makes it anew.
    for await (const status of await messages.status()) {
      if (["consumer_deleted", "consumer_not_found", "stream_not_found"].includes(status.type))
        messages.stop();
    }
  })();
  const reading = (async () => {
    try {
      for await (const message of messages) batches.push(message);
    } finally {
      batches.end();
    }
  })();
  reading.catch(() => undefined);
  try {
    onAlive();
    for (;;) {
      const batch = await batches.take(BATCH);
      if (batch === undefined) break;
      await fold(options, batch);
      logger.trace({ events: batch.length }, "events folded");
    }
    await reading;
  } finally {
    signal.removeEventListener("abort", stop);
    messages.stop();
    options.acks.send();
  }
}

async function fold(options: Round, batch: readonly JsMsg[]): Promise<void> {
  const { bus, pool, demand, logger, now, recent, acks } = options;
  const events: SequencedEvent[] = [];
  const queries: StatusQueryEvent[] = [];
  for (const message of batch) {
    const event = read(message);
    if (event === undefined) {
      // Ours alone publish here, so this is a fault of ours: it must not come again and again.
      options.onMalformed();
      logger.error(
        { subject: message.subject },
        "A job event has an unknown shape and is put aside; update power",
      );
      message.term();
    } else if (event.kind === "status_query") {
      if (now() - event.at < QUERY_VALID_MS) queries.push(event);
    } else if (!recent.isCopy(message.headers?.get("Nats-Msg-Id") || event.eventId, message.seq, now())) {
      events.push({ sequence: message.seq, event });
    }
  }
  if (events.length > 0) {
    await persistently(options, async () => {
      const floor =
        demand.value.folded.ranges.length > MAX_RANGES
          ? (await bus.manager.consumers.info(STREAMS.jobs, consumerOf(pool))).ack_floor.stream_seq
          : 0;
      await demand.change((value) => {
        const folded = { ...value.folded, ranges: raiseFloor(value.folded.ranges, floor) };
        return foldEvents({ ...value, folded }, events, now());
      });
    });
    options.onDemand();
    options.onJobs(takenJobs(batch, events, now()));
    const first = events[0];
    logger.info(
      {
        events: events.length,
        kinds: countKinds(events),
        ...(events.length === 1 && first ? { jobId: first.event.eventId } : {}),
      },
      "events folded into demand",
    );
  }
  if (queries.length > 0) options.onQueries(queries);
  acks.add(batch);
}

/** Tries until it is written: giving the batch up would delay it by the time the server waits for its ack. */
async function persistently(options: IntakeOptions, write: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await write();
      return;
    } catch (error) {
      if (options.signal.aborted) throw error;
      if (tries === 0)
        options.logger.warn({ cause: describeError(error) }, "Demand cannot be written yet; trying again");
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

function read(message: JsMsg): GatewayEvent | undefined {
  try {
    return GatewayEvent.safeParse(message.json()).data;
  } catch {
    return undefined;
  }
}

function takenJobs(
  batch: readonly JsMsg[],
  events: readonly SequencedEvent[],
  now: number,
): readonly JobTaken[] {
  const iso = (at: number) => new Date(at).toISOString();
  return events.slice(0, TOLD_JOBS).flatMap(({ sequence, event }) => {
    const message = batch.find(({ seq }) => seq === sequence);
    if (event.kind !== "job" || message === undefined) return [];
    const { eventId, type, taskType, requestId, keyHash, source, count } = event;
    const times = {
      heardAt: iso(event.at),
      storedAt: iso(message.info.timestampNanos / 1_000_000),
      takenAt: iso(now),
    };
    return [{ eventId, type, taskType, requestId, keyHash, source, count, ...times }];
  });
}

function countKinds(events: readonly SequencedEvent[]): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const { event } of events) kinds[event.kind] = (kinds[event.kind] ?? 0) + 1;
  return kinds;
}

/** Acknowledges, a little later, what is written down. */
class LaterAcks {
  private readonly connection: Pick<NatsConnection, "isClosed">;
  private waiting: Array<readonly JsMsg[]> = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(connection: Pick<NatsConnection, "isClosed">) {
    this.connection = connection;
  }

  add(batch: readonly JsMsg[]): void {
    this.waiting.push(batch);
    this.timer ??= setTimeout(() => this.send(), ACK_AFTER_MS);
  }

  /** Now. */
  send(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const batches = this.waiting.splice(0);
    if (this.connection.isClosed()) return;
    for (const message of batches.flat()) message.ack();
  }
}

/** Messages as they come, taken as many as there are: one when it is quiet, a full batch in a burst. */
class Batches {
  private waiting: JsMsg[] = [];
  private ended = false;
  private wake: (() => void) | undefined;

  push(message: JsMsg): void {
    this.waiting.push(message);
    this.wake?.();
  }

  end(): void {
    this.ended = true;
    this.wake?.();
  }

  async take(max: number): Promise<JsMsg[] | undefined> {
    while (this.waiting.length === 0) {
      if (this.ended) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      this.wake = undefined;
    }
    return this.waiting.splice(0, max);
  }
}
