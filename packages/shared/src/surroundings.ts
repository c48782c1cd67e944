/** What a service tells of its surroundings: the disks under it, the certificates and the clocks around it. */
import type { Registry } from "prom-client";
import type { Authority } from "./authorities.ts";
import { deriveFromDisks } from "./disks.ts";
import { deriveFromOutside, Outside } from "./outside.ts";

export interface Surroundings {
  readonly prefix: "gpu_listener" | "gpu_power";
  /** A folder on each disk, by the disk's name in the metrics. */
  readonly folders: Readonly<Record<string, string>>;
  /** Addresses of servers outside, by their names in the metrics; they may change. */
  readonly servers: () => Readonly<Record<string, string>>;
  readonly authorities: readonly Authority[];
  /** Milliseconds that never jump, beginning with the wall clock at the start. */
  readonly steady: () => number;
}

/** Adds the gauges. @returns what has to be followed so that those of servers outside have values. */
export function deriveFromSurroundings(
  registry: Registry,
  { prefix, folders, servers, authorities, steady }: Surroundings,
): Outside {
  deriveFromDisks(registry, { prefix, folders });
  const outside = new Outside(servers);
  deriveFromOutside(registry, { prefix, outside, authorities, steady });
  return outside;
}
