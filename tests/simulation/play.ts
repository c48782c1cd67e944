/** Days of a pool under faults; after every step it is checked that nothing was done that must never be done. */
import assert from "node:assert/strict";
import { pendingJobs } from "../../services/power/src/demand/demand.ts";
import { COMPARISON_VALID_MS } from "../../services/power/src/pool/decide/snapshot.ts";
import { uptimeMs } from "../../services/power/src/pool/instance/running-time.ts";
import { cost, unpricedMs } from "../../services/power/src/pool/instance/spending.ts";
import type { Policy } from "../../services/power/src/pool/pool.ts";
import { Clocks } from "./clocks.ts";
import { type Heard, SimulatedPower } from "./power.ts";
import { CALM, type Faults, Gateway, HOUR, Machine, PRICE, SECOND } from "./world.ts";

/** At the end the faults cease for so long: whatever can be served must be served by then. */
const CALM_MS = 8 * HOUR;
/** Workers say that they are busy this often, and the backlog is read this often. */
const SIGNS_EVERY_MS = 30 * SECOND;
const BACKLOG_EVERY_MS = 15 * SECOND;

export interface Play {
  readonly random: () => number;
  readonly policy: Policy;
  readonly machines: number;
  readonly days: number;
  readonly faults: Faults;
  /** Chance that hearing begins or ends, each second. */
  readonly deafness: number;
  /** Chance that the clock of power's machine jumps, or the machine stands still, each second. */
  readonly clockJumps: number;
  /** Newer gateways answer when they are asked for active tasks. */
  readonly answers: boolean;
  /** The longest pause between two jobs, and the longest time that a machine works on one. */
  readonly pause: number;
  readonly work: number;
  /** When the first day begins, in milliseconds since 1970; and the least time between two looks at the world. */
  readonly from?: number;
  readonly step?: number;
  /** How long no machine may run while a schedule keeps one on; unset where faults may keep it off. */
  readonly absenceLimit?: number;
  /** How long a machine may run that is known to be surplus; unset where faults may keep it on. */
  readonly surplusLimit?: number;
}

export interface Sum {
  starts: number;
  stops: number;
  surplus: number;
  jobs: number;
  /** Starts for which no job waited. */
  scheduled: number;
  /** Stops of an idle machine for a spent budget. */
  overspent: number;
  /** Times that a machine's GPU computed although nobody told of work. */
  silent: number;
  /** Starts that kept a machine from being deleted. */
  kept: number;
  /** Times that a provider had no GPU free for a machine that is off. */
  soldOut: number;
  /** Machines that a planned stop of power's own has stopped. */
  stoppedByOurs: number;
}

