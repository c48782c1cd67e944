import { performance } from "node:perf_hooks";

/** Epoch milliseconds with the resolution of `performance`, and never running backwards. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
