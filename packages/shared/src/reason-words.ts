/** The reasons of decisions in words, for everybody who shows them: the API, gpuctl, the page. */
import type { HoldMode } from "./holds-and-needs.ts";

export interface Words {
  readonly en: string;
  readonly zh: string;
}

/** By reason; power's tests hold it against the closed list. */
export const REASON_WORDS: Readonly<Record<string, Words>> = {
  job_waiting: { en: "a job waits", zh: "有任务在等待" },
  job_waiting_unconfirmed: {
    en: "a job waits, and only the API says that the machine is off",
    zh: "有任务在等待，且只有 API 表明机器已关机",
  },
  boot_requested: { en: "a client asked for the machine", zh: "有客户端请求开机" },
  needed: { en: "somebody says that it is needed", zh: "有人声明需要 GPU" },
  needed_unconfirmed: {
    en: "somebody says that it is needed, and only the API says that the machine is off",
    zh: "有人声明需要 GPU，且只有 API 表明机器已关机",
  },
  held_on: { en: "an operator keeps it on", zh: "运维要求保持开机" },
  held_off: { en: "an operator keeps it off", zh: "运维要求保持关机" },
  scheduled: { en: "a schedule keeps it on", zh: "日程要求保持开机" },
  quiet_time: {
    en: "a job waits for the end of a quiet time, in which no job starts the machine",
    zh: "任务在等待安静时段结束，此时段内任务不会触发开机",
  },
  budget_spent: { en: "the budget is spent", zh: "预算已用完" },
  on_hold: { en: "an operator leaves everything as it is", zh: "运维要求保持现状" },
  keep_from_release: {
    en: "the provider would delete it soon, because it has been off for so long",
    zh: "关机太久，服务商即将删除它",
  },
  ordered: { en: "a person ordered it", zh: "由人工下令" },
  ordered_by_force: { en: "a person forced it", zh: "由人工强制" },
  idle: { en: "it has been idle for long enough", zh: "已空闲足够久" },
  idle_unproven: {
    en: "it has been idle for so long that no proof of the notification path is asked for",
    zh: "空闲已久，不再要求证明通知路径",
  },
  surplus: {
    en: "another machine does its work already, and it has none of its own",
    zh: "另一台机器已在做同样的工作，它没有自己的任务",
  },
  surplus_by_hand: {
    en: "more run than are wanted, and a person turned it on",
    zh: "运行的机器多于需要，而它是人开的机",
  },
  surplus_unproven: {
    en: "more run than are wanted, and it may have work that no other has",
    zh: "运行的机器多于需要，而它可能有别的机器没有的任务",
  },
  not_observed_yet: { en: "the console has not been looked at yet", zh: "尚未查看控制台" },
  unknown_state: {
    en: "a machine's state is unknown and is looked at again",
    zh: "机器状态未知，正在再次查看",
  },
  confirm_running: {
    en: "a running machine is looked at once more for what waits",
    zh: "再次确认机器正在运行，以便处理等待的任务",
  },
  compare_before_stop: { en: "page and API are compared before a stop", zh: "停止前比对页面与 API" },
  ask_before_stop: {
    en: "the gateway is asked whether a task is active",
    zh: "停止前询问网关是否有任务在执行",
  },
  no_demand: { en: "nothing is wanted", zh: "没有需求" },
  starting: { en: "a machine is starting", zh: "机器正在启动" },
  stopping: { en: "a machine is stopping first", zh: "机器正在停止" },
  rate_limited: { en: "the limit of starts within an hour is reached", zh: "已达到每小时启动次数上限" },
  all_resting: { en: "every machine rests after a failed start", zh: "所有机器在启动失败后休息中" },
  sold_out: {
    en: "the provider has no GPU free; it is looked at each minute and started the moment one is",
    zh: "服务商没有空闲的 GPU；每分钟查看一次，一有空闲立即启动",
  },
  look_for_stock: {
    en: "the provider is asked whether a GPU is free again",
    zh: "询问服务商是否又有空闲的 GPU",
  },
  none_available: { en: "no machine can be started right now", zh: "当前没有可启动的机器" },
  without_gpu: {
    en: "a machine runs without its GPU, and no other can be started",
    zh: "有机器以无卡方式运行，且没有其他可启动的机器",
  },
  state_unknown: { en: "no machine's state is known", zh: "机器状态未知" },
  idle_not_reached: { en: "the idle time is not over", zh: "尚未达到空闲时间" },
  min_run_time: { en: "the least run time is not over", zh: "尚未达到最短运行时间" },
  jobs_pending: { en: "a job or a request waits for it", zh: "有任务或请求在等待" },
  gpu_busy: {
    en: "its GPU computes, although nobody told of the work",
    zh: "其 GPU 正在计算，尽管没有人报告任务",
  },
  action_in_flight: { en: "a start or stop is under way", zh: "启动或停止正在进行" },
  path_unproven: {
    en: "notices may not be heard, and what cannot be heard may be work",
    zh: "可能听不到通知，而听不到的可能是任务",
  },
  waiting_for_answer: {
    en: "the gateway's answer about active tasks is awaited",
    zh: "等待网关回答是否有任务在执行",
  },
  operator_controls: {
    en: "a person controls the console's page, and power waits until it is given back",
    zh: "有人正在控制控制台页面，power 等待其交还",
  },
  resting: { en: "it rests after a failed stop", zh: "停止失败后休息中" },
};

