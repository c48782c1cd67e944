/** How many messages a robot may still take: pure, because a robot that got too many hears nobody for minutes. */

const WINDOW_MS = 60_000;
/** The robot counts when a message arrives, we when it leaves: its minute may hold one or two more than ours. */
const MARGIN = 2;
/** Kept free for what is critical: a flood of lesser alerts must not use up its place. */
const FOR_CRITICAL = 5;

export interface Pace {
  /** When messages were sent, the last minute's, oldest first; milliseconds. */
  readonly sent: readonly number[];
  /** Until then the robot takes nothing, by its own word. */
  readonly pausedUntil: number;
}
export const FRESH: Pace = { sent: [], pausedUntil: 0 };

/** @returns how long to wait in milliseconds; 0 where it may be sent now. */
export function waitOf(
  { sent, pausedUntil }: Pace,
  perMinute: number,
  critical: boolean,
  now: number,
): number {
  if (now < pausedUntil) return pausedUntil - now;
  const room = Math.max(1, perMinute - MARGIN - (critical ? 0 : FOR_CRITICAL));
  const recent = sent.filter((at) => at > now - WINDOW_MS);
  if (recent.length < room) return 0;
  return (recent[recent.length - room] ?? now) + WINDOW_MS - now;
}

export const noteSent = (pace: Pace, now: number): Pace => ({
  ...pace,
  sent: [...pace.sent.filter((at) => at > now - WINDOW_MS), now],
});
export const notePause = (pace: Pace, untilMs: number): Pace => ({ ...pace, pausedUntil: untilMs });
