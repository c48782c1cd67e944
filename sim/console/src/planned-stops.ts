import { type Answer, type Fields, refusal } from "./answer.ts";
import { nowMs } from "./clock.ts";
import type { Fleet } from "./fleet.ts";
import { RET } from "./ret-codes.ts";

/** The provider takes no planned stop that is nearer. */
const LEAST_AHEAD_S = 300;

/** UpdateCompShareStopScheduler: makes the planned stop of a machine, or moves it. */
export function planStop(fleet: Fleet, fields: Fields): Answer {
  const wrong = wrongMachine(fleet, fields, ["UHostId", "Region", "Zone"]);
  if (wrong !== undefined) return wrong;
  // The provider's command line and its SDK's documents call it differently.
  const at = Number(fields.SchedulerStopTime ?? fields.StopTime);
  if (!Number.isInteger(at)) return refusal(RET.missingField, "Missing params [SchedulerStopTime]");
  if (at < nowMs() / 1_000 + LEAST_AHEAD_S)
    return refusal(RET.badField, "Params [SchedulerStopTime] not available");
  return plan(fleet, fields, at * 1_000);
}

/** DeleteCompShareStopScheduler: from now on it runs until somebody stops it. */
export function cancelStop(fleet: Fleet, fields: Fields): Answer {
  return wrongMachine(fleet, fields, ["UHostId", "Region"]) ?? plan(fleet, fields, null);
}

function plan(fleet: Fleet, { UHostId = "" }: Fields, plannedStopMs: number | null): Answer {
  fleet.apply(UHostId, (machine) => ({ ...machine, plannedStopMs }));
  return { RetCode: RET.accepted };
}

function wrongMachine(fleet: Fleet, fields: Fields, needs: readonly string[]): Answer | undefined {
  const missing = [...needs, "ProjectId"].find((field) => !fields[field]);
  if (missing !== undefined) return refusal(RET.missingField, `Missing params [${missing}]`);
  const machine = fleet.get(fields.UHostId ?? "");
  if (machine === undefined) return refusal(RET.noSuchMachine, `主机不存在: ${fields.UHostId}`);
  const { Region, Zone } = machine.spec;
  if (fields.Region !== Region) return refusal(RET.badField, "Params [Region] not available");
  if (needs.includes("Zone") && fields.Zone !== Zone)
    return refusal(RET.badField, "Params [Zone] not available");
  return undefined;
}
