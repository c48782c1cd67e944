/** What a trial is made of: steps in their order, each of which is seen, not assumed. Pure. */
import type { Say } from "../language.ts";

/** `skipped`: it was not needed, and why. */
export type StepStatus = "ok" | "warn" | "skipped";

/** A step that has come, or that need not come. */
export interface Reached {
  readonly status: StepStatus;
  readonly seen: string;
  /** When, in milliseconds since 1970 on the clock of whoever saw it first; unset where we saw it ourselves. */
  readonly at?: number;
}

export interface Step<Signs> {
  readonly id: string;
  readonly name: string;
  /** How long it may take after the step before, in milliseconds. */
  readonly limitMs: number;
  /** Undefined while nothing says that it has come. */
  readonly reached: (signs: Signs, say: Say) => Reached | undefined;
  /** What says that it will not come: then nobody waits for the limit. */
  readonly refused?: (signs: Signs, say: Say) => string | undefined;
  /** What it mostly means when it does not come, where no diagnosis can tell. */
  readonly hint?: string;
}

export const ok = (seen: string, at?: number): Reached => ({
  status: "ok",
  seen,
  ...(at === undefined ? {} : { at }),
});
export const skipped = (seen: string): Reached => ({ status: "skipped", seen });

/**
 * Milliseconds after the beginning at which a step came. Another host's clock tells when it came there; where that
 * clock is wrong, the step still lies between the one before and the moment at which we saw it.
 */
export function placed(
  at: number | undefined,
  { beganAt, beforeMs, seenMs }: { beganAt: number; beforeMs: number; seenMs: number },
): number {
  return at === undefined ? seenMs : Math.min(seenMs, Math.max(beforeMs, at - beganAt));
}
