/** Gauges and counters that are read off the state at each scrape, so they can never drift from it. */
import { GAP_CAUSES } from "@gpu-power-manager/shared/history-entries";
import { Counter, Gauge, type Registry } from "prom-client";
import type { Pace } from "../backlog/pace.ts";
import type { BacklogWatch } from "../backlog/watch.ts";
import type { Link } from "../gateway/link.ts";
import type { Delivery } from "../outbox/delivery.ts";
import type { GapTracker } from "../path/gap-tracker.ts";
import type { Gaps } from "../path/gaps.ts";
import type { Registration } from "../path/registration.ts";

export interface StateSource {
  readonly path: {
    readonly link: Pick<Link, "registered">;
    readonly registration: Pick<Registration, "heardAt" | "answeredAt">;
    readonly gaps: Pick<Gaps, "open">;
    readonly tracker: Pick<GapTracker, "seconds" | "gaps">;
  };
  readonly delivery: Pick<Delivery, "depth" | "spooled" | "unspooled">;
  /** Undefined where the gateway's Redis is not known. */
  readonly backlog:
    | { readonly watch: Pick<BacklogWatch, "pending" | "checkedAt">; readonly pace: Pick<Pace, "intervalMs"> }
    | undefined;
  /** Milliseconds since 1970 on a clock that never goes back. */
  readonly now: number;
}

type Source = () => StateSource;

/** Adds the gauges; `source` is asked at each scrape. */
export function deriveFromState(registry: Registry, source: Source): void {
  deriveLink(registry, source);
  deriveOutbox(registry, source);
  deriveGaps(registry, source);
  deriveBacklog(registry, source);
}

function deriveLink(registry: Registry, source: Source): void {
  const registers = [registry];
  new Gauge({
    name: "gpu_listener_registered",
    help: "1 while the gateway has confirmed this connection as gpu_monitor, else 0.",
    registers,
    collect() {
      this.set(source().path.link.registered ? 1 : 0);
    },
  });
  new Gauge({
    name: "gpu_listener_path_proven_timestamp_seconds",
    help: "When a frame last came all the way as a notice does (a notice itself, or a probe), in Unix seconds; absent before the first. A registration answer is no such proof.",
    registers,
    collect() {
      this.remove();
      const at = source().path.registration.heardAt;
      if (at !== undefined) this.set(at / 1_000);
    },
  });
  new Gauge({
    name: "gpu_listener_registration_proven_timestamp_seconds",
    help: "When the gateway last confirmed this connection as gpu_monitor, in Unix seconds; absent before the first time.",
    registers,
    collect() {
      this.remove();
      const at = source().path.registration.answeredAt;
      if (at !== undefined) this.set(at / 1_000);
    },
  });
}

function deriveOutbox(registry: Registry, source: Source): void {
  const registers = [registry];
  new Gauge({
    name: "gpu_listener_outbox_depth",
    help: "Events that wait for NATS; jobs that were folded together count as one.",
    registers,
    collect() {
      this.set(source().delivery.depth);
    },
  });
  new Gauge({
    name: "gpu_listener_spooled_events",
    help: "Events that wait for NATS and are on disk, so that neither a stop nor a crash loses them; those that were folded together count as one.",
    registers,
    collect() {
      this.set(source().delivery.spooled);
    },
  });
  new Gauge({
    name: "gpu_listener_unspooled_events",
    help: "Events that wait for NATS and are not on disk, because STATE_DIR is not set or cannot be written: a stop or crash would lose them.",
    registers,
    collect() {
      this.set(source().delivery.unspooled);
    },
  });
}

function deriveGaps(registry: Registry, source: Source): void {
  const registers = [registry];
  new Gauge({
    name: "gpu_listener_gap_open",
    help: "1 while notices could be missed because the path from the gateway is not proven, else 0.",
    registers,
    collect() {
      this.set(source().path.gaps.open ? 1 : 0);
    },
  });
  new Counter({
    name: "gpu_listener_gap_seconds_total",
    help: "Seconds in which the path from the gateway was not proven, by cause; listener_down is counted by the listener that came after.",
    labelNames: ["cause"],
    registers,
    collect() {
      this.reset();
      const { path, now } = source();
      for (const cause of GAP_CAUSES) this.inc({ cause }, path.tracker.seconds(cause, now));
    },
  });
  new Counter({
    name: "gpu_listener_gaps_total",
    help: "Stretches in which the path from the gateway was not proven, by what broke it first.",
    labelNames: ["cause"],
    registers,
    collect() {
      this.reset();
      const { tracker } = source().path;
      for (const cause of GAP_CAUSES) this.inc({ cause }, tracker.gaps(cause));
    },
  });
}

function deriveBacklog(registry: Registry, source: Source): void {
  const registers = [registry];
  new Gauge({
    name: "gpu_listener_backlog_configured",
    help: "1 when the gateway's Redis is known (DSP_REDIS_URL), so that missed notices can be found; else 0.",
    registers,
    collect() {
      this.set(source().backlog === undefined ? 0 : 1);
    },
  });
  new Gauge({
    name: "gpu_listener_backlog_jobs",
    help: "Jobs that wait at the gateway for a worker, at least so many where only a part was read; absent while that cannot be known.",
    registers,
    collect() {
      this.remove();
      const jobs = source().backlog?.watch.pending;
      if (jobs !== undefined) this.set(jobs);
    },
  });
  new Gauge({
    name: "gpu_listener_backlog_checked_timestamp_seconds",
    help: "When the gateway's backlog was last read, in Unix seconds; absent before the first time.",
    registers,
    collect() {
      this.remove();
      const at = source().backlog?.watch.checkedAt;
      if (at !== undefined) this.set(at / 1_000);
    },
  });
  new Gauge({
    name: "gpu_listener_backlog_interval_seconds",
    help: "Seconds from one reading of the gateway's backlog to the next at present: BACKLOG_INTERVAL, or more where reading would take more than 2 % of the time; absent where it is not read.",
    registers,
    collect() {
      this.remove();
      const ms = source().backlog?.pace.intervalMs;
      if (ms !== undefined) this.set(ms / 1_000);
    },
  });
}
