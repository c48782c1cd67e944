/** When to look at the console next. Pure. */
import type { InstanceView } from "./decide/snapshot.ts";
import type { Policy } from "./pool.ts";

/** However long the provider answers with errors, it is asked at least this often. */
const MAX_BACKOFF_MS = 5 * 60_000;
/** The same while a start or stop is under way, whose outcome somebody waits for. */
const MAX_BACKOFF_CHANGING_MS = 15_000;
const JITTER = 0.1;

/**
 * Milliseconds from one look to the next.
 * @param troubles looks in a row that the provider refused, limited or failed; each doubles the pause.
 * @param random from 0 (inclusive) to 1: where in the jitter's range of plus or minus a tenth.
 */
export function pauseBetweenLooks(
  instances: readonly InstanceView[],
  policy: Policy,
  troubles: number,
  random: number,
): number {
  const { observe } = policy;
  const changing = instances.some(
    (instance) => instance.attempt !== null || instance.state === "starting" || instance.state === "stopping",
  );
  const on = instances.some((instance) => instance.state === "running" || instance.state === "unknown");
  const base = changing ? observe.changing : on ? observe.on : observe.off;
  const limit = Math.max(base, changing ? MAX_BACKOFF_CHANGING_MS : MAX_BACKOFF_MS);
  const pause = Math.min(base * 2 ** Math.min(troubles, 30), limit);
  return pause * (1 - JITTER + 2 * JITTER * random);
}
