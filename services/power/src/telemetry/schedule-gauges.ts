/** What the schedules ask for, read off at each scrape. */
import { Gauge, type Registry } from "prom-client";
import { scheduleOf } from "../policy/schedule.ts";
import type { Pool } from "../pool/pool.ts";

export interface ScheduleSource {
  readonly pool: Pool;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function deriveFromSchedule(registers: Registry[], source: () => ScheduleSource): void {
  new Gauge({
    name: "gpu_power_schedule",
    help: "1 for the rule of policy.schedules that is in force (effect keep_on: started and kept on; quiet: stopped sooner, or not started for jobs), 0 for the others.",
    labelNames: ["rule", "effect"],
    registers,
    collect() {
      this.reset();
      const { pool, now } = source();
      const { keepOn, quiet } = scheduleOf(pool.policy).at(now);
      const current = keepOn?.rule ?? quiet?.rule;
      for (const { name, effect } of pool.policy.schedules)
        this.set({ rule: name, effect: effect === "quiet" ? "quiet" : "keep_on" }, name === current ? 1 : 0);
    },
  });
  new Gauge({
    name: "gpu_power_schedule_change_timestamp_seconds",
    help: "When what the schedules ask for changes next, in Unix seconds; absent where it does not within eight days.",
    registers,
    collect() {
      this.remove();
      const { pool, now } = source();
      const { nextChangeAt } = scheduleOf(pool.policy).at(now);
      if (nextChangeAt !== null) this.set(nextChangeAt / 1_000);
    },
  });
  new Gauge({
    name: "gpu_power_starts_barred",
    help: "1 while policy lets no job start a machine, by what forbids it: quiet_time (a rule of policy.schedules with noStarts); else 0.",
    labelNames: ["by"],
    registers,
    collect() {
      const { pool, now } = source();
      const { quiet } = scheduleOf(pool.policy).at(now);
      this.set({ by: "quiet_time" }, quiet?.noStarts === true ? 1 : 0);
    },
  });
}
