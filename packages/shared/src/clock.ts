/**
 * Milliseconds since 1970 that never jump: the wall clock at the start of the process, moved on by the
 * monotonic clock. An operator who sets the clock an hour ahead would otherwise make a busy machine look idle.
 */
export function steadyClock(): () => number {
  const offset = Date.now() - performance.now();
  return () => Math.round(offset + performance.now());
}
