/** Reads GPU_HISTORY backwards: the newest first, a page at a time. */

import type { Bus } from "@gpu-power-manager/shared/bus";
import { formatDuration } from "@gpu-power-manager/shared/duration";
import { describeError } from "@gpu-power-manager/shared/errors";
import { STREAMS } from "@gpu-power-manager/shared/events";
import { Happening, type HistoryPage, type HistoryQuery } from "@gpu-power-manager/shared/history-page";
import { AckPolicy, DeliverPolicy, NatsError, nanos, nuid } from "nats";
import { ApiError } from "./problems.ts";

/** Sequences that are looked through in one step; doubled at each, since what is rare lies far apart. */
const FIRST_STEP = 500;
/** One page looks through this many at most; it is then shorter than asked, and says where to go on. */
const MAX_SCANNED = 100_000;
/** A server that takes longer for one step is as good as away. */
const STEP_MS = 5_000;
/** The whole of a page is awaited so long: whoever asks gives up at 10 s, and would learn nothing. */
const PATIENCE_MS = 8_000;
/** A consumer whose end could not be told to the server is forgotten by it after this. */
const LEFT_BEHIND_MS = 30_000;

type Found = HistoryPage["entries"][number];

/** The part of the history that can hold what is asked for. */
export function subjectOf(pool: string, { kind, instance }: Pick<HistoryQuery, "kind" | "instance">): string {
  switch (kind) {
    case "gap":
      return `gpu.history.${pool}.path`;
    case "budget":
      return `gpu.history.${pool}.budget`;
    case "report":
      return `gpu.history.${pool}.report`;
    case "login":
      return `gpu.history.${pool}.login`;
    case "hold":
    case "need":
    case "operator":
      return `gpu.history.${pool}.operator`;
    case "attempt":
    case "intent":
    case "outcome":
    case "state":
    case "worker":
    case "served":
      return `gpu.history.${pool}.${instance ?? "*"}`;
    case undefined:
      return `gpu.history.${pool}.*`;
  }
}

/** Whether an entry is of the kind that is asked for. */
function isOf(kind: NonNullable<HistoryQuery["kind"]>, entry: Happening): boolean {
  switch (kind) {
    case "attempt":
      return entry.kind === "intent" || entry.kind === "outcome";
    case "hold":
      return entry.kind === "operator" && (entry.action === "hold" || entry.action === "resume");
    case "need":
      return entry.kind === "operator" && (entry.action === "need" || entry.action === "end_need");
    default:
      return entry.kind === kind;
  }
}

/** Whether an entry is asked for. */
export function matches(entry: Happening, at: number, query: HistoryQuery): boolean {
  const { kind, instance, since, until } = query;
  if (kind !== undefined && !isOf(kind, entry)) return false;
  if (instance !== undefined && (!("instance" in entry) || entry.instance !== instance)) return false;
  if (since !== undefined && at < Date.parse(since)) return false;
  return until === undefined || at <= Date.parse(until);
}

/** When it happened: a gap when it was over. Milliseconds since 1970. */
export function timeOf(entry: Happening): number {
  return entry.kind === "gap" ? entry.to : entry.at;
}

/**
 * One page. Entries of a shape that this version does not know are left out.
 * @param patienceMs how long NATS is waited for.
 * @throws ApiError `not_ready` when NATS cannot be asked, or does not answer in time.
 */
export async function readHistory(
  bus: Bus,
  pool: string,
  query: HistoryQuery,
  patienceMs = PATIENCE_MS,
): Promise<HistoryPage> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const words = `NATS has not given the history within ${formatDuration(patienceMs)}. Look at NATS and its disk, or ask for less.`;
    timer = setTimeout(() => reject(new ApiError("not_ready", words)), patienceMs);
  });
  try {
    return await Promise.race([readPage(bus, pool, query), late]);
  } catch (error) {
    if (!(error instanceof NatsError)) throw error;
    const words = `NATS does not give the history (${describeError(error)}). Look at NATS and its log.`;
    throw new ApiError("not_ready", words);
  } finally {
    clearTimeout(timer);
  }
}

async function readPage(bus: Bus, pool: string, query: HistoryQuery): Promise<HistoryPage> {
  const { state } = await bus.manager.streams.info(STREAMS.history);
  const last = state.last_seq;
  // Of a stream into which nothing ever came it is 0, from which nobody can read.
  const first = Math.max(1, state.first_seq);
  const filter = subjectOf(pool, query);
  const oldest = query.since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(query.since);
  let upper = Math.min(last, (query.before ?? last + 1) - 1);
  let step = FIRST_STEP;
  let scanned = 0;
  let exhausted = false;
  const entries: Found[] = [];
  while (upper >= first && !exhausted && entries.length < query.limit && scanned < MAX_SCANNED) {
    const lower = Math.max(first, upper - step + 1);
    const stretch = await readStretch(bus, filter, lower, upper);
    const found = stretch.filter(({ entry, at }) => matches(entry, at, query)).reverse();
    const page = found.slice(0, query.limit - entries.length);
    for (const { sequence, at, entry } of page)
      entries.push({ sequence, at: new Date(at).toISOString(), entry });
    // Entries lie in the order of their time, so what is older than asked for is the end.
    exhausted = stretch[0] !== undefined && stretch[0].at < oldest;
    scanned += upper - lower + 1;
    step *= 2;
    const cut = page.length < found.length ? page.at(-1) : undefined;
    upper = (cut?.sequence ?? lower) - 1;
    if (cut !== undefined) exhausted = false;
  }
  return { entries, next: upper >= first && !exhausted ? upper + 1 : null };
}

function read(message: { json: () => unknown }): Happening | undefined {
  try {
    return Happening.safeParse(message.json()).data;
  } catch {
    // No JSON at all: one such entry must not hide all others.
    return undefined;
  }
}

export interface Stored {
  readonly sequence: number;
  readonly at: number;
  readonly entry: Happening;
}

/** The entries of a stretch of sequences, oldest first. @throws NatsError where NATS does not give them. */
export async function readStretch(bus: Bus, filter: string, lower: number, upper: number): Promise<Stored[]> {
  // An ordered consumer of the library would be made again and again, each time after half a minute, where the server
  // does not answer or its permissions forbid it; and two filters in one are a form that the shipped users may not ask.
  const { name, num_pending: waiting } = await bus.manager.consumers.add(STREAMS.history, {
    name: nuid.next(),
    filter_subject: filter,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: lower,
    ack_policy: AckPolicy.None,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: nanos(LEFT_BEHIND_MS),
  });
  const stored: Stored[] = [];
  try {
    if (waiting === 0) return stored;
    const consumer = await bus.js.consumers.get(STREAMS.history, name);
    const most = Math.min(waiting, upper - lower + 1);
    const messages = await consumer.fetch({ max_messages: most, expires: STEP_MS });
    for await (const message of messages) {
      if (message.seq > upper) break;
      const entry = read(message);
      if (entry !== undefined) stored.push({ sequence: message.seq, at: timeOf(entry), entry });
      if (message.info.pending === 0 || message.seq === upper) break;
    }
    messages.stop();
    return stored;
  } finally {
    void bus.manager.consumers.delete(STREAMS.history, name).catch(() => undefined);
  }
}
