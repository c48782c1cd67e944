/** What a spool's lines say: an event each, in JSON. Pure. */
import { GatewayEvent } from "@gpu-power-manager/shared/events";
import { z } from "zod";
import type { Outgoing } from "./outbox.ts";

const Line = z.object({ event: GatewayEvent, messageId: z.string(), receivedAt: z.number() });

/** The line of an event, with its end. */
export function lineOf({ event, messageId, receivedAt }: Outgoing): string {
  return `${JSON.stringify({ event, messageId, receivedAt })}\n`;
}

/** The event of a line; undefined for one that is cut off, or of a version that we do not know. */
export function readLine(line: string): Outgoing | undefined {
  try {
    return Line.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** How many jobs an event stands for. */
export function jobsOf(outgoing: readonly Outgoing[]): number {
  return outgoing.reduce((sum, { event }) => sum + (event.kind === "job" ? event.count : 0), 0);
}

const weigh = ({ event }: Outgoing) => (event.kind === "job" ? event.count : 1);

/**
 * Each event once, the oldest first. Of several lines about one event the one that counts most jobs is the last word:
 * more were folded into it since. Of events with one message id (two listeners heard one notice) NATS would keep one.
 * @param waiting what is in line already, and so is not wanted once more.
 */
export function onceEach(found: Iterable<Outgoing>, waiting: readonly Outgoing[] = []): Outgoing[] {
  const byEvent = new Map(waiting.map((outgoing) => [outgoing.event.eventId, outgoing]));
  const seen = new Set(waiting.map(({ messageId }) => messageId));
  for (const outgoing of found) {
    const known = byEvent.get(outgoing.event.eventId);
    if (known === undefined || weigh(outgoing) > weigh(known)) byEvent.set(outgoing.event.eventId, outgoing);
  }
  const inLine = new Set(waiting);
  return [...byEvent.values()]
    .filter((outgoing) => !inLine.has(outgoing))
    .sort((a, b) => a.receivedAt - b.receivedAt)
    .filter(({ messageId }) => {
      const known = seen.has(messageId);
      seen.add(messageId);
      return !known;
    });
}
