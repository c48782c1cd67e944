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
    // A fact of an older look says nothing of a machine that may have been started anew since.
    withoutGpu:
      looks.unknown === null &&
      record.state === "running" &&
      looks.facts?.withoutGpu === true &&
      looks.facts.askedAt === looks.askedAt,
    gpuBusyAt: record.gpuBusyAt,
    restUntil: record.restUntil,
    comparedAt: looks.comparedAt,
  };
}
