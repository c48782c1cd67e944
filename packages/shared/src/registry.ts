import { collectDefaultMetrics, Registry } from "prom-client";

/** Gauges whose names say that they count; their parts by type are there without them. */
const MISNAMED = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
] as const;

/**
 * How often the event loop is measured. At the library's 10 ms this alone woke each service a hundred times a second
 * and took 0.3 % of a core in each. What is measured is the time from one beat to the next, so the beat itself is in
 * it: panels take it off.
 */
export const EVENT_LOOP_BEAT_MS = 250;

/**
 * A registry that holds what every Node process can say of itself: CPU, memory, event loop, garbage collection.
 * Every series carries the pool, so that those of two pools (the demo's and the real one) are never taken for one.
 */
export function processRegistry(pool: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ pool });
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_BEAT_MS });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return registry;
}
