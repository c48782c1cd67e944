/** What the checks judge by, and how they say it. Pure. */
import type { Diagnosis } from "@gpu-power-manager/shared/diagnosis";
import { formatDuration } from "@gpu-power-manager/shared/duration";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import type { Say } from "../language.ts";
import type { Verdict } from "./check.ts";
import type { Facts, PowerFacts } from "./facts.ts";

/** Signs of life come every 2 s. */
const SILENT_S = 10;
/** Clocks further apart than this make times in the logs hard to read; and further, timeouts wrong. */
const SKEW_WARN_S = 2;
const SKEW_FAIL_S = 60;
export const ok = (seen: string): Verdict => ({ status: "ok", seen });
export const warn = (seen: string, next: string): Verdict => ({ status: "warn", seen, next });
export const fail = (seen: string, next: string): Verdict => ({ status: "fail", seen, next });

export interface Asking {
  readonly say: Say;
  readonly facts: Facts;
  /** To be called only by checks that need the check "power". */
  readonly power: () => PowerFacts;
  /** To be called only by checks that need the check "pool". */
  readonly status: () => PowerStatus;
}

type Listener = Diagnosis["listeners"][number];

/** The listener that was heard last; undefined where none is alive. */
export function aliveListener({ listeners }: Pick<Diagnosis, "listeners">): Listener | undefined {
  return listeners.find(({ silentSeconds }) => silentSeconds < SILENT_S);
}

export function skewVerdict(say: Say, who: string, aheadSeconds: number): Verdict {
  const away = Math.abs(aheadSeconds);
  const length = formatDuration(away * 1_000);
  const seen =
    aheadSeconds > 0
      ? say(`${who} is ${length} ahead`, `${who} 快 ${length}`)
      : say(`${who} is ${length} behind`, `${who} 慢 ${length}`);
  const next = say(
    "Let NTP set the clocks of all hosts (timedatectl set-ntp true), and look which one is wrong.",
    "让所有主机用 NTP 校时（timedatectl set-ntp true），并查看是哪一台不准。",
  );
  if (away >= SKEW_FAIL_S) return fail(seen, next);
  return away >= SKEW_WARN_S ? warn(seen, next) : ok(seen);
}