export function play(options: Play): Sum {
  const { random, policy, faults: wild, step = SECOND } = options;
  const sum: Sum = {
    starts: 0,
    stops: 0,
    surplus: 0,
    jobs: 0,
    scheduled: 0,
    overspent: 0,
    silent: 0,
    kept: 0,
    soldOut: 0,
    stoppedByOurs: 0,
  };
  let now = options.from ?? 1_800_000_000_000;
  const end = now + options.days * 24 * HOUR;
  const machines = Array.from({ length: options.machines }, (_, index) => new Machine(`m${index}`, random));
  const gateway = new Gateway(random);
  const working = () => machines.some((machine) => machine.busy);
  const clocks = new Clocks(now, random);
  /** What waits in NATS while power's machine stands still. */
  const waiting: Heard[] = [];
  const power: SimulatedPower = new SimulatedPower({
    machines,
    policy,
    random,
    clock: clocks.clock,
    onAsk: () => {
      if (gateway.backlog > 0) power.hear({ kind: "backlog", pending: gateway.backlog });
      if (options.answers) power.hear({ kind: "activity", source: "task_query", active: working() });
    },
    onAction: ({ kind, reason }, machine) => {
      if (kind === "start") {
        sum.starts += 1;
        if (wild.lies === 0 && wild.untold === 0 && wild.blind === 0 && machine.soldOut !== null) {
          const known = now - machine.soldOut.from;
          assert.ok(known < 2 * COMPARISON_VALID_MS || known >= policy.quarantine, "no start is wasted");
        }
        if (reason === "keep_from_release") {
          sum.kept += 1;
          const deletedAt = machine.deletedAt(wild);
          if (wild.lies === 0 && options.clockJumps === 0)
            assert.ok(
              deletedAt !== null && now >= deletedAt - (policy.keepFromRelease ?? 0) - COMPARISON_VALID_MS,
              "its deletion is near",
            );
          assert.equal(power.overspent, null, "and no budget forbids it");
          return;
        }
        const { keepOn, quiet } = power.scheduled;
        assert.equal(power.overspent, null, "nothing is started once a budget is spent that forbids it");
        const job = power.demand.waiting.length > 0 && quiet?.noStarts !== true;
        assert.ok(job || keepOn !== null, "a start is wanted, and no quiet time forbids it");
        if (!job) sum.scheduled += 1;
        return;
      }
      sum.stops += 1;
      if (reason === "surplus") {
        sum.surplus += 1;
        assert.deepEqual(
          gateway.onlyOn(machine, machines),
          [],
          "what is surplus has no job that no other has",
        );
        // One that died a moment ago has not been seen to, and one that is idle may be stopped in the same pass.
        const others = machines.filter(
          (other) =>
            other !== machine &&
            (other.state === "running" ||
              other.state === "stopping" ||
              now - other.diedAt < COMPARISON_VALID_MS),
        );
        assert.ok(others.length >= policy.desiredRunning, "what is wanted stays");
        assert.equal(machine.byHand, false, "what a person turned on is left alone");
      } else {
        assert.equal(machine.busy, false, "a working machine is never stopped");
        sum.overspent += reason === "budget_spent" ? 1 : 0;
        if (reason !== "budget_spent")
          assert.equal(power.scheduled.keepOn, null, "nor one that a schedule keeps on");
        // What began since the last look nobody can know.
        const { silent } = machine;
        if (silent !== null && wild.lies === 0 && wild.untold === 0)
          assert.ok(now - silent.from < COMPARISON_VALID_MS, "nor one of whose work only its GPU tells");
        assert.equal(power.demand.waiting.length, 0, "no stop while a job waits");
      }
    },
  });
  let absentSince: number | null = null;
  const surplus = new SurplusWatch(machines, gateway, policy.desiredRunning);
  let nextJobAt = now + random() * HOUR;
  let nextSignAt = now;
  let nextBacklogAt = now;

  while (now < end) {
    const faults = now > end - CALM_MS ? CALM : wild;
    const elapsed = Math.max(1, Math.round(random() < 0.05 ? 20 * SECOND * random() : step));
    now += elapsed;
    if (faults === wild && random() < options.clockJumps) clocks.jump(now);
    const runs = clocks.pass(now, elapsed);
    for (const machine of machines) {
      const { silent, soldOut } = machine;
      machine.pass(now, elapsed, faults);
      if (soldOut === null && machine.soldOut !== null) sum.soldOut += 1;
      if (silent === null && machine.silent !== null) sum.silent += 1;
      // In the calm somebody at the provider frees what was stuck.
      if (faults === CALM && machine.doneAt === Number.POSITIVE_INFINITY && machine.state !== "running")
        machine.turnOff();
    }
    // The gateway and the listener: jobs, workers, signs of work, times of deafness.
    if (faults === CALM) power.hears = true;
    else if (runs && random() < options.deafness) power.hears = !power.hears;
    const { hears } = power;
    if (gateway.pass(now, elapsed, machines, faults) && hears) waiting.push({ kind: "worker_online" });
    if (now >= nextJobAt && now < end - CALM_MS / 2) {
      nextJobAt = now + random() * options.pause;
      gateway.submit(now, random() * options.work);
      // A job that nobody heard is found in the backlog, or was given to a worker.
      if (hears) {
        waiting.push({ kind: "job", type: "url", source: "notice", count: 1 });
        sum.jobs += 1;
      }
    }
    if (now >= nextSignAt) {
      nextSignAt = now + SIGNS_EVERY_MS;
      if (working() && hears) waiting.push({ kind: "activity", source: "task_active", active: true });
    }
    if (now >= nextBacklogAt) {
      nextBacklogAt = now + BACKLOG_EVERY_MS;
      if (gateway.backlog > 0) waiting.push({ kind: "backlog", pending: gateway.backlog });
    }

    if (!runs) continue;
    for (const event of waiting.splice(0)) power.hear(event);
    power.pass(now, faults);
    assert.ok(power.recentStarts <= policy.maxStartsPerHour, "the limit of starts holds");
    const present =
      power.scheduled.keepOn === null ||
      power.overspent !== null ||
      machines.some(({ state }) => state === "running");
    absentSince = present ? null : (absentSince ?? now);
    if (options.absenceLimit !== undefined && absentSince !== null)
      assert.ok(now - absentSince <= options.absenceLimit, "what a schedule keeps on is on");
    if (options.surplusLimit !== undefined) {
      const longest = surplus.longest(now);
      assert.ok(longest <= options.surplusLimit, `a surplus machine has run for ${longest} ms`);
    }
  }
  // What waits for a budget is seen to wait.
  if (power.overspent !== null) return sum;
  assert.equal(pendingJobs(power.demand.waiting), 0, "in the calm every job was served");
  assert.equal(power.demand.served, sum.jobs, "none was counted twice or forgotten");
  assert.equal(gateway.backlog, 0, "and a worker was given it");
  assert.ok(
    machines.every((machine) => machine.state === "stopped"),
    "in the calm every idle machine was stopped",
  );
  for (const machine of machines) {
    sum.stoppedByOurs += machine.stoppedByOurs;
    if (wild.planRefused === 0 && options.clockJumps === 0 && wild.untold === 0 && wild.lies === 0)
      assert.equal(machine.stoppedByOurs, 0, "while power lives its own plan stops no machine");
    assert.notEqual(machine.plan?.other, false, "in the calm what power had planned was withdrawn");
  }
  for (const { record } of power.known) {
    const hours = uptimeMs(record) / HOUR;
    const priced = hours - unpricedMs(record) / HOUR;
    assert.ok(
      Math.abs((cost(record) ?? 0) - priced * PRICE) < 1e-6,
      "each hour has its price, or is told to have none",
    );
  }
  return sum;
}

