/**
 * Needs: somebody says that the GPU is needed, and says it again before its time is over. Pure; kept with the rest of
 * demand in one document. Times are milliseconds since 1970 on this service's clock.
 */
import type { Need } from "@gpu-power-manager/shared/holds-and-needs";
import { z } from "zod";

const Time = z.number().int().nonnegative();

export const StoredNeed = z.object({
  /** When it was first said. */
  since: Time,
  /** When it ends by itself: its owner may have died. */
  until: Time,
  reason: z.string(),
  by: z.string(),
});
export type StoredNeed = z.infer<typeof StoredNeed>;

export const Needs = z.object({
  living: z.record(z.string(), StoredNeed),
  /** The end of the latest need that is over; null when there never was one. */
  endedAt: Time.nullable(),
});
export type Needs = z.infer<typeof Needs>;

export const NO_NEEDS: Needs = { living: {}, endedAt: null };

/** The needs that live now, by their names. */
export function livingNeeds({ living }: Needs, now: number): ReadonlyArray<readonly [string, StoredNeed]> {
  return Object.entries(living).filter(([, need]) => need.until > now);
}

/** Until when the machine is needed, by those who live now; null when none does. */
export function neededUntil(needs: Needs, now: number): number | null {
  const ends = livingNeeds(needs, now).map(([, { until }]) => until);
  return ends.length === 0 ? null : Math.max(...ends);
}

/** When the machine was last needed: now while a need lives; null when it never was. */
export function lastNeededAt(needs: Needs, now: number): number | null {
  const ends = Object.values(needs.living).map(({ until }) => Math.min(until, now));
  return ends.length === 0 ? needs.endedAt : Math.max(needs.endedAt ?? 0, ...ends);
}

/** Forgets the needs whose time is over, but not when that was. */
function withoutEnded(needs: Needs, now: number): Needs {
  return { living: Object.fromEntries(livingNeeds(needs, now)), endedAt: endOfEnded(needs, now) };
}

function endOfEnded({ living, endedAt }: Needs, now: number): number | null {
  const ends = Object.values(living).flatMap(({ until }) => (until > now ? [] : [until]));
  return ends.length === 0 ? endedAt : Math.max(endedAt ?? 0, ...ends);
}

/** Says a need, for the first time or again; it then lives until `until`. */
export function sayNeed(
  needs: Needs,
  id: string,
  said: Pick<StoredNeed, "until" | "reason" | "by">,
  now: number,
): Needs {
  const { living, endedAt } = withoutEnded(needs, now);
  const { until, reason, by } = said;
  return { living: { ...living, [id]: { since: living[id]?.since ?? now, until, reason, by } }, endedAt };
}

/** Ends a need before its time; the same value when no such need lives. */
export function endNeed(needs: Needs, id: string, now: number): Needs {
  const { [id]: ended, ...others } = needs.living;
  if (ended === undefined || ended.until <= now) return needs;
  const { living, endedAt } = withoutEnded({ ...needs, living: others }, now);
  return { living, endedAt: Math.max(endedAt ?? 0, now) };
}

/** A need for people. */
export function shownNeed(id: string, { since, until, reason, by }: StoredNeed): Need {
  return { id, since: new Date(since).toISOString(), until: new Date(until).toISOString(), reason, by };
}
