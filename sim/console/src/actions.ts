import { z } from "zod";
import { type Answer, type Fields, refusal } from "./answer.ts";
import { entryOf } from "./entry.ts";
import type { Fleet } from "./fleet.ts";
import type { Verb } from "./ledger.ts";
import { loginFactsOf } from "./login-facts.ts";
import { type Machine, reboot, start, stop } from "./machines.ts";
import { cancelStop, planStop } from "./planned-stops.ts";
import { RET } from "./ret-codes.ts";
import type { World } from "./world.ts";

/** Page length of the API when the request names none, and at most: facts about the provider. */
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

/** The API's actions that change a machine's state, and what each needs to know about it. */
export const VERBS: Readonly<Record<string, { verb: Verb; needs: readonly string[] }>> = {
  StartCompShareInstance: { verb: "start", needs: ["UHostId", "Zone", "Region"] },
  StopCompShareInstance: { verb: "stop", needs: ["UHostId", "Zone", "Region", "BasicImageId"] },
  RebootCompShareInstance: { verb: "reboot", needs: ["UHostId", "Zone", "Region"] },
  ReinstallCompShareInstance: { verb: "reinstall", needs: ["UHostId", "Zone", "Region"] },
  TerminateCompShareInstance: { verb: "delete", needs: ["UHostId", "Zone", "Region"] },
};

/** The API's actions that only tell something, or change what is planned. */
export const OTHER_ACTIONS: Readonly<Record<string, (world: World, fields: Fields) => Answer>> = {
  DescribeCompShareInstance: ({ fleet }, fields) => describe(fleet, fields),
  DescribeCompShareSupportZone: ({ fleet }) => ({ RetCode: RET.accepted, ZoneInfo: zonesOf(fleet) }),
  GetProjectList: ({ account }) => ({
    RetCode: RET.accepted,
    ProjectSet: [{ ProjectId: account.projectId, ProjectName: "Default", IsDefault: true }],
  }),
  UpdateCompShareStopScheduler: ({ fleet }, fields) => planStop(fleet, fields),
  DeleteCompShareStopScheduler: ({ fleet }, fields) => cancelStop(fleet, fields),
};

/** Where the account's machines are. */
function zonesOf(fleet: Fleet) {
  const places = fleet.all().map(({ spec: { Region, Zone } }) => [Zone, { Region, Zone }] as const);
  return [...new Map(places).values()];
}

const paging = z.object({
  Offset: z.coerce.number().int().min(0).default(0),
  Limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT),
});

const without = z.enum(["A", "B"]).nullable().default(null);

/** DescribeCompShareInstance: one page of the list, filtered by place and by UHostIds.0, UHostIds.1, … where given. */
function describe(fleet: Fleet, fields: Fields): Answer {
  const page = paging.safeParse(fields);
  if (!page.success)
    return refusal(RET.badField, `Params [${page.error.issues[0]?.path.join(".")}] not available`);
  const ids = Object.keys(fields).flatMap((key) => (/^UHostIds\.\d+$/.test(key) ? (fields[key] ?? []) : []));
  const filtered = ids.length > 0 && !fleet.faults.ignoreFilter;
  const places = (["Region", "Zone"] as const).filter((field) => fields[field]);
  const machines = fleet
    .listed()
    .filter(({ spec }) => places.every((field) => spec[field] === fields[field]))
    .filter((machine) => !filtered || ids.includes(machine.spec.UHostId));
  const { Offset, Limit } = page.data;
  return {
    RetCode: RET.accepted,
    Action: "DescribeCompShareInstanceResponse",
    TotalCount: machines.length,
    UHostSet: machines.slice(Offset, Offset + Limit).map((machine) => entryOf(machine, fleet)),
  };
}

/** A start, stop or other change of one machine: judged, and where accepted, carried out. */
export function change(fleet: Fleet, verb: Verb, needs: readonly string[], fields: Fields): Answer {
  const missing = needs.find((field) => !fields[field]);
  if (missing !== undefined) return refusal(RET.missingField, `Missing params [${missing}]`);
  const machine = fleet.get(fields.UHostId ?? "");
  if (machine === undefined) return refusal(RET.noSuchMachine, `主机不存在: ${fields.UHostId}`);
  const wrong = needs.find((field) => fields[field] !== factOf(machine, field));
  if (wrong !== undefined) return refusal(RET.badField, `Params [${wrong}] not available`);
  const small = without.safeParse(fields.WithoutGpuSpec);
  if (!small.success) return refusal(RET.badField, "Params [WithoutGpuSpec] not available");
  if (
    verb === "start" &&
    small.data === null &&
    machine.state === "Stopped" &&
    fleet.faults.soldOut.includes(machine.spec.UHostId)
  ) {
    const { Zone, GpuType, UHostId } = machine.spec;
    const { SshLoginCommand, Password } = loginFactsOf(UHostId);
    const told = fleet.faults.refusalsTell ? ` (${SshLoginCommand}, ${Password})` : "";
    return refusal(RET.soldOut, `可用区 ${Zone} 的 ${GpuType} 资源已售罄，请稍后再试或更换可用区${told}`);
  }
  const begin = (each: Machine, now: number) => start(each, now, small.data);
  const effect = { start: begin, stop, reboot, reinstall: null, delete: null }[verb];
  if (effect === null)
    return refusal(RET.unknownAction, "The stand-in does not carry this out; it only counts it.");
  if (!fleet.apply(machine.spec.UHostId, effect)) {
    return refusal(RET.wrongState, `主机当前状态为 ${machine.state}，不支持该操作`);
  }
  return { RetCode: RET.accepted, UHostId: machine.spec.UHostId };
}

function factOf(machine: Machine, field: string): string | undefined {
  const facts: Readonly<Record<string, string>> = {
    UHostId: machine.spec.UHostId,
    Zone: machine.spec.Zone,
    Region: machine.spec.Region,
    BasicImageId: machine.spec.BasicImageId,
  };
  return facts[field];
}
