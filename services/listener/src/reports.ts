/** GPU_REPORTS → frames to the gateway: acknowledged only when a registered connection has taken them. */
import type { Bus } from "@gpu-power-manager/shared/bus";
import { describeError } from "@gpu-power-manager/shared/errors";
import { Report, STREAMS } from "@gpu-power-manager/shared/events";
import type { Logger } from "@gpu-power-manager/shared/logger";
import { AckPolicy, type JsMsg } from "nats";

/** An answer about the state is worth nothing after this. */
const STATUS_VALID_MS = 30_000;
/** A question to the gateway is worth nothing after this: power has stopped waiting. */
const QUERY_VALID_MS = 5_000;
/** How long the server waits before it gives a report to another listener; longer than a wait below. */
const ACK_WAIT_NS = 30 * 1_000_000_000;
/** While not registered, the server is told this often that the report is in hand. */
const WORKING_EVERY_MS = 10_000;
const RETRY_MS = 500;

export type ReportOutcome = "sent" | "expired" | "malformed";

/** The frame of a report; `booted` is said as the configuration asks. */
export function frameOf(report: Report, readyFrame: "booted" | "online"): Record<string, unknown> {
  switch (report.kind) {
    case "status":
      return {
        type: "gpu.status.response",
        status: report.status,
        request_id: report.requestId,
        source: "gpu_monitor",
        fresh: report.fresh,
      };
    case "booted":
      return {
        ...(readyFrame === "booted"
          ? { type: "gpu.power.booted", status: "booted", msg: "GPU已开机，服务启动中" }
          : { type: "gpu.power.online", status: "running", msg: "GPU已开机" }),
        source: "gpu_monitor",
        request_id: report.requestId,
      };
    case "boot_result":
      return {
        type: "gpu.power.boot.result",
        request_id: report.requestId,
        success: false,
        status: "failed",
        msg: report.message,
      };
    case "task_query":
      return { type: "gpu.task.query", request_id: report.requestId };
  }
}

/** Whether a report is too old to be said. Ages compare power's clock with ours, so hosts need NTP. */
export function isExpired(report: Report, now: number): boolean {
  if (report.kind === "status") return now - report.at > STATUS_VALID_MS;
  if (report.kind === "task_query") return now - report.at > QUERY_VALID_MS;
  return false;
}

export interface ReportsOptions {
  readonly bus: Bus;
  readonly pool: string;
  readonly readyFrame: "booted" | "online";
  readonly send: (frame: Record<string, unknown>) => boolean;
  /** Resolves when the link is registered, or the signal aborts. */
  readonly whenRegistered: () => Promise<void>;
  readonly onReport: (kind: string, outcome: ReportOutcome) => void;
  readonly logger: Logger;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Passes reports on until the signal; survives everything NATS does in between. */
export async function runReports(options: ReportsOptions): Promise<void> {
  const { logger, signal } = options;
  let troubled = false;
  while (!signal.aborted) {
    try {
      await consume(options);
      troubled = false;
    } catch (error) {
      if (signal.aborted) return;
      if (!troubled) logger.warn({ cause: describeError(error) }, "Reports cannot be read yet; trying again");
      troubled = true;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function consume(options: ReportsOptions): Promise<void> {
  const { bus, pool, signal } = options;
  const durable = `listener-${pool}`;
  await bus.manager.consumers.add(STREAMS.reports, {
    durable_name: durable,
    filter_subject: `gpu.reports.${pool}.>`,
    ack_policy: AckPolicy.Explicit,
    ack_wait: ACK_WAIT_NS,
  });
  const consumer = await bus.js.consumers.get(STREAMS.reports, durable);
  // A listener that cannot speak takes nothing, so that another one that can gets it.
  await options.whenRegistered();
  if (signal.aborted) return;
  const messages = await consumer.consume({ max_messages: 50, idle_heartbeat: 5_000, expires: 10_000 });
  const stop = () => messages.stop();
  signal.addEventListener("abort", stop, { once: true });
  void (async () => {
    for await (const status of await messages.status()) {
      if (["consumer_deleted", "consumer_not_found", "stream_not_found"].includes(status.type))
        messages.stop();
    }
  })();
  try {
    for await (const message of messages) await pass(options, message);
  } finally {
    signal.removeEventListener("abort", stop);
    messages.stop();
  }
}

async function pass(options: ReportsOptions, message: JsMsg): Promise<void> {
  const { readyFrame, send, whenRegistered, onReport, logger, now, signal } = options;
  let report: Report;
  try {
    report = Report.parse(message.json());
  } catch (error) {
    onReport("other", "malformed");
    logger.error(
      { cause: describeError(error) },
      "A report has an unknown shape and is put aside; update the listener",
    );
    message.term();
    return;
  }
  for (;;) {
    if (isExpired(report, now())) {
      onReport(report.kind, "expired");
      message.ack();
      return;
    }
    if (send(frameOf(report, readyFrame))) {
      onReport(report.kind, "sent");
      logger.info({ kind: report.kind, reportId: report.reportId }, "report sent to the gateway");
      message.ack();
      return;
    }
    if (signal.aborted) {
      message.nak();
      return;
    }
    message.working();
    await Promise.race([whenRegistered(), new Promise((resolve) => setTimeout(resolve, WORKING_EVERY_MS))]);
  }
}
