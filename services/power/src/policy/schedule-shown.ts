/** The schedules of a pool for people and programs. */
import type { ScheduleAhead, ScheduleNow } from "@gpu-power-manager/shared/policy-views";
import { type SchedulePolicy, scheduleOf } from "./schedule.ts";

const AHEAD_MS = 7 * 86_400_000;

const iso = (at: number) => new Date(at).toISOString();

/** The windows of the next seven days. */
export function scheduleAhead(policy: SchedulePolicy, now: number): ScheduleAhead {
  const until = now + AHEAD_MS;
  return {
    at: iso(now),
    until: iso(until),
    timeZone: policy.timeZone,
    windows: scheduleOf(policy)
      .windows(now, until)
      .map(({ idleTimeout, ...window }) => ({
        ...window,
        from: iso(window.from),
        begins: iso(window.begins),
        until: iso(window.until),
        idleTimeoutSeconds: idleTimeout === null ? null : idleTimeout / 1_000,
      })),
  };
}

/** What holds now; null where the pool file has no rule. */
export function scheduleNow(policy: SchedulePolicy, now: number): ScheduleNow | null {
  if (policy.schedules.length === 0) return null;
  const { keepOn, quiet, nextChangeAt } = scheduleOf(policy).at(now);
  return {
    timeZone: policy.timeZone,
    keepsOn: keepOn !== null,
    warming: keepOn?.warming ?? false,
    rule: keepOn?.rule ?? quiet?.rule ?? null,
    quiet: quiet !== null,
    noStarts: quiet?.noStarts ?? false,
    nextChangeAt: nextChangeAt === null ? null : iso(nextChangeAt),
  };
}
