/** What the rooms tell while they work → the listener's counters, so that no room knows Prometheus. */
import type { Jump } from "@gpu-power-manager/shared/clock";
import type { JobType, Report } from "@gpu-power-manager/shared/events";
import type { CheckOutcome } from "../backlog/watch.ts";
import type { FrameType, ReadField, Rejection } from "../gateway/frames.ts";
import type { CloseReason } from "../gateway/session.ts";
import type { ProbeOutcome } from "../path/probe.ts";
import type { ReportOutcome } from "../reports/frames.ts";
import type { ListenerMetrics } from "./metrics.ts";

/** Each room takes the methods that it needs (`Pick<Recorder, …>`). */
export interface Recorder {
  /** A frame was understood, without these fields. */
  frame(type: FrameType, dropped: readonly ReadField[]): void;
  rejected(reason: Rejection): void;
  /** The monitor's connection was lost or given up. */
  lost(reason: CloseReason): void;
  notice(type: JobType): void;
  /** @param seconds from the question to its arrival; undefined when it was not heard. */
  probed(outcome: ProbeOutcome, seconds: number | undefined): void;
  /** JetStream has stored an event after so many seconds. */
  published(seconds: number): void;
  folded(): void;
  dropped(): void;
  /** A job of which no notice came was found in the gateway's backlog. */
  missed(): void;
  backlogRead(outcome: CheckOutcome, seconds: number): void;
  /** State of this kind could not be kept in NATS. */
  stateFailed(what: string): void;
  /** A gap was taken for a job. */
  assumed(): void;
  clockJumped(direction: Jump["direction"]): void;
  reported(kind: Report["kind"] | "other", outcome: ReportOutcome): void;
}

export function recorderOf(metrics: ListenerMetrics): Recorder {
  return {
    frame: (type, dropped) => {
      metrics.frames.inc({ type });
      if (dropped.length > 0) metrics.degraded.inc({ type });
    },
    rejected: (reason) => metrics.rejected.inc({ reason }),
    lost: (reason) => metrics.reconnects.inc({ reason }),
    notice: (type) => metrics.notices.inc({ type }),
    probed: (outcome, seconds) => {
      metrics.probes.inc({ outcome });
      if (seconds !== undefined) metrics.probeSeconds.observe(seconds);
    },
    published: (seconds) => metrics.publish.observe(seconds),
    folded: () => metrics.folded.inc(),
    dropped: () => metrics.dropped.inc(),
    missed: () => metrics.missed.inc({ source: "backlog" }),
    backlogRead: (outcome, seconds) => {
      metrics.backlogChecks.inc({ outcome });
      if (outcome !== "failed") metrics.backlogSeconds.observe(seconds);
    },
    stateFailed: (what) => metrics.stateFailures.inc({ what }),
    assumed: () => metrics.assumed.inc(),
    clockJumped: (direction) => metrics.clockJumps.inc({ direction }),
    reported: (kind, outcome) => metrics.reports.inc({ kind, outcome }),
  };
}
