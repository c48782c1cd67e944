/** When there was work: spells with gaps between them, kept in KV for the idle time that learns. Pure; milliseconds. */
import { z } from "zod";

/** Signs closer together than this are one spell: a worker says every 30 s that it is busy. */
const ONE_SPELL_MS = 120_000;
/** Kept for so long, and so many at most; two weeks are learned from, a month can be replayed. */
const KEPT_MS = 35 * 86_400_000;
const MAX_SPELLS = 1_500;

const Spell = z.object({
  from: z.number().int().nonnegative(),
  /** The last sign of work. */
  to: z.number().int().nonnegative(),
  /** How long its first job waited for a machine, and for how much of that one was starting. */
  waited: z.number().int().nonnegative(),
  boot: z.number().int().nonnegative(),
});
export type Spell = z.infer<typeof Spell>;

export const WorkSeen = z.object({
  version: z.literal(1),
  /** Since when it is kept; what was before is unknown. */
  since: z.number().int().nonnegative(),
  /** In order. */
  spells: z.array(Spell),
  /** See `learnIdleTime`. */
  credit: z.number().nonnegative(),
});
export type WorkSeen = z.infer<typeof WorkSeen>;

export function noWorkSeen(now: number): WorkSeen {
  return { version: 1, since: now, spells: [], credit: 0 };
}

export interface WorkSign {
  /** When there was the last sign of work; null where there never was one. */
  readonly at: number | null;
  /** Something waits, and no machine runs that could do it. */
  readonly waiting: boolean;
  /** One is on its way. */
  readonly starting: boolean;
}

/**
 * Folds a sign in; the same value when it tells nothing new.
 * @param onGap a gap is over that lasted so long; returns the credit from then on.
 */
export function seeWork(
  seen: WorkSeen,
  { at, waiting, starting }: WorkSign,
  now: number,
  onGap: (gap: number) => number,
): WorkSeen {
  if (at === null || at > now || at < seen.since) return seen;
  const last = seen.spells.at(-1);
  if (last !== undefined && at <= last.to) return seen;
  if (last !== undefined && at - last.to <= ONE_SPELL_MS) {
    const first = waiting && last.waited === last.to - last.from;
    const spell = {
      ...last,
      to: at,
      waited: first ? at - last.from : last.waited,
      boot: first && starting ? last.boot + at - last.to : last.boot,
    };
    return { ...seen, spells: [...seen.spells.slice(0, -1), spell] };
  }
  const credit = last === undefined ? seen.credit : onGap(at - last.to);
  const spells = [...seen.spells, { from: at, to: at, waited: 0, boot: 0 }]
    .filter(({ to }) => to > now - KEPT_MS)
    .slice(-MAX_SPELLS);
  return { ...seen, spells, credit };
}

/** The gaps between the spells that end after `from`. */
export function gapsOf(spells: readonly Spell[], from: number): number[] {
  return spells.flatMap((spell, index) => {
    const before = spells[index - 1];
    return before === undefined || spell.from < from ? [] : spell.from - before.to;
  });
}

/** How long a start usually takes, by the jobs that waited for one; null where none has. */
export function usualBoot(spells: readonly Spell[], from: number): number | null {
  const waits = spells.flatMap(({ from: begins, boot }) => (begins >= from && boot > 0 ? boot : []));
  return waits.length === 0 ? null : medianOf(waits);
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
