/** `gpuctl schedule`: what the schedules ask for within the next seven days. */

import { formatDuration } from "@gpu-power-manager/shared/duration";
import { ScheduleAhead, type ScheduleNow } from "@gpu-power-manager/shared/policy-views";
import type { Say } from "../language.ts";
import type { Session } from "../session.ts";

type Window = ScheduleAhead["windows"][number];

/** What holds now and when that changes, on the schedule's own clock. */
export function describeScheduleNow(schedule: ScheduleNow, say: Say): string {
  const { timeZone, rule, warming, keepsOn, noStarts, nextChangeAt } = schedule;
  const what =
    rule === null
      ? say("nothing asked for", "无要求")
      : warming
        ? say(`"${rule}" begins soon: it is started before`, `“${rule}”即将开始：提前开机`)
        : keepsOn
          ? say(`"${rule}" keeps it on`, `“${rule}”要求保持开机`)
          : noStarts
            ? say(`"${rule}": no job starts it`, `“${rule}”：任务不会触发开机`)
            : say(`"${rule}": stopped sooner when idle`, `“${rule}”：空闲时更早关机`);
  if (nextChangeAt === null) return what;
  const next = `${dayAndTime(nextChangeAt, timeZone, say)}`;
  return say(`${what}; next change ${next} (${timeZone})`, `${what}；下次变化：${next}（${timeZone}）`);
}

/** One window a line, under its day. */
export function describeSchedule({ at, timeZone, windows }: ScheduleAhead, say: Say): string[] {
  if (windows.length === 0)
    return [
      say(
        "No schedule asks for anything within the next seven days (policy.schedules in the pool file).",
        "未来七天没有日程要求（机器池文件中的 policy.schedules）。",
      ),
    ];
  const lines = [say(`The next seven days, by the clock of ${timeZone}:`, `未来七天（${timeZone} 时间）：`)];
  let last = "";
  for (const window of windows) {
    const from = window.from < at ? at : window.from;
    const date = day(from, timeZone, say);
    if (date !== last) lines.push(date);
    last = date;
    const end = time(window.until, timeZone);
    const later = day(window.until, timeZone, say) === date ? "" : ` (${day(window.until, timeZone, say)})`;
    lines.push(
      `  ${time(from, timeZone)} – ${end}${later}  ${window.rule}: ${describeWindow(window, timeZone, say)}`,
    );
  }
  return lines;
}

function describeWindow(window: Window, timeZone: string, say: Say): string {
  const { effect, from, begins, idleTimeoutSeconds, noStarts } = window;
  if (effect === "warmUp") return say("started to be warm", "提前开机预热");
  if (effect === "keepOn") {
    const warm =
      begins === from ? "" : say(`, begins ${time(begins, timeZone)}`, `，${time(begins, timeZone)} 开始`);
    return `${say("kept on", "保持开机")}${warm}`;
  }
  const idle = idleTimeoutSeconds === null ? undefined : formatDuration(idleTimeoutSeconds * 1_000);
  return [
    ...(idle === undefined ? [] : [say(`stopped after ${idle} without work`, `空闲 ${idle} 后关机`)]),
    ...(noStarts
      ? [
          say(
            "no job starts it; boot requests, needs and people do",
            "任务不触发开机；开机请求、需求和人工可以",
          ),
        ]
      : []),
  ].join(say("; ", "；"));
}

function day(at: string, timeZone: string, say: Say): string {
  const locale = say("en-GB", "zh-CN");
  const format = new Intl.DateTimeFormat(locale, {
    timeZone,
    weekday: "short",
    dateStyle: undefined,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  return format.format(new Date(at));
}

function time(at: string, timeZone: string): string {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(new Date(at));
}

function dayAndTime(at: string, timeZone: string, say: Say): string {
  return `${day(at, timeZone, say)} ${time(at, timeZone)}`;
}

export async function printSchedule({ client, json, print, say }: Session): Promise<void> {
  const schedule = await client.ask("/schedule", ScheduleAhead);
  if (json) print(JSON.stringify(schedule, null, 2));
  else for (const line of describeSchedule(schedule, say)) print(line);
}
