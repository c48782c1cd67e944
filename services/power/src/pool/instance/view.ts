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
  // A fact of an older look says nothing of a machine that may have been started anew since.
  const fresh = looks.unknown === null && looks.facts?.askedAt === looks.askedAt ? looks.facts : null;
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
    withoutGpu: record.state === "running" && fresh?.withoutGpu === true,
    releaseAt: record.state === "stopped" ? (fresh?.releaseAt ?? null) : null,
    keptFromReleaseAt: record.keptFromReleaseAt,
    plannedStop: fresh == null ? null : { at: fresh.plannedStopAt ?? null, askedAt: fresh.askedAt },
    plan: record.plan,
    soldOutSince: record.state === "stopped" ? looks.soldOutSince : null,
    restsSoldOut: record.restsSoldOut,
    gpuBusyAt: record.gpuBusyAt,
    restUntil: record.restUntil,
    comparedAt: looks.comparedAt,
  };
}
