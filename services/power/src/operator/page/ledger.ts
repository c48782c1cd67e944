/** What history tells of the last weeks, read once and again when it is old: hours, costs, days. */

import type { Bus } from "@gpu-power-manager/shared/bus";
import { describeError } from "@gpu-power-manager/shared/errors";
import { STREAMS } from "@gpu-power-manager/shared/events";
import type { HistoryPage } from "@gpu-power-manager/shared/history-page";
import { readHistory } from "../history.ts";

/** Read anew at most this often; what runs meanwhile is counted on from the status. */
const FRESH_MS = 30_000;
/** Whoever opens the page waits no longer for it; the next change of the page has it. */
const PATIENCE_MS = 120;
/** The longest month, and the week that may begin in the one before. */
const REACH_MS = 38 * 86_400_000;
/** More changes of state than this in a month are not read: then hours are unknown, and the page says so. */
const MAX_ENTRIES = 20_000;

export type Known =
  | {
      readonly entries: HistoryPage["entries"] /** Before this there is no history. */;
      readonly begins: number;
    }
  | { readonly words: "away" | "reading" | "too_much"; readonly detail?: string };

export class Ledger {
  private readonly bus: () => Bus;
  private readonly pool: string;
  private readonly now: () => number;
  private last: Known = { words: "reading" };
  private readAt = Number.NEGATIVE_INFINITY;
  private reading: Promise<void> | undefined;

  /** @param bus throws while NATS is away. */
  constructor(bus: () => Bus, pool: string, now: () => number) {
    this.bus = bus;
    this.pool = pool;
    this.now = now;
  }

  /** History has grown: what is known is read anew when it is next asked for. */
  changed(): void {
    this.readAt = Number.NEGATIVE_INFINITY;
  }

  /** What is known, fresh where that takes no time to speak of. */
  async known(patienceMs = PATIENCE_MS): Promise<Known> {
    if (this.now() - this.readAt < FRESH_MS) return this.last;
    this.reading ??= this.read().finally(() => {
      this.reading = undefined;
    });
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMs);
    });
    await Promise.race([this.reading, patience]);
    clearTimeout(timer);
    return this.last;
  }

  private async read(): Promise<void> {
    const asked = this.now();
    try {
      const bus = this.bus();
      const since = new Date(asked - REACH_MS).toISOString();
      const info = await bus.manager.streams.info(STREAMS.history);
      const begins = info.state.messages === 0 ? asked : Date.parse(String(info.state.first_ts));
      const entries: HistoryPage["entries"] = [];
      for (let before: number | undefined; ; ) {
        const page = await readHistory(bus, this.pool, { kind: "state", since, limit: MAX_ENTRIES, before });
        entries.push(...page.entries);
        if (page.next === null || entries.length >= MAX_ENTRIES) break;
        before = page.next;
      }
      this.last = entries.length >= MAX_ENTRIES ? { words: "too_much" } : { entries, begins };
      this.readAt = asked;
    } catch (error) {
      this.last = { words: "away", detail: describeError(error) };
    }
  }
}
