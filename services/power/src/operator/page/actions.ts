/** What can be done now, what it would do, and why something cannot be done. Pure; the API judges again. */

import { HOLD_WORDS } from "@gpu-power-manager/shared/reason-words";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import type { Why } from "@gpu-power-manager/shared/why";
import type { Role } from "../credentials.ts";
import type { Say } from "./language.ts";

export const ACTIONS = ["start", "stop", "hold", "resume"] as const;

export interface Action {
  readonly name: (typeof ACTIONS)[number];
  /** The machine it is for; null where it is for the pool. */
  readonly instance: string | null;
  readonly possible: boolean;
  /** What will happen; or why it cannot be done. */
  readonly words: string;
}

type Instance = PowerStatus["instances"][number];

/** @param why undefined where this power does not act. */
export function actionsOf(status: PowerStatus, why: Why | undefined, role: Role, say: Say): Action[] {
  const not =
    role === "viewer"
      ? say("You are signed in as a viewer, who only looks.", "当前为只读身份，不能操作。")
      : why === undefined
        ? say("This power does not act at present.", "本 power 目前不执行操作。")
        : undefined;
  const action = (
    name: Action["name"],
    instance: string | null,
    refused: string | undefined,
    words: string,
  ): Action => ({
    name,
    instance,
    possible: (not ?? refused) === undefined,
    words: not ?? refused ?? words,
  });
  const { hold } = status;
  return [
    ...status.instances.flatMap((instance) => [
      action(
        "start",
        instance.id,
        startRefused(instance, status, why, say),
        say(
          "It is started now and billed from then on; without work it is stopped again when it has idled.",
          "立即开机并开始计费；若没有任务，空闲后会自动关机。",
        ),
      ),
      action(
        "stop",
        instance.id,
        stopRefused(instance, status, say),
        say(
          "The gateway and both witnesses are asked first; if any work shows, the stop is refused.",
          "先询问网关并比对两个来源；若发现有任务，将拒绝关机。",
        ),
      ),
    ]),
    action(
      "hold",
      null,
      undefined,
      hold === null
        ? say(
            "Leave all as it is, or keep it on or off, until a time that you choose.",
            "在选定时间内保持现状、保持开机或保持关机。",
          )
        : say("Another hold takes the place of this one.", "新指令将取代当前指令。"),
    ),
    action(
      "resume",
      null,
      hold === null
        ? say("Nothing is held; power decides by itself.", "没有生效的指令，power 正自行判断。")
        : undefined,
      say(
        `Power decides by itself again${waiting(status, ": ", say)}.`,
        `恢复自行判断${waiting(status, "：", say)}。`,
      ),
    ),
  ];
}

function waiting({ demand }: PowerStatus, before: string, say: Say): string {
  const { waitingJobs } = demand;
  if (waitingJobs === 0) return "";
  return (
    before +
    say(
      `${waitingJobs === 1 ? "1 job waits" : `${waitingJobs} jobs wait`}, and a start follows`,
      `${waitingJobs} 个任务在等待，随后将开机`,
    )
  );
}

function underWay(instance: Instance, say: Say): string | undefined {
  if (instance.attempt === null) return undefined;
  return instance.attempt.action === "start"
    ? say("A start is under way.", "正在开机。")
    : say("A stop is under way.", "正在关机。");
}

function startRefused(instance: Instance, status: PowerStatus, why: Why | undefined, say: Say) {
  const { state, forgotten } = instance;
  const limit = why?.start.find(({ name }) => name === "starts_allowed");
  if (instance.attempt !== null) return underWay(instance, say);
  if (forgotten) return say("The pool file lists it no more.", "机器池文件中已没有它。");
  if (state === "running") return say("It is on already.", "已经开机。");
  if (state === "starting") return say("It is starting already.", "正在启动。");
  if (state === "stopping")
    return say("It is stopping; start it when it is off.", "正在关机，请等它关机后再开机。");
  if (state === "unknown")
    return say("Its state is not known, so it may be on already.", "状态未知，可能已经开机。");
  if (status.hold?.mode === "off")
    return `${say("Held", "指令")}: ${say(HOLD_WORDS.off.en, HOLD_WORDS.off.zh)}. ${say("Resume first.", "请先恢复。")}`;
  if (limit?.holds === false)
    return say("The limit of starts within an hour is reached.", "已达到每小时启动次数上限。");
  return undefined;
}

function stopRefused(instance: Instance, { demand, needs, listeningSince }: PowerStatus, say: Say) {
  const { state } = instance;
  const jobs = demand.waitingJobs;
  if (instance.attempt !== null) return underWay(instance, say);
  if (state === "stopped") return say("It is off already.", "已经关机。");
  if (state === "stopping") return say("It is stopping already.", "正在关机。");
  if (state === "starting")
    return say("It is starting; stop it when it is on.", "正在启动，请等它开机后再关机。");
  if (state === "unknown") return say("Its state is not known.", "状态未知。");
  if (jobs > 0)
    return say(
      `${jobs === 1 ? "1 job waits" : `${jobs} jobs wait`}; a stop is refused.`,
      `${jobs} 个任务在等待，拒绝关机。`,
    );
  if (demand.bootRequests > 0)
    return say("A client asked for it and waits; a stop is refused.", "有客户端请求开机并在等待，拒绝关机。");
  const need = needs[0];
  if (need !== undefined)
    return say(
      `${need.by} says that it is needed; a stop is refused.`,
      `${need.by} 声明需要 GPU，拒绝关机。`,
    );
  if (listeningSince === null)
    return say(
      "Notices cannot be heard, so there may be work; a stop is refused.",
      "听不到通知，可能有任务，拒绝关机。",
    );
  return undefined;
}
