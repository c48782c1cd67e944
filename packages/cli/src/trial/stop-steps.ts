/** What forbids a test of the stop, and the steps of a stop by its sign each. Pure. */
import type { Happening } from "@gpu-power-manager/shared/history-page";
import { reasonWords } from "@gpu-power-manager/shared/reason-words";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import type { Why } from "@gpu-power-manager/shared/why";
import type { Say } from "../language.ts";
import { localTime } from "../times.ts";
import { ok, type Step, skipped } from "./step.ts";

/** Power asks and compares within 25 s, or refuses the order. */
const JUDGED_MS = 40_000;
/** By its API the console is asked at once; on its page a dialog is opened, and the page may have to be loaded. */
const REQUESTED_MS = 60_000;

export interface StopSigns {
  readonly status: PowerStatus | undefined;
  readonly history: readonly Happening[];
  readonly machine: string;
  /** When the order was given, in milliseconds since 1970 on power's clock. */
  readonly orderedAt: number;
  /** The order's attempt once it has begun; its refusal in power's words. */
  readonly order: { readonly attemptId: string } | { readonly refused: string } | undefined;
}

/** Conditions of a stop that speak of work, or of somebody's will; a person's test has to respect them all. */
const OF_WORK = ["no_action_in_flight", "nothing_waits", "not_needed", "not_held", "notices_heard"];

/** Why a stop must not be tried now, in the words of `why`; empty when nothing speaks against it. */
export function objections(machine: string, status: PowerStatus, why: Why, say: Say): string[] {
  const state = status.instances.find(({ id }) => id === machine)?.state;
  if (state !== "running")
    return [
      say(
        `${machine} is ${state ?? "not in the pool"}, not running`,
        `${machine} 并未运行（${state ?? "?"}）`,
      ),
    ];
  const conditions = why.stops.find(({ instance }) => instance === machine)?.conditions ?? [];
  const unmet = conditions.filter(({ name, holds }) => OF_WORK.includes(name) && !holds);
  const words = unmet.map(
    (condition) =>
      `${say(`not so: ${condition.words.en}`, `不成立：${condition.words.zh}`)} (${condition.value})`,
  );
  const { hold, needs } = status;
  // A hold that keeps it off does not forbid a stop, but then power stops it by itself.
  if (hold !== null && hold.mode !== "as_is" && hold.mode !== "on")
    words.push(say("the pool is held off; power stops it by itself", "已要求保持关机；power 会自行停止"));
  if (hold !== null) words.push(`${say("hold", "指令")}: ${hold.by}: ${hold.reason}`);
  return [...words, ...needs.map(({ id, by, reason }) => `${say("need", "需求")} ${id}: ${by}: ${reason}`)];
}

/** The time of a sign, once it lies after the order. */
function since(at: string | null | undefined, orderedAt: number): number | undefined {
  const time = at === null || at === undefined ? Number.NaN : Date.parse(at);
  return time >= orderedAt ? time : undefined;
}

const attemptOf = ({ order }: StopSigns) =>
  order !== undefined && "attemptId" in order ? order.attemptId : undefined;
const refusal = ({ order }: StopSigns) =>
  order !== undefined && "refused" in order ? order.refused : undefined;

function changeTo({ history, machine }: StopSigns, state: string) {
  return history.find(
    (entry): entry is Extract<Happening, { kind: "state" }> =>
      entry.kind === "state" && entry.instance === machine && entry.to === state,
  );
}

function endOf(signs: StopSigns) {
  const attemptId = attemptOf(signs);
  return signs.history.find(
    (entry): entry is Extract<Happening, { kind: "outcome" }> =>
      entry.kind === "outcome" && entry.attemptId === attemptId,
  );
}

/** The attempt's end, where it is not the one that was wanted. */
function failedEnd(signs: StopSigns): string | undefined {
  const end = endOf(signs);
  return end === undefined || end.outcome === "succeeded"
    ? undefined
    : `${end.outcome.replaceAll("_", " ")}: ${end.message ?? ""}`;
}

