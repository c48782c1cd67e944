/** Gauges and counters that are read off the state at each scrape, so they can never drift from it. */

import { INSTANCE_STATES } from "@gpu-power-manager/shared/events";
import { HOLD_MODES, type HoldMode } from "@gpu-power-manager/shared/holds-and-needs";
import { Counter, Gauge, type Registry } from "prom-client";
import { type ConsoleDriver, type Facts, SESSION_STATES, SIGNED_API_STATES } from "../console/driver.ts";
import type { SessionTimes } from "../console/session-times.ts";
import { type Demand, oldestPending, pendingJobs } from "../demand/demand.ts";
import { livingNeeds } from "../demand/needs.ts";
import type { BudgetState } from "../policy/budget.ts";
import type { Decision } from "../pool/decide/decision.ts";
import { isOurs } from "../pool/decide/planned-stop.ts";
import { isOfUse } from "../pool/decide/snapshot.ts";
import { poolPatience } from "../pool/decide/stops.ts";
import type { Fleet } from "../pool/fleet.ts";
import { uptimeMs, workerOnline } from "../pool/instance/running-time.ts";
import { cost, offCost, unpricedMs } from "../pool/instance/spending.ts";
import type { Member } from "../pool/member.ts";
import type { Pool } from "../pool/pool.ts";
import { deriveFromPolicy } from "./policy-gauges.ts";

/** What the provider told longer ago is not shown as if it were so now. */
const FACTS_VALID_MS = 300_000;
/** A time that the provider told stays as it is while nobody can ask, but not for ever. */
const TIMES_VALID_MS = 6 * 3_600_000;

/** What the provider told of a machine, while it is not older than that. */
function toldWithin({ looks }: Member, now: number, ms: number): Facts | undefined {
  return looks.facts !== null && now < looks.facts.askedAt + ms ? looks.facts : undefined;
}

