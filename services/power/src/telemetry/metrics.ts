import { JUMP_DIRECTIONS } from "@gpu-power-manager/shared/clock";
import { LANES } from "@gpu-power-manager/shared/events";
import { processRegistry } from "@gpu-power-manager/shared/registry";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { BROWSER_RESTARTS, CONSOLE_ERRORS } from "../console/driver.ts";
import { REASONS } from "../pool/decide/decision.ts";
import { type Recorder, STAGES } from "./recorder.ts";

/** Milliseconds for deciding and commanding, seconds to minutes for booting. */
const LATENCY_BUCKETS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 240,
  300, 600,
];
const OBSERVE_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** From milliseconds by the API to a page that is clicked through slowly. */
const CALL_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60];

/** What is counted as it happens. What can be read off the state is in gauges.ts and bus-gauges.ts. */
export function createMetrics(
  pool: string,
  now: () => number,
  /** Whether this power holds the lease. */
  isLeader: () => boolean,
): Recorder & { readonly registry: Registry } {
  const registry = processRegistry(pool);
  const registers = [registry];
  new Gauge({
    name: "gpu_power_leader",
    help: "1 while this power holds the lease and may act, 0 while it stands by or cannot renew the lease.",
    registers,
    collect() {
      this.set(isLeader() ? 1 : 0);
    },
  });
  const decisions = new Counter({
    name: "gpu_power_decisions_total",
    help: "Decisions of the reconciler, by reason; one pass may give several.",
    labelNames: ["reason"],
    registers,
  });
  const actions = new Counter({
    name: "gpu_power_actions_total",
    help: "Starts and stops by the lane that sent them (signed, api, page, none) and outcome. Each is counted once by the console's answer (accepted, uncertain, refused, sold_out, not_tried) and, where it may have been taken, once by what was observed (succeeded, no_effect, fell_back, timeout).",
    labelNames: ["instance", "action", "lane", "outcome"],
    registers,
  });
  const calls = new Histogram({
    name: "gpu_power_action_seconds",
    help: "Time of the call of one start or stop in seconds, by the lane that sent it (signed, api, page), whatever came of it.",
    labelNames: ["action", "lane"],
    buckets: CALL_BUCKETS,
    registers,
  });
  const latency = new Histogram({
    name: "gpu_power_start_latency_seconds",
    help: "Time of a start in seconds by stage: decide (oldest waiting job to decision), command (decision to accepted), boot (accepted to running), worker (running to worker online), total (oldest waiting job to running).",
    labelNames: ["instance", "stage"],
    buckets: LATENCY_BUCKETS,
    registers,
  });
  const observe = new Histogram({
    name: "gpu_power_observe_seconds",
    help: "Time of one look at the console in seconds, by witness (signed, api, page).",
    labelNames: ["witness"],
    buckets: OBSERVE_BUCKETS,
    registers,
  });
  const disagreements = new Counter({
    name: "gpu_power_witness_disagreements_total",
    help: "Times two witnesses (the signed API, the page's API, the freshly loaded page) told different states; nothing is stopped until they agree.",
    registers,
  });
  const consoleErrors = new Counter({
    name: "gpu_power_console_errors_total",
    help: "Failed or doubtful steps at the console, by kind.",
    labelNames: ["kind"],
    registers,
  });
  const browserRestarts = new Counter({
    name: "gpu_power_browser_restarts_total",
    help: "Relaunches of Chromium, by reason.",
    labelNames: ["reason"],
    registers,
  });
  const malformed = new Counter({
    name: "gpu_power_events_malformed_total",
    help: "Job events whose shape this version does not know; more than 0 means that power is older than the listener.",
    registers,
  });
  const stateFailures = new Counter({
    name: "gpu_power_state_failures_total",
    help: "Writes of state to NATS that failed, by what they were to keep (lease, demand, instance, hold, spending, work); each is tried again.",
    labelNames: ["what"],
    registers,
  });
  const reloads = new Gauge({
    name: "gpu_power_config_reload_success",
    help: "1 when the file as it is on disk is in use, 0 when its last change was refused and the one before is in use.",
    labelNames: ["file"],
    registers,
  });
  reloads.set({ file: "pool" }, 1);
  reloads.set({ file: "profile" }, 1);
  let passedAt: number | undefined;
  new Gauge({
    name: "gpu_power_reconciled_timestamp_seconds",
    help: "When the reconciler last finished a pass, in Unix seconds; absent before the first.",
    registers,
    collect() {
      this.remove();
      if (passedAt !== undefined) this.set(passedAt / 1_000);
    },
  });
  const jumps = new Counter({
    name: "gpu_power_clock_jumps_total",
    help: "Times the wall clock was found far from the service's own time: ahead (the machine was paused or slept, or its clock was set; everything is looked at anew), or behind (it was set back; time goes slower until it has caught up).",
    labelNames: ["direction"],
    registers,
  });
  // A series that appears with its first event hides that event from rate(), so all begin at 0.
  for (const reason of new Set(Object.values(REASONS).flat())) decisions.inc({ reason }, 0);
  for (const direction of JUMP_DIRECTIONS) jumps.inc({ direction }, 0);
  for (const kind of CONSOLE_ERRORS) consoleErrors.inc({ kind }, 0);
  for (const what of ["lease", "demand", "instance", "hold", "spending", "work"])
    stateFailures.inc({ what }, 0);
  for (const reason of BROWSER_RESTARTS) browserRestarts.inc({ reason }, 0);
  for (const lane of LANES) {
    observe.zero({ witness: lane });
    for (const action of ["start", "stop"]) calls.zero({ action, lane });
  }
  const known = new Set<string>();
  return {
    registry,
    mayActOn: (instance) => {
      if (known.has(instance)) return;
      known.add(instance);
      for (const stage of STAGES) latency.zero({ instance, stage });
      for (const action of ["start", "stop"]) {
        for (const lane of LANES) {
          for (const outcome of ["accepted", "succeeded"])
            actions.inc({ instance, action, lane, outcome }, 0);
        }
      }
    },
    decided: (reason) => decisions.inc({ reason }),
    acted: (instance, action, lane, outcome) => actions.inc({ instance, action, lane, outcome }),
    called: (action, lane, ms) => calls.observe({ action, lane }, Math.max(0, ms) / 1_000),
    startLatency: (instance, stage, ms) => latency.observe({ instance, stage }, Math.max(0, ms) / 1_000),
    eventsMalformed: () => malformed.inc(),
    stateFailed: (what) => stateFailures.inc({ what }),
    configReloaded: (file, ok) => reloads.set({ file }, ok ? 1 : 0),
    clockJumped: (direction) => jumps.inc({ direction }),
    passed: () => {
      passedAt = now();
    },
    observed: (witness, seconds) => observe.observe({ witness }, seconds),
    disagreed: () => disagreements.inc(),
    failed: (kind) => consoleErrors.inc({ kind }),
    browserRestarted: (reason) => browserRestarts.inc({ reason }),
  };
}
