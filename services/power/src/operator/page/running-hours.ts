/** From the changes that history tells: which machine was in which state when, and how long it ran. Pure. */

import type { InstanceState } from "@gpu-power-manager/shared/events";
import type { Happening, HistoryPage } from "@gpu-power-manager/shared/history-page";
import type { PowerStatus } from "@gpu-power-manager/shared/status";

/** Times in milliseconds since 1970. */
export interface Span {
  readonly state: InstanceState;
  readonly from: number;
  readonly to: number;
}

type Entries = HistoryPage["entries"];
type Instance = Pick<PowerStatus["instances"][number], "id" | "state" | "observedAt">;

function changesOf(entries: Entries, instance: string): Extract<Happening, { kind: "state" }>[] {
  return entries
    .flatMap(({ entry }) => (entry.kind === "state" && entry.instance === instance ? [entry] : []))
    .sort((a, b) => a.at - b.at);
}

/**
 * The states of one machine without a break from `start` to `end`. Where it is unknown at the end, it is so since it
 * was last looked at: what it did meanwhile nobody saw.
 * @param entries in any order; all that lie between.
 */
export function spansOf(entries: Entries, instance: Instance, start: number, end: number): Span[] {
  const changes = changesOf(entries, instance.id).filter(({ at }) => at <= end);
  const spans: Span[] = [];
  let from = start;
  let state: InstanceState = changes[0]?.from ?? instance.state;
  for (const change of changes) {
    if (change.at > from) spans.push({ state, from, to: change.at });
    from = Math.max(from, change.at);
    state = change.to;
  }
  const seen = instance.observedAt === null ? from : Date.parse(instance.observedAt);
  if (instance.state === "unknown" && state !== "unknown" && seen < end) {
    const until = Math.max(from, seen);
    if (until > from) spans.push({ state, from, to: until });
    [from, state] = [until, "unknown"];
  }
  if (end > from) spans.push({ state, from, to: end });
  return spans;
}

/** Milliseconds of a state within a stretch. */
export function timeIn(spans: readonly Span[], state: InstanceState, from: number, to: number): number {
  return spans
    .filter((span) => span.state === state)
    .reduce((sum, span) => sum + Math.max(0, Math.min(span.to, to) - Math.max(span.from, from)), 0);
}
