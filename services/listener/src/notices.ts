/** What a frame means → the event that power shall know of. Pure. */
import { createHash } from "node:crypto";
import type { GatewayEvent } from "@gpu-power-manager/shared/events";
import type { Meaning } from "./gateway/frames.ts";
import type { Outgoing } from "./outbox.ts";

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
    default:
      return undefined;
  }
}

/**
 * The id under which the server drops a second copy: of kind, license and request where the frame names its
 * request (request ids are the clients' own, so two licenses may use the same), else of this very event.
 */
function messageIdOf(event: GatewayEvent): string {
  const requestId = "requestId" in event ? event.requestId : undefined;
  if (requestId === undefined || event.kind === "activity") return event.eventId;
  const license = event.kind === "job" ? (event.keyHash ?? "") : "";
  const type = event.kind === "job" ? event.type : event.kind;
  return createHash("sha256")
    .update(JSON.stringify([type, license, requestId]))
    .digest("hex")
    .slice(0, 32);
}

/** The event of a frame, ready to be published; undefined for frames that are no news to power. */
export function noticeOf(meaning: Meaning, stamp: Stamp, receivedAt: number): Outgoing | undefined {
  const event = eventOf(meaning, stamp);
  return event === undefined ? undefined : { event, messageId: messageIdOf(event), receivedAt };
}
