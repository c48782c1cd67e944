/** One's own history under another idle time. Pure. */
import type { WhatIf } from "@gpu-power-manager/shared/policy-views";
import type { IdleLimits } from "./idle-time.ts";
import { fixed, hindsight, type IdlePlayer, learning, replay } from "./replay.ts";
import type { WorkSeen } from "./work-spells.ts";

export interface WhatIfParts {
  readonly seen: WorkSeen;
  /** The policy in force; null: learned. */
  readonly idleNow: number | null;
  readonly idleThen: number | null;
  readonly limits: IdleLimits;
  readonly minRunNow: number;
  /** How long a start takes, and what it costs as time of running; null where none was seen. */
  readonly boot: number | null;
  readonly startCost: number | null;
  readonly pricePerHour: number | null;
  readonly currency: string;
  readonly from: number;
  readonly now: number;
}

const HOUR_MS = 3_600_000;

/** The policy in force, the other, and who knew each gap before. Without a start that was seen, nothing can be told. */
export function whatIf(parts: WhatIfParts): WhatIf {
  const { seen, limits, boot, startCost, pricePerHour, currency, from, now } = parts;
  const spells = seen.spells.filter((spell) => spell.from >= from);
  const told = (name: string, player: IdlePlayer): WhatIf["runs"][number] => {
    const run = replay(spells, player, { boot: boot ?? 0, minRun: parts.minRunNow, until: now });
    const hours = run.running / HOUR_MS;
    return {
      idle: name,
      hours,
      cost: pricePerHour === null ? null : hours * pricePerHour,
      starts: run.starts,
      waitingSeconds: run.waiting / 1_000,
      worstWaitSeconds: run.worstWait / 1_000,
    };
  };
  const playerOf = (idle: number | null, cost: number) =>
    idle === null ? learning(cost, limits) : fixed(idle);
  const nameOf = (idle: number | null) => (idle === null ? "auto" : `${Math.round(idle / 1_000)}s`);
  return {
    from: new Date(Math.max(from, seen.since)).toISOString(),
    until: new Date(now).toISOString(),
    spells: spells.length,
    bootSeconds: boot === null ? null : boot / 1_000,
    currency,
    runs:
      boot === null || startCost === null
        ? []
        : [
            told(nameOf(parts.idleNow), playerOf(parts.idleNow, startCost)),
            told(nameOf(parts.idleThen), playerOf(parts.idleThen, startCost)),
            told("hindsight", hindsight(startCost)),
          ],
  };
}
