import type { InstanceView } from "../decide/snapshot.ts";
import type { Instance } from "../pool.ts";
import type { Looks } from "./looks.ts";
import type { InstanceRecord } from "./record.ts";

/** An instance as `decide` sees it. */
export function viewOf(
  instance: Instance,
  record: InstanceRecord,
  looks: Looks,
  forgotten = false,
): InstanceView {
  return {
    id: instance.id,
    priority: instance.priority,
    forgotten,
    state: looks.unknown === null ? record.state : "unknown",
    askedAt: looks.askedAt,
    stateSince: record.stateSince,
    apiState: looks.apiState,
    unknownLooks: looks.unknownLooks,
    attempt: record.attempt,
    runningSince: record.runningSince,
    ownStart: record.ownStart,
    upFrom: record.upFrom,
    workerFrom: record.workerFrom,
    gpuBusyAt: record.gpuBusyAt,
    restUntil: record.restUntil,
    comparedAt: looks.comparedAt,
  };
}
