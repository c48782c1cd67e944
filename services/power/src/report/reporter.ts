/** Makes the report of a day once it is over, and puts it into history: there hooks, gpuctl and the page find it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Bus } from "@gpu-power-manager/shared/bus";
import { describeError } from "@gpu-power-manager/shared/errors";
import { STREAMS } from "@gpu-power-manager/shared/events";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { Outbound } from "@gpu-power-manager/shared/outbound";
import { z } from "zod";
import { readHistory } from "../operator/history.ts";
import type { Spending } from "../policy/budget.ts";
import { dayOf, dayStart } from "../policy/periods.ts";
import type { Pool } from "../pool/pool.ts";
import { KvDocument } from "../state/kv-document.ts";
import { type DayFacts, dailyReport } from "./daily-report.ts";

/** How often it is looked whether a day has begun: jobs of one minute may count to the day beside theirs. */
const LOOK_EVERY_MS = 30_000;
/** A day whose beginning was seen later than this has no number of jobs. */
const LATE_MS = 120_000;
/** History of more than so many entries in two days is not a day that anybody reads a report of. */
const MOST_ENTRIES = 20_000;
const PAGE = 200;
/** Beginnings of days that are kept: yesterday's and today's are needed. */
const KEPT_DAYS = 4;

/** When each day began here, and how many jobs there had ever been. */
const Marks = z.object({
  begun: z.record(z.string(), z.object({ at: z.number().int(), jobs: z.number().int().nonnegative() })),
  /** The last day of which a report was made. */
  reported: z.string().nullable(),
});

export interface ReporterParts {
  readonly bus: Bus;
  readonly pool: () => Pool;
  readonly spending: () => Spending;
  /** Undefined while nothing is known of them. */
  readonly machines: () => DayFacts["machines"] | undefined;
  /** Jobs ever. */
  readonly jobs: () => number;
  readonly outbound: Pick<Outbound, "day">;
  readonly mayAct: () => boolean;
  readonly now: () => number;
  readonly logger: Logger;
}

export class Reporter {
  private readonly parts: ReporterParts;
  private readonly marks: KvDocument<typeof Marks>;

  private constructor(parts: ReporterParts, marks: KvDocument<typeof Marks>) {
    this.parts = parts;
    this.marks = marks;
  }

  /** @throws when NATS cannot be asked what was reported. */
  static async open(parts: ReporterParts): Promise<Reporter> {
    const marks = await KvDocument.open({
      kv: parts.bus.kv,
      key: `report.${parts.pool().pool}`,
      schema: Marks,
      initial: () => ({ begun: {}, reported: null }),
      mayWrite: parts.mayAct,
      expendable: true,
    });
    return new Reporter(parts, marks);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // A report that is late is a report; nothing here may end power.
      await this.look().catch((error: unknown) =>
        this.parts.logger.debug({ cause: describeError(error) }, "the day's report has to wait"),
      );
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Notes that a day has begun, and makes the report of yesterday when its hour has come. @throws when NATS is away. */
  async look(): Promise<void> {
    const { pool, jobs, now, mayAct, outbound, logger } = this.parts;
    const { timeZone, dailyReport: hour } = pool().policy;
    if (hour === undefined || !mayAct()) return;
    const at = now();
    const to = dayStart(timeZone, at);
    const today = dayOf(timeZone, at);
    if (this.marks.value.begun[today] === undefined) {
      const kept = Object.entries(this.marks.value.begun).sort().slice(-KEPT_DAYS);
      const begun = { ...Object.fromEntries(kept), [today]: { at, jobs: jobs() } };
      await this.marks.change((marks) => ({ ...marks, begun }));
    }
    const from = dayStart(timeZone, to - 1);
    const day = dayOf(timeZone, from);
    const { reported } = this.marks.value;
    // The day before the first one that was begun here is nobody's to report.
    if (at < to + hour || (reported !== null && reported >= day) || this.marks.value.begun[day] === undefined)
      return;
    const report = await this.make(day, from, to);
    if (report === undefined) return;
    outbound.day({ kind: "report", pool: pool().pool, at, ...report });
    await this.marks.change((marks) => ({ ...marks, reported: day }));
    logger.info({ day, cost: report.cost, jobs: report.jobs }, "the report of a day is made");
  }

  private async make(day: string, from: number, to: number) {
    const { bus, pool, spending, machines, now } = this.parts;
    const seen = machines();
    if (seen === undefined) return undefined;
    const { state } = await bus.manager.streams.info(STREAMS.history);
    const entries = [];
    for (let before: number | undefined; entries.length < MOST_ENTRIES; ) {
      const query = { since: new Date(from).toISOString(), limit: PAGE, before };
      const page = await readHistory(bus, pool().pool, query);
      entries.push(...page.entries);
      if (page.next === null) break;
      before = page.next;
    }
    const [first, next] = [
      this.marks.value.begun[day],
      this.marks.value.begun[dayOf(pool().policy.timeZone, to)],
    ];
    const whole =
      first !== undefined && next !== undefined && first.at - from <= LATE_MS && next.at - to <= LATE_MS;
    return dailyReport({
      day,
      from,
      to,
      entries,
      historyBegins: state.messages === 0 ? now() : Date.parse(String(state.first_ts)),
      machines: seen,
      desiredRunning: pool().policy.desiredRunning,
      spending: spending(),
      jobs: whole ? next.jobs - first.jobs : null,
      now: now(),
    });
  }
}
