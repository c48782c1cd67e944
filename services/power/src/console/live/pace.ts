/**
 * When what a person did is to happen in the page: with the same time between two moves as at the person's own hand,
 * however unevenly the line brought them, because a slider that looks at the path looks at its timing, too. Pure.
 */

/** After such a pause a new gesture begins, which owes nothing to how slow the line was before. */
const PAUSE_MS = 400;

export interface Pace {
  /** From the sender's clock to ours, by the slowest message of the gesture. */
  readonly offset: number;
  readonly lastAt: number;
  readonly lastDue: number;
}

/** @param at on the sender's clock; @param now on ours. @returns when it is due on ours, never before the one before it. */
export function paced(pace: Pace | undefined, at: number, now: number): Pace {
  const arrived = now - at;
  const goesOn = pace !== undefined && at >= pace.lastAt && at - pace.lastAt < PAUSE_MS;
  const offset = goesOn ? Math.max(pace.offset, arrived) : arrived;
  return { offset, lastAt: at, lastDue: Math.max(at + offset, pace?.lastDue ?? 0) };
}
