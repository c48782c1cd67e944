import { collectDefaultMetrics, Registry } from "prom-client";

/** Gauges whose names say that they count; their parts by type are there without them. */
const MISNAMED = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
] as const;

/**
 * A registry that holds what every Node process can say of itself: CPU, memory, event loop, garbage collection.
 * Every series carries the pool, so that those of two pools (the demo's and the real one) are never taken for one.
 */
export function processRegistry(pool: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ pool });
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return registry;
}
