/** What a frame means → the event that power shall know of. */
import { hash, randomUUID } from "node:crypto";
import type { GatewayEvent, JobEvent } from "@gpu-power-manager/shared/events";
import type { Outgoing } from "../outbox/outbox.ts";
import type { BurstLog } from "../telemetry/burst-log.ts";
import type { Recorder } from "../telemetry/recorder.ts";
import type { Meaning } from "./frames.ts";
import { Repeats } from "./repeats.ts";

export interface Stamp {
  readonly eventId: string;
  readonly pool: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

function eventOf(meaning: Meaning, stamp: Stamp): GatewayEvent | undefined {
  switch (meaning.kind) {
    case "job": {
      const { type, taskType, requestId, keyHash } = meaning;
      return { ...stamp, kind: "job", type, taskType, requestId, keyHash, source: "notice", count: 1 };
    }
    case "boot":
    case "status_query":
      return { ...stamp, kind: meaning.kind, requestId: meaning.requestId };
    case "task_active":
      return { ...stamp, kind: "activity", source: "task_active", active: true, taskType: meaning.taskType };
    case "task_query_response": {
      const { requestId, activeCount, active } = meaning;
      return { ...stamp, kind: "activity", source: "task_query", requestId, activeCount, active };
    }
    case "online":
      return meaning.worker ? { ...stamp, kind: "worker_online" } : undefined;
    default:
      return undefined;
  }
}

/** The message id by which the server knows a second copy: of the request where a job names it, else of this very event. */
function messageIdOf(event: GatewayEvent): string {
  if (event.kind !== "job" || event.requestId === undefined) return event.eventId;
  // Request ids are the clients' own and may be as short as "1", so they only count together with the license.
  return requestMessageId(event.pool, event.type, event.keyHash, event.requestId);
}

/** The message id of a request, however we learn of it: by its notice or from the backlog. */
export function requestMessageId(
  pool: string,
  type: string,
  asker: string | undefined,
  requestId: string,
): string {
  return hash("sha256", JSON.stringify([pool, type, asker ?? null, requestId])).slice(0, 32);
}

/** The event of a frame, ready to be published; undefined for frames that are no news to power. */
export function noticeOf(meaning: Meaning, stamp: Stamp): Outgoing | undefined {
  const event = eventOf(meaning, stamp);
  if (event === undefined) return undefined;
  return { event, messageId: messageIdOf(event), receivedAt: stamp.at };
}

export interface NoticesOptions {
  readonly pool: string;
  readonly log: BurstLog;
  /** Milliseconds since 1970 on a clock that never goes back. */
  readonly now: () => number;
  readonly recorder: Pick<Recorder, "notice">;
  /** A frame that only a registered monitor gets came through. */
  readonly onProof: (at: number) => void;
  /** Accounts for a job; returns the id to publish it under, where it names no request. */
  readonly account: (job: JobEvent) => string | undefined;
  readonly offer: (outgoing: Outgoing) => void;
}

/** Takes what the gateway says and offers it to the relay, under an id that the logs of both services share. */
export class Notices {
  private readonly options: NoticesOptions;
  private readonly repeats = new Repeats();

  constructor(options: NoticesOptions) {
    this.options = options;
  }

  /** The monitor has a new connection. */
  connectedAnew(): void {
    this.repeats.connectedAnew();
  }

  hear(meaning: Meaning): void {
    const { pool, log, now, recorder, onProof, offer } = this.options;
    const outgoing = noticeOf(meaning, { eventId: randomUUID(), pool, at: Math.round(now()) });
    if (outgoing === undefined) return;
    const { event, receivedAt } = outgoing;
    // That a worker is online is told to clients; it came by the probe's connection.
    if (event.kind !== "worker_online") onProof(receivedAt);
    if (event.kind === "job") {
      const { type, taskType, requestId } = event;
      recorder.notice(type);
      log.info({ jobId: event.eventId, type, taskType, requestId }, "notice received");
    } else if (event.kind === "worker_online") log.info({ jobId: event.eventId }, "worker online");
    else if (event.kind === "boot" || event.kind === "status_query")
      log.info({ jobId: event.eventId, kind: event.kind, requestId: event.requestId }, "request received");
    offer({ ...outgoing, messageId: this.messageIdOf(meaning, outgoing) });
  }

  private messageIdOf(meaning: Meaning, { event, messageId, receivedAt }: Outgoing): string {
    if (event.kind === "job") {
      const numbered = this.options.account(event);
      if (numbered !== undefined || event.requestId === undefined) return numbered ?? messageId;
      return this.repeats.idOfJob(messageId, receivedAt);
    }
    if (meaning.kind !== "boot" && meaning.kind !== "status_query") return messageId;
    const { kind, requestId, sender } = meaning;
    if (requestId === undefined) return messageId;
    return this.repeats.idOfAsk(JSON.stringify([kind, sender ?? null, requestId]), messageId, receivedAt);
  }
}
