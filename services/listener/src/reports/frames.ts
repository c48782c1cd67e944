/** Reports of power → frames of the gateway's protocol. Pure. */
import type { Report } from "@gpu-power-manager/shared/events";

/** An answer about the state is worth nothing after this. */
const STATUS_VALID_MS = 30_000;
/** A question to the gateway is worth nothing after this: power has stopped waiting. */
const QUERY_VALID_MS = 5_000;

export type ReportOutcome = "sent" | "expired" | "malformed";

/** The frame of a report; `booted` is said as the configuration asks. */
export function frameOf(report: Report, onlineFrame: "booted" | "online"): Record<string, unknown> {
  switch (report.kind) {
    case "status":
      return {
        type: "gpu.status.response",
        status: report.status,
        request_id: report.requestId,
        source: "gpu_monitor",
        fresh: report.fresh,
        ...(report.message === undefined ? {} : { msg: report.message }),
      };
    case "booted":
      return {
        ...(onlineFrame === "booted"
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

/**
 * Whether a report is too old to be said.
 * @param now milliseconds since 1970 on this process's clock. `report.at` is on power's: where the two run on
 * different hosts, a difference of seconds between their clocks shifts the limit by as much, so they need NTP.
 */
export function isExpired(report: Report, now: number): boolean {
  if (report.kind === "status") return now - report.at > STATUS_VALID_MS;
  if (report.kind === "task_query") return now - report.at > QUERY_VALID_MS;
  return false;
}
