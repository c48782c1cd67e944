/** How it stands with the reading of the gateway's backlog → words. Pure. */
import type { PartCause } from "./reading.ts";

/** How it stands with the reading of the gateway's backlog. */
export interface BacklogView {
  /** It was read at least once. */
  readonly read: boolean;
  /** Why it cannot be read, and what to do; unset while it can. */
  readonly trouble: string | undefined;
  /** Why only a part of it was seen; unset when all was. */
  readonly part: PartCause | undefined;
  /** Reading takes so long that it is done less often than configured. */
  readonly slowed: boolean;
  readonly readingMs: number;
  readonly intervalMs: number;
  /** How far our clock is ahead of Redis'; undefined while it cannot be read. */
  readonly aheadMs: number | undefined;
}

const PARTS: Record<PartCause, string> = {
  keys: "it has too many lists",
  entries: "too many jobs wait",
  bytes: "what waits is too large",
  change: "a list changed each time it was read",
};

/** A sentence behind that on the notices; what cannot be known is said. */
export function wordsOfBacklog(backlog: BacklogView | undefined): string {
  if (backlog === undefined) return " DSP_REDIS_URL is not set, so a job whose notice is lost stays unknown.";
  const { read, trouble, part, slowed, readingMs, intervalMs } = backlog;
  if (trouble !== undefined)
    return ` But the gateway's Redis cannot be read, so a job whose notice is lost stays unknown: ${trouble}.`;
  if (!read) return "";
  const pace = slowed
    ? `, every ${seconds(intervalMs)} s only: a reading takes ${seconds(readingMs)} s, and may take 2 % of the time`
    : "";
  if (part === undefined) return ` The gateway's backlog is read too${pace}.`;
  return ` But only a part of the gateway's backlog is read (${PARTS[part]})${pace}: jobs that wait there start the GPU, and which of them had no notice stays unknown.`;
}

/** In a word, for programs. */
export function stateOfBacklog(backlog: BacklogView | undefined): string {
  if (backlog === undefined) return "not_configured";
  if (backlog.trouble !== undefined) return "troubled";
  if (!backlog.read) return "not_read_yet";
  return backlog.part === undefined ? "read" : "part";
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}
