import type { Bus } from "./bus.ts";
import { describeError } from "./errors.ts";
import { type Report, reportSubject } from "./events.ts";
import {
  type BudgetEntry,
  budgetSubject,
  dayReportSubject,
  type GapEntry,
  gapSubject,
  type HistoryEntry,
  historySubject,
  type LoginEntry,
  loginSubject,
  type OperatorEntry,
  operatorSubject,
  type ReportEntry,
} from "./history-entries.ts";
import type { Logger } from "./logger.ts";

/** Reports and history kept while NATS is away; what is older is of no use to anybody by then. */
const LIMIT = 2_000;
const RETRY_MS = 250;

interface Message {
  readonly subject: string;
  readonly body: string;
  readonly id: string | undefined;
}

/** Reports and history on their way to NATS: in order, tried until NATS has it, bounded while NATS is away. */
export class Outbound {
  private readonly bus: Bus;
  private readonly logger: Logger;
  private readonly signal: AbortSignal;
  private queue: Message[] = [];
  private sending = false;

  constructor(bus: Bus, logger: Logger, signal: AbortSignal) {
    this.bus = bus;
    this.logger = logger;
    this.signal = signal;
  }

  report(report: Report): void {
    this.enqueue({ subject: reportSubject(report), body: JSON.stringify(report), id: report.reportId });
  }

  history(entry: HistoryEntry): void {
    this.enqueue({ subject: historySubject(entry), body: JSON.stringify(entry), id: undefined });
  }

  gap(gap: GapEntry): void {
    this.enqueue({ subject: gapSubject(gap), body: JSON.stringify(gap), id: undefined });
  }

  operator(entry: OperatorEntry): void {
    this.enqueue({ subject: operatorSubject(entry), body: JSON.stringify(entry), id: undefined });
  }

  login(entry: LoginEntry): void {
    this.enqueue({ subject: loginSubject(entry), body: JSON.stringify(entry), id: undefined });
  }

  day(entry: ReportEntry): void {
    this.enqueue({
      subject: dayReportSubject(entry),
      body: JSON.stringify(entry),
      id: `report.${entry.pool}.${entry.day}`,
    });
  }

  budget(entry: BudgetEntry): void {
    this.enqueue({ subject: budgetSubject(entry), body: JSON.stringify(entry), id: undefined });
  }

  private enqueue(message: Message): void {
    if (this.queue.length >= LIMIT) {
      this.queue.shift();
      this.logger.warn(
        { limit: LIMIT },
        "NATS is away for long: the oldest report or history entry is given up",
      );
    }
    this.queue.push(message);
    if (!this.sending) void this.send();
  }

  private async send(): Promise<void> {
    this.sending = true;
    let troubled = false;
    for (let next = this.queue[0]; next !== undefined; next = this.queue[0]) {
      try {
        await this.bus.js.publish(next.subject, next.body, next.id === undefined ? {} : { msgID: next.id });
        if (this.queue[0] === next) this.queue.shift();
        troubled = false;
      } catch (error) {
        if (this.signal.aborted) break;
        if (!troubled) this.logger.warn({ cause: describeError(error) }, "A report cannot be published yet");
        troubled = true;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    this.sending = false;
  }

  /** Resolves when nothing is left to send. */
  async drained(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (this.sending && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