/** @param stopTimeoutMs policy's, in milliseconds. */
export function stopSteps(say: Say, stopTimeoutMs: number): ReadonlyArray<Step<StopSigns>> {
  const judged = (
    id: string,
    name: string,
    seen: string,
    timeOf: (signs: StopSigns) => string | null | undefined,
  ): Step<StopSigns> => ({
    id,
    name,
    limitMs: JUDGED_MS,
    reached: (signs) => {
      const at = since(timeOf(signs), signs.orderedAt);
      return at === undefined ? undefined : ok(seen, at);
    },
    refused: refusal,
  });
  return [
    judged(
      "asked",
      say("the gateway is asked whether a task is active", "询问网关是否有任务在执行"),
      say("asked", "已询问"),
      ({ status }) => status?.gatewayAskedAt,
    ),
    judged(
      "proven",
      say("the notification path is proven after that", "之后证明通知路径"),
      say("a frame came through", "已收到帧"),
      ({ status }) => {
        const { gatewayAskedAt: asked, pathProvenAt: proven } = status ?? {};
        return asked && proven && Date.parse(proven) >= Date.parse(asked) ? proven : null;
      },
    ),
    {
      id: "compared",
      name: say("page and API agree that it runs", "页面与 API 一致"),
      limitMs: JUDGED_MS,
      reached: (signs) => {
        const comparedAt = signs.status?.instances.find(({ id }) => id === signs.machine)?.comparedAt;
        const at = since(comparedAt, signs.orderedAt);
        if (at !== undefined) return ok(say("compared", "已比对"), at);
        // A comparison of a moment before is good enough for power, and no further one is made.
        return attemptOf(signs) === undefined || !comparedAt
          ? undefined
          : ok(say(`compared at ${localTime(comparedAt)}`, `比对于 ${localTime(comparedAt)}`));
      },
      refused: refusal,
    },
    {
      id: "decided",
      name: say("it is decided", "已做出判断"),
      limitMs: JUDGED_MS,
      reached: (signs) => {
        const attemptId = attemptOf(signs);
        const intent = signs.history.find(
          (entry) => entry.kind === "intent" && entry.attemptId === attemptId,
        );
        if (intent?.kind !== "intent") return undefined;
        const words = reasonWords(intent.reason);
        return ok(`stop ${signs.machine}: ${say(words.en, words.zh)}`, intent.at);
      },
      refused: refusal,
    },
    {
      id: "requested",
      name: say("the stop is requested", "已请求停止"),
      limitMs: REQUESTED_MS,
      reached: (signs) => {
        const attempt = signs.status?.instances.find(({ id }) => id === signs.machine)?.attempt;
        const seen = (lane: string | null | undefined) =>
          say("the console has taken it", "控制台已接受") +
          (lane ? say(` (${lane} lane)`, `（${lane}）`) : "");
        if (attempt?.attemptId === attemptOf(signs) && attempt?.sentAt)
          return ok(seen(attempt.lane), Date.parse(attempt.sentAt));
        const end = endOf(signs);
        if (end?.outcome === "succeeded") return ok(seen(end.lane));
        return changeTo(signs, "stopping") === undefined ? undefined : ok(seen(null));
      },
      refused: failedEnd,
    },
    {
      id: "stopping",
      name: say("the machine stops", "机器停止中"),
      limitMs: REQUESTED_MS,
      reached: (signs) => {
        const change = changeTo(signs, "stopping");
        if (change !== undefined) return ok(change.instance, change.at);
        return changeTo(signs, "stopped") === undefined
          ? undefined
          : skipped(say("it was off before anybody looked", "在查看之前已关机"));
      },
      refused: failedEnd,
    },
    {
      id: "stopped",
      name: say("the machine is off", "机器已关机"),
      limitMs: stopTimeoutMs,
      reached: (signs) => {
        const change = changeTo(signs, "stopped");
        return change && ok(change.instance, change.at);
      },
      refused: failedEnd,
    },
  ];
}