/** The truth about machines that are surplus and of which anybody who looks and listens can know it. */
class SurplusWatch {
  private readonly machines: readonly Machine[];
  private readonly gateway: Gateway;
  private readonly desired: number;
  private readonly onlineSince = new Map<Machine, number>();
  private readonly since = new Map<Machine, number>();

  constructor(machines: readonly Machine[], gateway: Gateway, desired: number) {
    this.machines = machines;
    this.gateway = gateway;
    this.desired = desired;
  }

  /** How long the longest of those that run now has been surplus. */
  longest(now: number): number {
    for (const machine of this.machines) {
      if (!this.gateway.isOnline(machine)) this.onlineSince.delete(machine);
      else if (!this.onlineSince.has(machine)) this.onlineSince.set(machine, now);
    }
    const running = this.machines.filter(({ state }) => state === "running");
    for (const machine of this.machines) {
      const replaced = [...this.onlineSince].filter(([, since]) => since < machine.upAt - 60 * SECOND);
      const surplus =
        running.includes(machine) &&
        !machine.byHand &&
        !this.onlineSince.has(machine) &&
        replaced.length >= this.desired;
      if (!surplus) this.since.delete(machine);
      else if (!this.since.has(machine)) this.since.set(machine, now);
    }
    return Math.max(0, ...[...this.since.values()].map((since) => now - since));
  }
}
