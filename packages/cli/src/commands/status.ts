/** `gpuctl status`: is the GPU on and why, what waits, can notices be heard. */

import { costWords } from "@gpu-power-manager/shared/cost-words";
import { Diagnosis } from "@gpu-power-manager/shared/diagnosis";
import { formatDuration } from "@gpu-power-manager/shared/duration";
import { describeError } from "@gpu-power-manager/shared/errors";
import { FiringAlerts } from "@gpu-power-manager/shared/firing-alerts";
import { HOLD_WORDS, reasonWords } from "@gpu-power-manager/shared/reason-words";
import { PowerStatus } from "@gpu-power-manager/shared/status";
import { z } from "zod";
import { CommandError, EXIT } from "../command-error.ts";
import { aliveListener } from "../diagnose/asking.ts";
import type { Say } from "../language.ts";
import type { Session } from "../session.ts";
import { ago, localTime, more } from "../times.ts";
import { describeScheduleNow } from "./schedule.ts";

/** A service that does not answer within this is taken for away. */
const TIMEOUT_MS = 5_000;

const Readiness = z.object({ ready: z.boolean(), words: z.string() });

const STATES: Readonly<Record<string, string>> = {
  unknown: "未知",
  stopped: "已关机",
  starting: "启动中",
  running: "运行中",
  stopping: "关机中",
};

/** The status as people read it, one fact a line. */
export function describeStatus(status: PowerStatus, say: Say): string[] {
  const { demand, hold, at } = status;
  const lines = [
    say(`Pool ${status.pool}`, `机器池 ${status.pool}`),
    `  ${say("console", "控制台")}   ${status.session.replaceAll("_", " ")}`,
  ];
  if (status.asOf !== at) {
    const [who, when] = [status.actingInstance ?? "?", ago(say, status.asOf, at)];
    lines.push(
      say(
        `  told by   ${who}, ${when}; the power that was asked stands by`,
        `  来源      ${who}，${when}；被询问的 power 处于待命状态`,
      ),
    );
  }
  lines.push(
    status.listeningSince === null
      ? say(
          "  notices   cannot be heard: nothing is stopped until they can",
          "  通知      听不到：恢复之前不会停止任何机器",
        )
      : say(
          `  notices   heard without a break since ${ago(say, status.listeningSince, at)}`,
          `  通知      自 ${ago(say, status.listeningSince, at)} 起持续可听到`,
        ),
  );
  if (hold !== null) {
    const words = HOLD_WORDS[hold.mode];
    const end = hold.until === null ? "" : `, ${more(say, hold.until, at)}`;
    lines.push(`  ${say("hold", "指令")}      ${say(words.en, words.zh)}${end} (${hold.by}: ${hold.reason})`);
  }
  for (const { period, spent, amount, currency, until } of status.budgets)
    if (spent >= amount)
      lines.push(
        say(
          `  budget    the ${period}'s ${amount} ${currency} are spent, until ${localTime(until)}`,
          `  预算      ${amount} ${currency}（${{ day: "日", week: "周", month: "月" }[period]}）已用完，至 ${localTime(until)}`,
        ),
      );
  if (status.schedule !== null)
    lines.push(`  ${say("schedule", "日程")}  ${describeScheduleNow(status.schedule, say)}`);
  for (const { id, by, until, reason } of status.needs)
    lines.push(`  ${say("need", "需求")}      ${id} (${by}: ${reason}), ${more(say, until, at)}`);
  lines.push(
    demand.waitingJobs === 0
      ? say(
          `  jobs      none waits; the last came ${ago(say, demand.lastJobAt, at)}`,
          `  任务      没有等待；最近一个：${ago(say, demand.lastJobAt, at)}`,
        )
      : say(
          `  jobs      ${demand.waitingJobs} wait, the oldest since ${ago(say, demand.oldestWaitingAt, at)}`,
          `  任务      ${demand.waitingJobs} 个在等待，最早的：${ago(say, demand.oldestWaitingAt, at)}`,
        ),
  );
  for (const instance of status.instances) lines.push(...describeInstance(instance, at, say));
  for (const { kind, reason, instance } of status.decisions) {
    const words = reasonWords(reason);
    const what = instance === undefined ? kind : `${kind} ${instance}`;
    lines.push(`  ${say("decided", "判断")}   ${what}: ${say(words.en, words.zh)}`);
  }
  return lines;
}

function describeInstance(instance: PowerStatus["instances"][number], at: string, say: Say): string[] {
  const { id, state, since, observedAt, words, attempt, restReason, restUntil } = instance;
  const shown = say(state, STATES[state] ?? state);
  const start =
    state === "unknown" ? "" : say(` since ${ago(say, since, at)}`, `，始于 ${ago(say, since, at)}`);
  const looked = ago(say, observedAt, at);
  const lines = [`  ${id}  ${shown}${start} (${say(`looked at ${looked}`, `查看于 ${looked}`)})`];
  if (words !== null) lines.push(`      ${words}`);
  if (instance.forgotten)
    lines.push(
      `      ${say("the pool file lists it no more; it is stopped when it is idle", "机器池文件中已没有它；空闲后会关机")}`,
    );
  if (attempt !== null) {
    const began = ago(say, attempt.at, at);
    lines.push(
      `      ${say(`${attempt.action} under way since ${began}`, `${attempt.action} 进行中，始于 ${began}`)}`,
    );
  }
  if (restReason !== null && restUntil !== null)
    lines.push(`      ${say("rests until", "休息至")} ${localTime(restUntil)}: ${restReason}`);
  const failing = instance.deadMansSwitch?.failedSince ?? null;
  if (failing !== null) {
    const why = instance.deadMansSwitch?.words ?? "";
    lines.push(
      `      ${say(
        `its planned stop cannot be changed at the provider since ${ago(say, failing, at)}: ${why}`,
        `自 ${ago(say, failing, at)} 起无法更改服务商处的定时关机：${why}`,
      )}`,
    );
  }
  lines.push(...toldByProvider(instance, say));
  const uptime = formatDuration(instance.uptimeSeconds * 1_000);
  const spent = costWords(instance);
  lines.push(`      ${say(`ran ${uptime} in all`, `共运行 ${uptime}`)}, ${say(spent.en, spent.zh)}`);
  return lines;
}

