/** Hours and cost of today, this week and this month, as far as history tells. Pure. */
import type { Words } from "@gpu-power-manager/shared/reason-words";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import { type Period, periodAt } from "../../policy/periods.ts";
import { clockTime, type Say, type Speech } from "./language.ts";
import type { Known } from "./ledger.ts";
import { spansOf, timeIn } from "./running-hours.ts";

const HOUR_MS = 3_600_000;

export interface Usage {
  readonly label: Words;
  /** Null where it cannot be known. */
  readonly hours: string | null;
  readonly cost: string | null;
  /** Why it is unknown, or what it leaves out. */
  readonly note: Words | null;
}

const LABELS = {
  day: { en: "today", zh: "今天" },
  week: { en: "this week", zh: "本周" },
  month: { en: "this month", zh: "本月" },
} as const;

const UNKNOWN: Readonly<Record<"away" | "reading" | "too_much", Words>> = {
  away: { en: "history cannot be read", zh: "无法读取历史" },
  reading: { en: "history is being read", zh: "正在读取历史" },
  too_much: { en: "history is too long to be read here", zh: "历史过长，此处无法读取" },
};

function hoursAndMinutes(say: Say, ms: number): string {
  const minutes = Math.round(ms / 60_000);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours === 0) return say(`${rest} min`, `${rest} 分钟`);
  return say(`${hours} h ${rest} min`, `${hours} 小时 ${rest} 分`);
}

export function usageOf(
  known: Known,
  status: PowerStatus | { readonly words: string },
  speech: Speech,
  now: number,
): Usage[] {
  const starts = (period: Period) => periodAt(speech.zone, period, now).from;
  return (["day", "week", "month"] as const).map((name): Usage => {
    const label = LABELS[name];
    if ("words" in known) return { label, hours: null, cost: null, note: UNKNOWN[known.words] };
    if ("words" in status)
      return { label, hours: null, cost: null, note: { en: "no status here", zh: "此处没有状态" } };
    const from = Math.max(starts(name), known.begins);
    const totals = new Map<string, number>();
    let ms = 0;
    let blind = 0;
    let priced = true;
    for (const instance of status.instances) {
      const spans = spansOf(known.entries, instance, Math.min(from, now), now);
      const ran = timeIn(spans, "running", from, now);
      ms += ran;
      blind += timeIn(spans, "unknown", from, now);
      const { pricePerHour, currency } = instance;
      if (pricePerHour === null) priced &&= ran === 0;
      else totals.set(currency, (totals.get(currency) ?? 0) + (ran / HOUR_MS) * pricePerHour);
    }
    const begins = clockTime(speech, known.begins, now);
    const note =
      known.begins > starts(name)
        ? { en: `history begins ${begins}`, zh: `历史始于 ${begins}` }
        : blind > 60_000
          ? {
              en: `and ${(blind / HOUR_MS).toFixed(1)} h unknown`,
              zh: `另有 ${(blind / HOUR_MS).toFixed(1)} 小时未知`,
            }
          : null;
    const hours = hoursAndMinutes(speech.say, ms);
    const cost = [...totals].map(([currency, sum]) => `${sum.toFixed(2)} ${currency}`).join(" + ");
    return { label, hours, cost: priced ? cost : null, note };
  });
}
