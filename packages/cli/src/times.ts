/** Times as people read them. */
import { formatDuration } from "@gpu-power-manager/shared/duration";
import type { Say } from "./language.ts";

/** `3 m 5 s ago`, or `never`. @param now of the clock that `at` is on. */
export function ago(say: Say, at: string | null, now: string): string {
  if (at === null) return say("never", "从未");
  const length = formatDuration(Math.max(0, Date.parse(now) - Date.parse(at)));
  return say(`${length} ago`, `${length}前`);
}

/** `for 5 m 0 s more`. */
export function more(say: Say, until: string, now: string): string {
  const length = formatDuration(Math.max(0, Date.parse(until) - Date.parse(now)));
  return say(`for ${length} more`, `还有 ${length}`);
}

/** Local time to the second, `2026-11-24 21:03:07`. */
export function localTime(at: string): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