/** What a person should know of what the provider tells beside the state. */
function toldByProvider({ state, provider }: PowerStatus["instances"][number], say: Say): string[] {
  if (provider === null) return [];
  const { gpuUsage, withoutGpu, available, releaseAt, expiresAt, renews, plannedStopAt, plannedByPower } =
    provider;
  const on = state === "running";
  return [
    ...(on && withoutGpu === true
      ? [say("it runs without its GPU, so no job can be done on it", "正以无卡方式运行，无法执行任务")]
      : []),
    ...(on && gpuUsage !== null
      ? [say(`its GPU computes at ${gpuUsage} %`, `GPU 使用率 ${gpuUsage} %`)]
      : []),
    ...(on && plannedStopAt !== null
      ? [
          say(
            `the provider stops it at ${localTime(plannedStopAt)}${plannedByPower ? " unless power renews that before" : "; somebody planned that, and power leaves it alone"}`,
            `服务商将在 ${localTime(plannedStopAt)} 关机${plannedByPower ? "，除非 power 在此之前推迟" : "；由他人设定，power 不改动"}`,
          ),
        ]
      : []),
    ...(state === "stopped" && available === false
      ? [say("the provider has no GPU free for it", "服务商没有空闲的 GPU 供它使用")]
      : []),
    ...(!on && releaseAt !== null
      ? [
          say(
            `the provider deletes it with its data at ${localTime(releaseAt)} unless it is started before`,
            `若不开机，服务商将在 ${localTime(releaseAt)} 连同数据删除它`,
          ),
        ]
      : []),
    ...(expiresAt !== null && renews !== true
      ? [say(`paid until ${localTime(expiresAt)}`, `已付费至 ${localTime(expiresAt)}`)]
      : []),
  ].map((line) => `      ${line}`);
}

/** What fires, the gravest first, or why that is not known. */
export function describeAlerts(alerts: FiringAlerts | { readonly words: string }, say: Say): string[] {
  const label = say("  alerts    ", "  告警      ");
  if ("words" in alerts) return [label + say(`not known: ${alerts.words}`, `未知：${alerts.words}`)];
  if (alerts.alerts.length === 0) return [label + say("none fires", "没有触发")];
  return alerts.alerts.map(({ name, severity, since, summary }, index) => {
    const words = `${say(summary.en, summary.zh)} (${name}, ${severity}, ${ago(say, since, alerts.at)})`;
    return (index === 0 ? label : " ".repeat(12)) + words;
  });
}

/** Prints the status of both services; returns the exit code: 0 when both could be asked. */
export async function printStatus(session: Session): Promise<number> {
  const { json, print, say } = session;
  const [power, listener, alerts] = await Promise.all([
    askPower(session),
    askListener(session),
    askAlerts(session),
  ]);
  if (json) {
    const { ready, words } = listener;
    const said = { power: power.status ?? { words: power.words }, listener: { ready, words }, alerts };
    print(JSON.stringify(said, null, 2));
  } else {
    const lines =
      power.status === undefined
        ? [`Power     ${power.words}`]
        : [...describeStatus(power.status, say), ...describeAlerts(alerts, say)];
    for (const line of lines) print(line);
    const state = listener.ready ? say("ready", "就绪") : say("not ready", "未就绪");
    print(listener.ready === null ? listener.words : `Listener  ${state}: ${listener.words}`);
  }
  return Math.max(power.code, listener.code);
}

async function askPower({ client }: Session) {
  try {
    return { status: await client.ask("/status", PowerStatus), words: "", code: EXIT.fine };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { status: undefined, words: error.message, code: error.exitCode };
  }
}

async function askAlerts({ client }: Session): Promise<FiringAlerts | { readonly words: string }> {
  try {
    return await client.ask("/alerts", FiringAlerts);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { words: error.message };
  }
}

/** Asks the listener itself; where it is not to be reached from here, as in a container, what power heard of it. */
async function askListener({ connection: { listener }, client, say }: Session) {
  try {
    const response = await fetch(new URL("/readyz", listener), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const { ready, words } = Readiness.parse(await response.json());
    return { ready, words, code: ready ? EXIT.fine : EXIT.wrong };
  } catch (error) {
    const heard = await client.ask("/diagnosis", Diagnosis).then(aliveListener, () => undefined);
    if (heard?.about) {
      const { ready, words } = heard.about;
      const told = say(`${words} (as power hears from it)`, `${words}（据 power 所听到的）`);
      return { ready, words: told, code: ready ? EXIT.fine : EXIT.wrong };
    }
    const words = say(
      `The listener cannot be asked at ${listener} (${describeError(error)}). Start it, or say where it is with --listener or LISTENER_URL.`,
      `无法访问 ${listener} 上的 listener（${describeError(error)}）。请启动它，或用 --listener 或 LISTENER_URL 指明地址。`,
    );
    return { ready: null, words, code: EXIT.unreachable };
  }
}
