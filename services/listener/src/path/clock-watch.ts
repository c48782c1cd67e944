import { type Clock, JUMP_WORDS } from "@gpu-power-manager/shared/clock";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { Recorder } from "../telemetry/recorder.ts";

/** Often enough that what is told with a time is told with the right one soon after the machine was paused. */
const EVERY_MS = 1_000;

export interface ClockWatchOptions {
  readonly clock: Pick<Clock, "follow">;
  readonly logger: Logger;
  readonly recorder: Pick<Recorder, "clockJumped">;
  /** Time jumped ahead: what came meanwhile may not have been heard. */
  readonly onAhead: () => void;
  readonly signal: AbortSignal;
}

/** Follows the wall clock until the signal, and tells of its jumps. */
export function watchClock({ clock, logger, recorder, onAhead, signal }: ClockWatchOptions): void {
  const timer = setInterval(() => {
    const jump = clock.follow();
    if (jump === null) return;
    recorder.clockJumped(jump.direction);
    logger.warn({ ...jump }, JUMP_WORDS[jump.direction]);
    if (jump.direction === "ahead") onAhead();
  }, EVERY_MS);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}
