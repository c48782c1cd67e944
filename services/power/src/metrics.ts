import { INSTANCE_STATES, type Lane } from "@gpu-power-manager/shared/events";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { type ConsoleDriver, type ConsoleEvents, SESSION_STATES } from "./console/driver.ts";
import { type Demand, oldestPending, pendingJobs } from "./demand.ts";
import type { Fleet, Member } from "./fleet.ts";
import { type AttemptOutcome, cost, uptimeMs } from "./instance.ts";

/** Milliseconds for deciding and commanding, seconds to minutes for booting. */
const LATENCY_BUCKETS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 240,
  300, 600,
];
const OBSERVE_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

type Stage = "decide" | "command" | "boot" | "worker" | "total";

/** What the parts tell while they work. */
export interface PowerMetrics extends ConsoleEvents {
  decided(reason: string): void;
  acted(instance: string, action: "start" | "stop", lane: Lane | "none", outcome: string): void;
  ended(instance: string, action: "start" | "stop", outcome: AttemptOutcome): void;
  startLatency(instance: string, stage: Stage, ms: number): void;
  eventsMalformed(): void;
  configReloaded(file: "pool" | "profile", ok: boolean): void;
  /** The reconciler has finished a pass. */
  passed(): void;
}

/** From what the gauges are derived at each scrape. */
export interface MetricsSource {
  readonly fleet: Fleet;
  readonly demand: () => Demand;
  readonly driver: ConsoleDriver;
  readonly now: () => number;
}

