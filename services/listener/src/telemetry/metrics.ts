import { JUMP_DIRECTIONS } from "@gpu-power-manager/shared/clock";
import { JOB_TYPES } from "@gpu-power-manager/shared/events";
import { processRegistry } from "@gpu-power-manager/shared/registry";
import { Counter, Histogram } from "prom-client";
import { CHECK_OUTCOMES } from "../backlog/watch.ts";
import { FRAME_TYPES, REJECTIONS } from "../gateway/frames.ts";
import { CLOSE_REASONS } from "../gateway/session.ts";
import { PROBE_OUTCOMES } from "../path/probe.ts";

const PUBLISH_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60,
];

const PROBE_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

const BACKLOG_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Everything the listener counts; gauges, which are read off the state, are in gauges.ts. */
export function createMetrics(pool: string) {
  const registry = processRegistry(pool);
  const registers = [registry];
  const counters = {
    registry,
    reconnects: new Counter({
      name: "gpu_listener_reconnects_total",
      help: "Connections to the gateway that were lost or given up, by reason.",
      labelNames: ["reason"],
      registers,
    }),
    clockJumps: new Counter({
      name: "gpu_listener_clock_jumps_total",
      help: "Times the wall clock was found far from the service's own time: ahead (the machine was paused or slept, or its clock was set; the path is proven anew), or behind (it was set back; time goes slower until it has caught up).",
      labelNames: ["direction"],
      registers,
    }),
    frames: new Counter({
      name: "gpu_listener_frames_total",
      help: "Frames that were understood, by type; unknown types count as other.",
      labelNames: ["type"],
      registers,
    }),
    degraded: new Counter({
      name: "gpu_listener_frames_degraded_total",
      help: "Frames that were taken without fields of a wrong type or length, by type.",
      labelNames: ["type"],
      registers,
    }),
    rejected: new Counter({
      name: "gpu_listener_frames_rejected_total",
      help: "Frames that could not be understood, by reason.",
      labelNames: ["reason"],
      registers,
    }),
    notices: new Counter({
      name: "gpu_listener_notices_total",
      help: "Notices that mean work, by type.",
      labelNames: ["type"],
      registers,
    }),
    publish: new Histogram({
      name: "gpu_listener_publish_seconds",
      help: "Time from publishing an event to JetStream's acknowledgement, in seconds.",
      buckets: PUBLISH_BUCKETS,
      registers,
    }),
    folded: new Counter({
      name: "gpu_listener_outbox_folded_total",
      help: "Events that were folded into another because the outbox was full; no job is lost by it.",
      registers,
    }),
    dropped: new Counter({
      name: "gpu_listener_outbox_dropped_total",
      help: "Questions about the state, and older activity, that were not passed on because the outbox was full or they were too old; never a job.",
      registers,
    }),
    probes: new Counter({
      name: "gpu_listener_probes_total",
      help: "Probes of the notification path, by outcome: proven, timeout (not heard in time), unclear (not heard, but notices were), not_sent (the probing client is not connected).",
      labelNames: ["outcome"],
      registers,
    }),
    probeSeconds: new Histogram({
      name: "gpu_listener_probe_seconds",
      help: "Time from a probe's question to its arrival at the monitor's connection, in seconds.",
      buckets: PROBE_BUCKETS,
      registers,
    }),
    missed: new Counter({
      name: "gpu_listener_notices_missed_total",
      help: "Jobs of which no notice came, by where they were found instead; each was passed on all the same.",
      labelNames: ["source"],
      registers,
    }),
    assumed: new Counter({
      name: "gpu_listener_gap_jobs_assumed_total",
      help: "Gaps that were taken for a job, because ON_GAP says so and the backlog could not be read.",
      registers,
    }),
    backlogChecks: new Counter({
      name: "gpu_listener_backlog_checks_total",
      help: "Readings of the gateway's backlog, by outcome: ok, part (a limit was reached, so not all was seen), failed.",
      labelNames: ["outcome"],
      registers,
    }),
    backlogSeconds: new Histogram({
      name: "gpu_listener_backlog_check_seconds",
      help: "Time of one reading of the gateway's backlog in seconds.",
      buckets: BACKLOG_BUCKETS,
      registers,
    }),
    stateFailures: new Counter({
      name: "gpu_listener_state_failures_total",
      help: "Writes of state to NATS that failed, by what they were to keep for the next listener (path, ledger); each is tried again.",
      labelNames: ["what"],
      registers,
    }),
    reports: new Counter({
      name: "gpu_listener_reports_total",
      help: "Reports of power, by kind and by what became of them (sent, expired, malformed).",
      labelNames: ["kind", "outcome"],
      registers,
    }),
  };
  // A series that appears with its first event hides that event from rate(), so all begin at 0.
  for (const reason of CLOSE_REASONS) counters.reconnects.inc({ reason }, 0);
  for (const what of ["path", "ledger"]) counters.stateFailures.inc({ what }, 0);
  for (const direction of JUMP_DIRECTIONS) counters.clockJumps.inc({ direction }, 0);
  for (const reason of REJECTIONS) counters.rejected.inc({ reason }, 0);
  for (const type of FRAME_TYPES) counters.frames.inc({ type }, 0);
  for (const type of JOB_TYPES) counters.notices.inc({ type }, 0);
  for (const outcome of PROBE_OUTCOMES) counters.probes.inc({ outcome }, 0);
  for (const outcome of CHECK_OUTCOMES) counters.backlogChecks.inc({ outcome }, 0);
  counters.missed.inc({ source: "backlog" }, 0);
  return counters;
}

export type ListenerMetrics = ReturnType<typeof createMetrics>;
