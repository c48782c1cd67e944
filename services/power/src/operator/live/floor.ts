/** Who controls the console's page, and who asks for it. Pure; times are milliseconds on one clock. */

/** Control without a touch ends after this: power must go on, whoever has gone to lunch. */
export const IDLE_MS = 600_000;
/** A phone that shows its owner the code of a text message drops the connection; the page is still its owner's then. */
export const AWAY_MS = 60_000;

export interface Person {
  /** Of this tab of this person's browser. */
  readonly key: string;
  readonly name: string;
}

export interface Floor {
  readonly holder: {
    readonly person: Person;
    readonly since: number;
    readonly touchedAt: number;
    /** Since when no connection of theirs is there; null while one is. */
    readonly awaySince: number | null;
  } | null;
  readonly asks: Person | null;
}

export const EMPTY: Floor = { holder: null, asks: null };

const held = (person: Person, now: number): Floor => ({
  holder: { person, since: now, touchedAt: now, awaySince: null },
  asks: null,
});

/** Takes control where nobody has it, or who has it is away; else asks. */
export function take(floor: Floor, person: Person, now: number): Floor {
  const { holder } = floor;
  if (holder?.person.key === person.key) return floor;
  if (holder === null || holder.awaySince !== null) return held(person, now);
  return { ...floor, asks: person };
}

/** Gives up control, or the wish for it. */
export function release(floor: Floor, { key }: Person, now: number): Floor {
  if (floor.asks?.key === key) return { ...floor, asks: null };
  if (floor.holder?.person.key !== key) return floor;
  return floor.asks === null ? EMPTY : held(floor.asks, now);
}

/** Who has control refuses who asks. */
export function keep(floor: Floor, { key }: Person): Floor {
  return floor.holder?.person.key === key ? { ...floor, asks: null } : floor;
}

/** Who has control gives it to who asks. */
export function give(floor: Floor, { key }: Person, now: number): Floor {
  if (floor.holder?.person.key !== key || floor.asks === null) return floor;
  return held(floor.asks, now);
}

export function touched(floor: Floor, { key }: Person, now: number): Floor {
  if (floor.holder?.person.key !== key) return floor;
  return { ...floor, holder: { ...floor.holder, touchedAt: now } };
}

/** The person's connection is there, or gone. */
export function present(floor: Floor, { key }: Person, there: boolean, now: number): Floor {
  const asks = floor.asks?.key === key && !there ? null : floor.asks;
  if (floor.holder?.person.key !== key) return { ...floor, asks };
  return { holder: { ...floor.holder, awaySince: there ? null : (floor.holder.awaySince ?? now) }, asks };
}

/** Ends control that has lain idle, or whose person does not come back; who asks gets it. */
export function expire(floor: Floor, now: number): Floor {
  const { holder, asks } = floor;
  if (holder === null) return floor;
  const away = holder.awaySince !== null && now >= holder.awaySince + AWAY_MS;
  if (!away && now < holder.touchedAt + IDLE_MS) return floor;
  return asks === null ? EMPTY : held(asks, now);
}