export function createMetrics(now: () => number): PowerMetrics & {
  registry: Registry;
  followLease(lease: { readonly held: boolean }): void;
  follow(source: MetricsSource): void;
} {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  let lease: { readonly held: boolean } | undefined;
  new Gauge({
    name: "gpu_power_leader",
    help: "1 while this power holds the lease and may act, 0 while it stands by or cannot renew the lease.",
    registers,
    collect() {
      this.set(lease?.held ? 1 : 0);
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
    help: "Starts and stops by the lane that sent them (api, page, none) and outcome: what the console answered (accepted, refused, uncertain, not_tried), then what was observed (succeeded, no_effect, fell_back, timeout).",
    labelNames: ["instance", "action", "lane", "outcome"],
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
    help: "Time of one look at the console in seconds, by witness (api, page).",
    labelNames: ["witness"],
    buckets: OBSERVE_BUCKETS,
    registers,
  });
  const disagreements = new Counter({
    name: "gpu_power_witness_disagreements_total",
    help: "Times the API and the freshly loaded page showed different states; nothing is stopped until they agree.",
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
  const reloads = new Gauge({
    name: "gpu_power_config_reload_success",
    help: "1 when the file as it is on disk is in use, 0 when its last change was refused and the one before is in use.",
    labelNames: ["file"],
    registers,
  });
  reloads.set({ file: "pool" }, 1);
  reloads.set({ file: "profile" }, 1);
  const lastPass = new Gauge({
    name: "gpu_power_reconciled_timestamp_seconds",
    help: "When the reconciler last finished a pass, in Unix seconds.",
    registers,
  });
  return {
    registry,
    decided: (reason) => decisions.inc({ reason }),
    acted: (instance, action, lane, outcome) => actions.inc({ instance, action, lane, outcome }),
    ended: (instance, action, outcome) => actions.inc({ instance, action, lane: "none", outcome }),
    startLatency: (instance, stage, ms) => latency.observe({ instance, stage }, Math.max(0, ms) / 1_000),
    eventsMalformed: () => malformed.inc(),
    configReloaded: (file, ok) => reloads.set({ file }, ok ? 1 : 0),
    passed: () => lastPass.set(now() / 1_000),
    observed: (witness, seconds) => observe.observe({ witness }, seconds),
    disagreed: () => disagreements.inc(),
    failed: (kind) => consoleErrors.inc({ kind }),
    browserRestarted: (reason) => browserRestarts.inc({ reason }),
    followLease: (of) => {
      lease = of;
    },
    follow: (source) => derive(registry, source),
  };
}

/** Gauges and counters that are read off the state at each scrape, so they can never drift from it. */
function derive(registry: Registry, { fleet, demand, driver, now }: MetricsSource): void {
  const registers = [registry];
  const perMember = (name: string, help: string, value: (member: Member) => number | undefined) =>
    new Gauge({
      name,
      help,
      labelNames: ["instance"],
      registers,
      collect() {
        this.reset();
        for (const member of fleet.members) {
          const read = value(member);
          if (read !== undefined) this.set({ instance: member.instance.id }, read);
        }
      },
    });
  new Gauge({
    name: "gpu_power_instance_state",
    help: "The state of an instance: exactly one of its states is 1.",
    labelNames: ["instance", "state"],
    registers,
    collect() {
      this.reset();
      for (const member of fleet.members) {
        const { state } = member.view();
        for (const each of INSTANCE_STATES)
          this.set({ instance: member.instance.id, state: each }, each === state ? 1 : 0);
      }
    },
  });
  perMember(
    "gpu_power_observed_timestamp_seconds",
    "When the console was last asked about the instance, in Unix seconds.",
    (member) => (member.looks.askedAt === null ? undefined : member.looks.askedAt / 1_000),
  );
  perMember(
    "gpu_power_idle_seconds",
    "Seconds since the running instance had its last sign of work (job, activity, its own start); absent while it does not run.",
    (member) => {
      const { runningSince } = member.record;
      if (runningSince === null) return undefined;
      const { lastJobAt, lastServedAt, lastActivityAt } = demand();
      const last = Math.max(runningSince, lastJobAt ?? 0, lastServedAt ?? 0, lastActivityAt ?? 0);
      return Math.max(0, now() - last) / 1_000;
    },
  );
  // Counters whose value lives in KV, so that they continue across restarts: set to what was recorded.
  new Counter({
    name: "gpu_power_uptime_seconds_total",
    help: "Seconds that the instance was seen running, ever; continues across restarts.",
    labelNames: ["instance"],
    registers,
    collect() {
      this.reset();
      for (const { instance, record } of fleet.members)
        this.inc({ instance: instance.id }, uptimeMs(record) / 1_000);
    },
  });
  new Counter({
    name: "gpu_power_cost_total",
    help: "What the instance's running time has cost, ever, in units of its currency, at the pool file's prices.",
    labelNames: ["instance", "currency"],
    registers,
    collect() {
      this.reset();
      for (const { instance, record, pricePerHour } of fleet.members) {
        this.inc({ instance: instance.id, currency: instance.currency }, cost(record, pricePerHour));
      }
    },
  });
  new Gauge({
    name: "gpu_power_pending_jobs",
    help: "Jobs that have not seen a running instance yet.",
    registers,
    collect() {
      this.set(pendingJobs(demand().waiting));
    },
  });
  new Gauge({
    name: "gpu_power_oldest_pending_seconds",
    help: "Age in seconds of the oldest job that has not seen a running instance; 0 when none waits.",
    registers,
    collect() {
      const oldest = oldestPending(demand());
      this.set(oldest === null ? 0 : Math.max(0, now() - oldest) / 1_000);
    },
  });
  new Gauge({
    name: "gpu_power_console_session",
    help: "The console session: exactly one of its states is 1.",
    labelNames: ["state"],
    registers,
    collect() {
      for (const state of SESSION_STATES) this.set({ state }, driver.session() === state ? 1 : 0);
    },
  });
  new Gauge({
    name: "gpu_power_browser_memory_bytes",
    help: "Memory of Chromium's processes together (proportional set size) in bytes; absent when it cannot be read.",
    registers,
    async collect() {
      this.remove();
      const bytes = await driver.memoryBytes();
      if (bytes !== undefined) this.set(bytes);
    },
  });
}
