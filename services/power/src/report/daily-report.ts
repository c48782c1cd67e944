/** What a day was: hours, cost, jobs, waiting, starts, gaps, savings. Pure; what cannot be known is null, with the reason. */

import type { DayReport } from "@gpu-power-manager/shared/history-entries";
import type { HistoryPage } from "@gpu-power-manager/shared/history-page";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import { spansOf, timeIn } from "../operator/page/running-hours.ts";
import type { Spending } from "../policy/budget.ts";

const HOUR_MS = 3_600_000;

export interface DayFacts {
  /** Local date. */
  readonly day: string;
  /** Its beginning and end, milliseconds since 1970: 23 to 25 hours apart. */
  readonly from: number;
  readonly to: number;
  /** All history from the day's beginning until now; in any order. */
  readonly entries: HistoryPage["entries"];
  /** Before this there is no history. */
  readonly historyBegins: number;
  readonly machines: ReadonlyArray<
    Pick<PowerStatus["instances"][number], "id" | "state" | "observedAt" | "pricePerHour" | "currency">
  >;
  readonly desiredRunning: number;
  readonly spending: Spending;
  /** Jobs that came on that day; null where it was not counted at both its ends. */
  readonly jobs: number | null;
  readonly now: number;
}

const round = (value: number, digits: number) => Number(value.toFixed(digits));

function median(sorted: readonly number[]): number | null {
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}

function counted(words: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Object.fromEntries(counts);
}

export function dailyReport(facts: DayFacts): DayReport {
  const { day, from, to, machines, spending, now } = facts;
  const unknown: string[] = [];
  const all = facts.entries.map(({ entry }) => entry);
  const within = (at: number) => at >= from && at < to;
  if (facts.historyBegins > from)
    unknown.push("history begins within the day: hours, starts and waiting are not whole");

  const hours = machines.map((machine) => {
    const spans = spansOf(facts.entries, machine, from, now);
    return {
      instance: machine.id,
      running: round(timeIn(spans, "running", from, to) / HOUR_MS, 2),
      unknown: round(timeIn(spans, "unknown", from, to) / HOUR_MS, 2),
    };
  });

  const currencies = [...new Set(machines.map(({ currency }) => currency))];
  const [currency = null] = currencies;
  const spent = spending.days[day];
  const why =
    currencies.length !== 1
      ? "cost: the machines have several currencies"
      : spending.since > from
        ? "cost: it was not counted from the day's beginning"
        : (spent?.unpricedMs ?? 0) > 0
          ? "cost: for a part of the day no price was known"
          : undefined;
  if (why !== undefined) unknown.push(why);
  const cost = why === undefined ? round(spent?.spent ?? 0, 2) : null;

  const prices = machines.slice(0, facts.desiredRunning).map(({ pricePerHour }) => pricePerHour);
  const always = prices.reduce<number | null>(
    (sum, price) => (sum === null || price === null ? null : sum + (price * (to - from)) / HOUR_MS),
    0,
  );
  if (always === null) unknown.push("savings: no price is known");

  const intents = all.flatMap((each) => (each.kind === "intent" && within(each.at) ? [each] : []));
  const failed = all.filter(
    (each) =>
      each.kind === "outcome" && each.action === "start" && each.outcome !== "succeeded" && within(each.at),
  );
  const waits = all
    .flatMap((each) => (each.kind === "served" && within(each.at) ? [each.oldestMs] : []))
    .sort((a, b) => a - b);
  const middle = median(waits);

  // A gap belongs to the day on which it ended: only then is it known what was found.
  const gaps = all.flatMap((each) => (each.kind === "gap" && !each.covered && within(each.to) ? [each] : []));
  const found = gaps.map(({ recovered }) => recovered);
  const recovered = found.reduce<number | null>(
    (sum, each) => (sum === null || each === null ? null : sum + each),
    0,
  );
  if (recovered === null) unknown.push("missed jobs: in a gap the gateway's backlog could not be read");
  if (facts.jobs === null) unknown.push("jobs: they were not counted at both ends of the day");
  return {
    day,
    hours,
    cost,
    currency: currencies.length === 1 ? currency : null,
    alwaysOnCost: always === null || currencies.length !== 1 ? null : round(always, 2),
    saved: always === null || cost === null ? null : round(always - cost, 2),
    jobs: facts.jobs,
    waited: {
      times: waits.length,
      medianSeconds: middle === null ? null : round(middle / 1_000, 1),
      worstSeconds: waits.length === 0 ? null : round((waits.at(-1) ?? 0) / 1_000, 1),
    },
    starts: counted(intents.filter(({ action }) => action === "start").map(({ reason }) => reason)),
    failedStarts: failed.length,
    gaps: {
      count: gaps.length,
      seconds: round(gaps.reduce((sum, gap) => sum + (gap.to - gap.from), 0) / 1_000, 0),
      missedAndRecovered: recovered,
    },
    unknown,
  };
}
