/** What a reading found → events for power. Pure, but for the ids of events. */
import { randomUUID } from "node:crypto";
import type { JobEvent } from "@gpu-power-manager/shared/events";
import { requestMessageId } from "../gateway/notices.ts";
import type { Outgoing } from "../outbox/outbox.ts";
import type { Missed } from "./ledger.ts";
import type { BacklogReading } from "./reading.ts";

/** That jobs wait, and that tasks are young: told at each reading, a level and no further jobs. */
export function levelOf({ waiting, activeTasks }: BacklogReading, pool: string, at: number): Outgoing[] {
  const base = () => ({ eventId: randomUUID(), pool, at });
  const level: Outgoing[] = [];
  const tell = (event: Outgoing["event"]) => level.push({ event, messageId: event.eventId, receivedAt: at });
  if (waiting > 0) tell({ ...base(), kind: "backlog", pending: waiting });
  if (activeTasks > 0) {
    tell({ ...base(), kind: "activity", source: "task_status", active: true, activeCount: activeTasks });
  }
  return level;
}

/** A job that nobody told us of, as if a notice had come now. */
export function jobOf(
  { job, messageId }: Missed,
  pool: string,
  at: number,
): Outgoing & { readonly event: JobEvent } {
  const { type, taskType, requestId, keyHash } = job;
  const base = { eventId: randomUUID(), pool, at };
  const event: JobEvent = {
    ...base,
    kind: "job",
    type,
    taskType,
    requestId,
    keyHash,
    source: "backlog",
    count: 1,
  };
  const ownId = requestId === undefined ? event.eventId : requestMessageId(pool, type, keyHash, requestId);
  return { event, messageId: messageId ?? ownId, receivedAt: at };
}
