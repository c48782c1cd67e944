import { setTimeout as sleep } from "node:timers/promises";

/** Holds an answer back for `ms`. Resolves false when `signal` ended the wait: nobody is left to answer. */
export async function heldBack(ms: number, signal: AbortSignal): Promise<boolean> {
  if (ms <= 0) return !signal.aborted;
  try {
    await sleep(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