/** The reason in words; the bare word for one of a newer version. */
export function reasonWords(reason: string): Words {
  const bare = reason.replaceAll("_", " ");
  return REASON_WORDS[reason] ?? { en: bare, zh: bare };
}

export const HOLD_WORDS: Readonly<Record<HoldMode, Words>> = {
  as_is: { en: "everything is left as it is", zh: "保持现状，不启动也不停止" },
  on: { en: "the GPU is kept on", zh: "保持 GPU 开机" },
  off: { en: "the GPU is kept off", zh: "保持 GPU 关机" },
};

/** The conditions of a start and of a stop in words, by name. */
export const CONDITION_WORDS: Readonly<Record<string, Words>> = {
  observed: { en: "every machine has been looked at", zh: "每台机器都已查看" },
  wanted: { en: "something wants the GPU", zh: "有需求" },
  power_controls: { en: "power itself has the console's page", zh: "控制台页面由 power 自己使用" },
  nobody_controls: { en: "nobody controls the console's page", zh: "没有人在控制控制台页面" },
  not_held_back: { en: "no operator holds it back", zh: "没有运维指令阻止" },
  no_quiet_time: { en: "no quiet time forbids starts for jobs", zh: "没有禁止为任务开机的安静时段" },
  budget_left: { en: "no spent budget forbids starts", zh: "没有因预算用完而禁止开机" },
  machines_missing: { en: "fewer machines are on than are wanted", zh: "运行的机器少于所需" },
  starts_allowed: { en: "the limit of starts within an hour allows one", zh: "未达每小时启动次数上限" },
  machine_available: { en: "a machine is off and not resting", zh: "有已关机且未在休息的机器" },
  release_near: { en: "its deletion by the provider is near", zh: "服务商即将删除它" },
  not_kept_lately: {
    en: "it was not started for that within a day",
    zh: "一天之内没有为此开过机",
  },
  rested: { en: "it does not rest after a failed start", zh: "不在启动失败后的休息中" },
  in_stock: {
    en: "its provider has a GPU free for it, as far as it tells",
    zh: "据服务商所说，有空闲的 GPU",
  },
  no_other_kept: { en: "no other machine is on for that", zh: "没有其他机器正为此开机" },
  no_action_in_flight: { en: "no start or stop is under way", zh: "没有正在进行的启动或停止" },
  nothing_waits: { en: "no job and no request waits", zh: "没有任务或请求在等待" },
  not_needed: { en: "nobody says that it is needed", zh: "没有人声明需要" },
  gpu_idle: { en: "its GPU has not computed for five minutes", zh: "其 GPU 已五分钟没有计算" },
  not_held: { en: "no operator keeps it on or as it is", zh: "没有保持开机或保持现状的指令" },
  not_scheduled: { en: "no schedule keeps it on", zh: "没有要求保持开机的日程" },
  notices_heard: { en: "notices can be heard", zh: "能听到通知" },
  min_run_time_over: { en: "the least run time is over", zh: "已满最短运行时间" },
  idle_long_enough: { en: "the idle time is over", zh: "已满空闲时间" },
  not_resting: { en: "it does not rest after a failed stop", zh: "不在停止失败后的休息中" },
  gateway_asked: {
    en: "the gateway was asked for active tasks just now",
    zh: "刚询问过网关是否有任务在执行",
  },
  gateway_answered: { en: "the gateway has answered, or had its time to", zh: "网关已回答或已给足时间" },
  path_proven: { en: "the notification path was proven after that", zh: "之后已证明通知路径" },
  witnesses_compared: { en: "page and API agreed just now", zh: "页面与 API 刚刚一致" },
};
