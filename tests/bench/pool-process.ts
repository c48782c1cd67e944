/**
 * One reconciler with a pool of so many machines, as a process: how fast it decides, how long a pass takes, and what
 * the pool weighs. Real NATS, a console that answers at once. Prints one line of JSON. Run by pool.ts.
 */
import { openBus } from "@gpu-power-manager/shared/bus";
import { Clock } from "@gpu-power-manager/shared/clock";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { NatsHealth } from "@gpu-power-manager/shared/nats-health";
import { Outbound } from "@gpu-power-manager/shared/outbound";
import type { PoolSighting, Sighting } from "../../services/power/src/console/driver.ts";
import { openDemand } from "../../services/power/src/demand/intake.ts";
import { decide } from "../../services/power/src/pool/decide/decide.ts";
import { Fleet } from "../../services/power/src/pool/fleet.ts";
import { Pool } from "../../services/power/src/pool/pool.ts";
import { Purse } from "../../services/power/src/pool/purse.ts";
import { Reconciler } from "../../services/power/src/pool/reconciler.ts";
import { Story } from "../../services/power/src/pool/story.ts";
import { WorkLog } from "../../services/power/src/pool/work-log.ts";
import { createMetrics } from "../../services/power/src/telemetry/metrics.ts";
import { quantile } from "./statistics.ts";

const GROUPS = 10_000;
const PASSES = 1_000;
const WARM_UP = 200;
const DECIDE_US = 500_000;

const [natsUrl = "", count = "1"] = process.argv.slice(2);
const machines = Number(count);
const name = `pool-${machines}`;
const clock = new Clock();
const now = () => Math.round(clock.now());
const logger = createLogger({ service: "bench", level: "fatal", secrets: [] });
const stopping = new AbortController();
const { signal } = stopping;
const health = new NatsHealth(logger);
const bus = await openBus({ NATS_URL: natsUrl, NATS_REPLICAS: 1 }, name, {
  health,
  bucket: "gpu_power",
  logger,
  signal,
});

const pool = Pool.parse({
  pool: name,
  profile: "demo",
  instances: Array.from({ length: machines }, (_, index) => ({
    id: `gpu-${index + 1}`,
    providerId: `uhost-${index + 1}`,
    priority: index,
  })),
});
const [first, ...others] = pool.instances;
if (first === undefined) throw new Error("a pool has one machine at least");
/** One runs, the others rest. */
const seen = new Map<string, Sighting>([
  [first.providerId, { state: "running" }],
  ...others.map(({ providerId }) => [providerId, { state: "stopped" }] as const),
]);
const look = async (): Promise<PoolSighting> => {
  const askedAt = now();
  return { askedAt, answeredAt: now(), instances: seen };
};

const mayAct = () => true;
const demand = await openDemand(bus, name, mayAct, now);
const fleet = new Fleet(bus.kv, mayAct, now);
const outbound = new Outbound(bus, logger, signal);
const metrics = createMetrics(name, now, mayAct);
let passed = () => {};
const reconciler = new Reconciler({
  pool: () => pool,
  driver: {
    setInstances: () => {},
    observe: look,
    compare: look,
    act: async () => ({ outcome: "not_tried", message: "This is a bench." }),
  },
  demand,
  fleet,
  outbound,
  story: new Story({ poolName: () => name, outbound, metrics, logger }),
  onPass: () => passed(),
  logger,
  clock,
  onClockJump: () => {},
  now,
  random: () => 0.5,
  hold: () => null,
  workLog: await WorkLog.open({ kv: bus.kv, pool: () => pool, mayWrite: mayAct, now }),
  purse: await Purse.open({ kv: bus.kv, pool: () => pool, fleet, mayWrite: mayAct, now }),
  mayAct,
  listeningSince: () => 0,
  pathProvenAt: () => now(),
  operatorControls: () => false,
  attendedSince: () => 0,
});

const running = reconciler.run(signal);
/** Wakes it and waits for the pass; milliseconds. */
async function pass(): Promise<number> {
  const ended = new Promise<number>((resolve) => {
    passed = () => resolve(performance.now());
  });
  const wokenAt = performance.now();
  reconciler.wake();
  return (await ended) - wokenAt;
}
for (let index = 0; index < WARM_UP; index += 1) await pass();
globalThis.gc?.();
const heapBytes = process.memoryUsage().heapUsed;

// Not seen running since: none of them is served by a look of before.
const later = now() + 3_600_000;
await demand.change((value) => ({
  ...value,
  waiting: Array.from({ length: GROUPS }, (_, index) => ({
    since: later + index,
    foldedAt: later,
    count: 1,
  })),
}));
const times: number[] = [];
for (let index = 0; index < PASSES; index += 1) times.push(await pass());

const { view } = reconciler;
/** Everything runs and is idle: the most decisions that a snapshot can ask for. */
const busiest = {
  ...view,
  demand: { ...view.demand, jobsWaiting: false },
  instances: view.instances.map((instance) => ({ ...instance, state: "running" as const, runningSince: 0 })),
};
/** Decisions a second of CPU time over a snapshot: on a busy machine the clock on the wall says little of a pure function. */
function speed(snapshot: typeof view): number {
  let decisions = 0;
  const before = process.cpuUsage();
  for (;;) {
    for (let index = 0; index < 100; index += 1) decisions += decide(snapshot, now()).length;
    const { user, system } = process.cpuUsage(before);
    if (user + system > DECIDE_US) return decisions / ((user + system) / 1e6);
  }
}
speed(view);
console.log(
  JSON.stringify({
    machines,
    heapBytes,
    passP50Ms: quantile(times, 0.5),
    passP99Ms: quantile(times, 0.99),
    decisionsPerSecond: Math.min(speed(view), speed(busiest)),
  }),
);
stopping.abort();
await running;
await bus.close();