export interface StateSource {
  readonly pool: Pool;
  readonly fleet: Fleet;
  readonly demand: Demand;
  readonly driver: Pick<ConsoleDriver, "session" | "signedApi" | "memoryBytes">;
  /** What was decided last. */
  readonly decisions: readonly Pick<Decision, "reason">[];
  /** The operator's order that holds now; null where none does. */
  readonly hold: { readonly mode: HoldMode; readonly until: number | null } | null;
  readonly budgets: readonly BudgetState[];
  readonly sessionTimes: SessionTimes;
  /** Who controls the console's page in the live view; null while power does. */
  readonly control: { readonly since: number } | null;
  /** How many look at it. */
  readonly watching: number;
  /** What the pool is decided on at this moment. */
  readonly view: Parameters<typeof poolPatience>[0];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Adds the gauges; `source` is asked at each scrape. */
export function deriveFromState(registry: Registry, source: () => StateSource): void {
  const registers = [registry];
  const perMember = (
    name: string,
    help: string,
    value: (member: Member, source: StateSource) => number | undefined,
  ) =>
    new Gauge({
      name,
      help,
      labelNames: ["instance"],
      registers,
      collect() {
        this.reset();
        const state = source();
        for (const member of state.fleet.members) {
          const read = value(member, state);
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
      for (const member of source().fleet.members) {
        const { state } = member.view();
        for (const each of INSTANCE_STATES)
          this.set({ instance: member.instance.id, state: each }, each === state ? 1 : 0);
      }
    },
  });
  new Gauge({
    name: "gpu_power_needs",
    help: "Needs that live now: somebody says that the GPU is needed, and says it again before its time is over.",
    registers,
    collect() {
      const { demand, now } = source();
      this.set(livingNeeds(demand.needs, now).length);
    },
  });
  new Gauge({
    name: "gpu_power_hold",
    help: "1 for the operator's order that is in force: as_is (nothing is started or stopped), on (kept on), off (kept off); all 0 where power decides alone.",
    labelNames: ["mode"],
    registers,
    collect() {
      const { hold } = source();
      for (const mode of HOLD_MODES) this.set({ mode }, hold?.mode === mode ? 1 : 0);
    },
  });
  deriveFromPolicy(registers, source);
  perMember(
    "gpu_power_observed_timestamp_seconds",
    "When the console was last asked about the instance, in Unix seconds.",
    (member) => (member.looks.askedAt === null ? undefined : member.looks.askedAt / 1_000),
  );
  perMember(
    "gpu_power_idle_seconds",
    "Seconds since the running instance had its last sign of work (job, activity, a GPU that computes, its own start); absent while it does not run.",
    (member, { demand, now }) => {
      const { runningSince } = member.record;
      if (runningSince === null) return undefined;
      const { lastJobAt, lastServedAt, lastActivityAt, clockJumpedAt } = demand;
      const signs = [lastJobAt, lastServedAt, lastActivityAt, clockJumpedAt, member.record.gpuBusyAt];
      const last = Math.max(runningSince, ...signs.map((at) => at ?? 0));
      return Math.max(0, now - last) / 1_000;
    },
  );
  new Gauge({
    name: "gpu_power_idle_limit_seconds",
    help: "Seconds without a sign of work after which a running instance may be stopped: policy.idleTimeout, written or learned, or what a quiet time or an operator's hold makes of it, or policy.minRunTime where that is longer.",
    registers,
    collect() {
      const { idleTimeout, minRunTime } = poolPatience(source().view);
      this.set(Math.max(idleTimeout, minRunTime) / 1_000);
    },
  });
  perMember(
    "gpu_power_gpu_usage_ratio",
    "How much of the instance's busiest GPU computes, from 0 to 1, as the provider told with the last look; above policy.busyAbove it is not idle. Absent where the provider does not tell, and after 5 minutes without a look.",
    (member, { now }) => {
      const usage = toldWithin(member, now, FACTS_VALID_MS)?.gpuUsage;
      return usage === undefined ? undefined : usage / 100;
    },
  );
  perMember(
    "gpu_power_without_gpu",
    "1 while the instance runs without its GPU, so that it is of no use for a job, 0 while it runs with it; absent while it does not run, and where the provider does not tell.",
    (member, { now }) => {
      const without = toldWithin(member, now, FACTS_VALID_MS)?.withoutGpu;
      return member.view().state !== "running" || without === undefined ? undefined : Number(without);
    },
  );
  perMember(
    "gpu_power_sold_out",
    "1 while a start of the stopped instance would find no GPU free, as the provider told with the last look, or refused the last start for that; 0 while it tells that one is free; absent while it is not off, and where nobody tells.",
    (member, { now }) => {
      const { state, restsSoldOut } = member.record;
      const available = toldWithin(member, now, FACTS_VALID_MS)?.available;
      if (state !== "stopped" || (available === undefined && !restsSoldOut)) return undefined;
      return Number(available === false || (available === undefined && restsSoldOut));
    },
  );
  new Gauge({
    name: "gpu_power_waiting_for_stock",
    help: "1 while an instance is wanted and none can be had, because the provider has no GPU free; else 0.",
    registers,
    collect() {
      this.set(Number(source().decisions.some(({ reason }) => reason === "sold_out")));
    },
  });
  new Gauge({
    name: "gpu_power_planned_stop_timestamp_seconds",
    help: "When the provider itself will stop the running instance, in Unix seconds, as it told with the last look; by says who planned it: power (policy.deadMansSwitch) or other. Absent where none is planned.",
    labelNames: ["instance", "by"],
    registers,
    collect() {
      this.reset();
      const { fleet, now } = source();
      for (const member of fleet.members) {
        const at = toldWithin(member, now, TIMES_VALID_MS)?.plannedStopAt;
        if (at === undefined) continue;
        const by = isOurs(member.record.plan, at) ? "power" : "other";
        this.set({ instance: member.instance.id, by }, at / 1_000);
      }
    },
  });
  perMember(
    "gpu_power_planned_stop_failing_seconds",
    "For how long the planned stop of the instance (policy.deadMansSwitch) cannot be made, moved or withdrawn at the provider; 0 while it can; absent where power plans none.",
    ({ record: { plan } }, { now }) =>
      plan === null ? undefined : plan.failedSince === null ? 0 : Math.max(0, now - plan.failedSince) / 1_000,
  );
  perMember(
    "gpu_power_release_timestamp_seconds",
    "When the provider will delete the stopped instance with its data, in Unix seconds; absent while it runs, and where the provider does not tell.",
    (member, { now }) => {
      const releaseAt = toldWithin(member, now, TIMES_VALID_MS)?.releaseAt;
      return member.record.state === "running" || releaseAt === undefined ? undefined : releaseAt / 1_000;
    },
  );
  perMember(
    "gpu_power_expiry_timestamp_seconds",
    "Until when a prepaid instance is paid, in Unix seconds, where it is not renewed by itself; absent for one that is, that is paid by use, and where the provider does not tell.",
    (member, { now }) => {
      const { expiresAt, renews } = toldWithin(member, now, TIMES_VALID_MS) ?? {};
      return expiresAt === undefined || renews === true ? undefined : expiresAt / 1_000;
    },
  );
  perMember(
    "gpu_power_instance_forgotten",
    "1 for an instance that is on and that the pool file lists no more; absent for all others.",
    (member) => (member.forgotten ? 1 : undefined),
  );
  new Gauge({
    name: "gpu_power_surplus_instances",
    help: "Instances that run beyond policy.desiredRunning; those that are being stopped do not count. The gateway gives every job to each of them.",
    registers,
    collect() {
      const { fleet, pool } = source();
      this.set(Math.max(0, fleet.views().filter(isOfUse).length - pool.policy.desiredRunning));
    },
  });
  perMember(
    "gpu_power_worker_online",
    "1 when a worker has come online, or was busy, since the running instance was started; 0 when none has; absent while it does not run, or while several run and nobody can say whose worker it is.",
    (member, { demand, fleet }) => {
      const online = workerOnline(member.record, demand);
      const alone = fleet.members.filter(({ record }) => record.runningSince !== null).length === 1;
      return online === undefined || !alone ? undefined : Number(online);
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
      for (const { instance, record } of source().fleet.members)
        this.inc({ instance: instance.id }, uptimeMs(record) / 1_000);
    },
  });
  const costs = [
    {
      name: "gpu_power_cost_total",
      help: "What the instance's running time has cost, ever, in units of its currency, each stretch at the price of its time: the pool file's, or else the provider's own. Absent while no price was ever known; time without a known price is in gpu_power_unpriced_seconds_total.",
      of: cost,
    },
    {
      name: "gpu_power_off_cost_total",
      help: "What the instance has cost while it was off (its disk, its image), since that is counted, in units of its currency, at the provider's own prices. Absent while none was ever known.",
      of: offCost,
    },
  ] as const;
  for (const { name, help, of } of costs) {
    new Counter({
      name,
      help,
      labelNames: ["instance", "currency"],
      registers,
      collect() {
        this.reset();
        for (const { instance, record } of source().fleet.members) {
          const spent = of(record);
          if (spent !== null) this.inc({ instance: instance.id, currency: instance.currency }, spent);
        }
      },
    });
  }
  new Counter({
    name: "gpu_power_unpriced_seconds_total",
    help: "Seconds that the instance ran, ever, while nobody knew its price: what they cost is not in gpu_power_cost_total.",
    labelNames: ["instance"],
    registers,
    collect() {
      this.reset();
      for (const { instance, record } of source().fleet.members)
        this.inc({ instance: instance.id }, unpricedMs(record) / 1_000);
    },
  });
  new Gauge({
    name: "gpu_power_price_per_hour",
    help: "What an hour of the instance costs, in units of its currency, while it runs and while it is off: by the pool file, or else as the provider told within 6 hours. Absent where nobody knows.",
    labelNames: ["instance", "currency", "while"],
    registers,
    collect() {
      this.reset();
      const { fleet, now } = source();
      for (const member of fleet.members) {
        const { id: instance, currency } = member.instance;
        const { running, off } = member.prices(now);
        if (running !== null) this.set({ instance, currency, while: "running" }, running);
        if (off !== null) this.set({ instance, currency, while: "off" }, off);
      }
    },
  });
  new Gauge({
    name: "gpu_power_pending_jobs",
    help: "Jobs that have not seen a running instance yet.",
    registers,
    collect() {
      this.set(pendingJobs(source().demand.waiting));
    },
  });
  new Gauge({
    name: "gpu_power_oldest_pending_seconds",
    help: "Age in seconds of the oldest job that has not seen a running instance; 0 when none waits.",
    registers,
    collect() {
      const { demand, now } = source();
      const oldest = oldestPending(demand);
      this.set(oldest === null ? 0 : Math.max(0, now - oldest) / 1_000);
    },
  });
  new Gauge({
    name: "gpu_power_console_session",
    help: "The console session: exactly one of its states is 1; not_used while the signed API answers and no browser is needed.",
    labelNames: ["state"],
    registers,
    collect() {
      const session = source().driver.session();
      for (const state of SESSION_STATES) this.set({ state }, session === state ? 1 : 0);
    },
  });
  new Gauge({
    name: "gpu_power_signed_api",
    help: "The provider's signed API, by its last answer to a look: exactly one of its states is 1; absent where no keys are set.",
    labelNames: ["state"],
    registers,
    collect() {
      this.reset();
      const signedApi = source().driver.signedApi();
      if (signedApi === undefined) return;
      for (const state of SIGNED_API_STATES) this.set({ state }, signedApi === state ? 1 : 0);
    },
  });
  const sessionTime = (name: string, help: string, value: (times: SessionTimes) => number | null) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.remove();
        const at = value(source().sessionTimes);
        if (at !== null) this.set(at / 1_000);
      },
    });
  sessionTime(
    "gpu_power_console_session_begun_timestamp_seconds",
    "When somebody, or power itself, logged in to the console session, in Unix seconds; absent where nobody knows.",
    ({ begunAt }) => begunAt,
  );
  sessionTime(
    "gpu_power_console_session_end_timestamp_seconds",
    "When the console session ends by its cookies (login.cookies of the profile), in Unix seconds; absent where they do not tell, and where power has logged in by itself and so will again.",
    ({ endsAt }) => endsAt,
  );
  new Gauge({
    name: "gpu_power_operator_controls",
    help: "1 while a person controls the console's page in the live view, so that power begins nothing; else 0.",
    registers,
    collect() {
      this.set(source().control === null ? 0 : 1);
    },
  });
  new Gauge({
    name: "gpu_power_live_watchers",
    help: "Browsers in which the live view of the console's page is open.",
    registers,
    collect() {
      this.set(source().watching);
    },
  });
  new Gauge({
    name: "gpu_power_browser_memory_bytes",
    help: "Memory of Chromium's processes together (proportional set size) in bytes; absent when it cannot be read.",
    registers,
    async collect() {
      this.remove();
      const bytes = await source().driver.memoryBytes();
      if (bytes !== undefined) this.set(bytes);
    },
  });
}
