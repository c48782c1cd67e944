/** `gpuctl history`, `gaps` and `watch`: what happened, and what happens. */

import { dayReportLines } from "@gpu-power-manager/shared/day-report-words";
import { formatDuration } from "@gpu-power-manager/shared/duration";
import type { LoginEvent } from "@gpu-power-manager/shared/history-entries";
import { type Happening, HistoryPage } from "@gpu-power-manager/shared/history-page";
import { reasonWords } from "@gpu-power-manager/shared/reason-words";
import type { Say } from "../language.ts";
import type { Session } from "../session.ts";
import { localTime } from "../times.ts";

export interface HistoryFlags {
  readonly instance?: string | undefined;
  readonly kind?: string | undefined;
  /** Milliseconds before now. */
  readonly since?: number | undefined;
  readonly limit: number;
}

/** The server gives so many a page at most. */
const PAGE = 200;

const LOGINS: Readonly<Record<LoginEvent, (say: Say) => string>> = {
  asked_for: (say) => say("asks for a login", "要求登录"),
  by_itself: (say) => say("logged in with user and password", "已用账号密码登录"),
  came_back: (say) =>
    say("logged in again: by a person, or the session came back", "已重新登录：有人登录，或会话恢复"),
  kept: (say) => say("logged in: the saved session is good", "已登录：保存的会话有效"),
};

/** One entry of history as one line, without its time. */
export function describeHappening(entry: Happening, say: Say): string {
  switch (entry.kind) {
    case "intent": {
      const words = reasonWords(entry.reason);
      return `${entry.instance}  ${entry.action} ${say("requested", "已请求")}: ${say(words.en, words.zh)}`;
    }
    case "outcome":
      return [
        `${entry.instance}  ${entry.action} ${entry.outcome.replaceAll("_", " ")}`,
        entry.lane === undefined ? "" : ` (${entry.lane})`,
        entry.message === undefined ? "" : `: ${entry.message}`,
      ].join("");
    case "state":
      return `${entry.instance}  ${entry.from} → ${entry.to}`;
    case "worker":
      return `${entry.instance}  ${say(`a worker is online after ${formatDuration(entry.ms)}`, `工作进程在 ${formatDuration(entry.ms)} 后上线`)}`;
    case "served":
      return `${entry.instance}  ${say(`${entry.jobs} waiting jobs see it running after ${formatDuration(entry.oldestMs)}`, `${entry.jobs} 个等待的任务在 ${formatDuration(entry.oldestMs)} 后看到它运行`)}`;
    case "budget": {
      const level = entry.level === "spent" ? say("is spent", "已用完") : say("is nearly spent", "即将用完");
      const periods = { day: say("day", "本日"), week: say("week", "本周"), month: say("month", "本月") };
      return `${say(`the ${periods[entry.period]}'s budget`, `${periods[entry.period]}预算`)} ${level}: ${entry.spent.toFixed(2)} / ${entry.amount}`;
    }
    case "report":
      return `${say("report of", "日报")} ${entry.day}  ${dayReportLines(entry, say).join("; ")}`;
    case "gap": {
      const length = formatDuration(entry.to - entry.from);
      const found =
        entry.recovered === null
          ? say("what came in it cannot be known", "其间发生了什么无法得知")
          : say(`${entry.recovered} missed jobs recovered`, `找回 ${entry.recovered} 个漏掉的任务`);
      const covered = entry.covered ? say("another listener heard", "另一个 listener 听到了") : found;
      return `${say("gap", "通知中断")}  ${length}, ${entry.cause.replaceAll("_", " ")}: ${covered}`;
    }
    case "login":
      return `${say("console", "控制台")}  ${LOGINS[entry.event](say)}`;
    case "operator": {
      const who = entry.actor === undefined ? entry.token : `${entry.actor} (${entry.token})`;
      const what = entry.instance === undefined ? entry.action : `${entry.action} ${entry.instance}`;
      const forced = entry.forced ? say(", forced", "，强制") : "";
      const refused = entry.outcome === "refused" ? say(", refused", "，被拒绝") : "";
      const message = entry.message === undefined ? "" : ` [${entry.message}]`;
      return `${who}  ${what.replaceAll("_", " ")}${forced}${refused}: ${entry.reason}${message}`;
    }
  }
}

/** Entries, the newest first. */
export async function readHistory(session: Session, flags: HistoryFlags): Promise<HistoryPage["entries"]> {
  const since = flags.since === undefined ? undefined : new Date(Date.now() - flags.since).toISOString();
  const entries: HistoryPage["entries"] = [];
  for (let before: number | undefined; entries.length < flags.limit; ) {
    const { instance, kind } = flags;
    const limit = Math.min(PAGE, flags.limit - entries.length);
    const page = await session.client.ask("/history", HistoryPage, {
      query: { instance, kind, since, limit, before },
    });
    entries.push(...page.entries);
    if (page.next === null) break;
    before = page.next;
  }
  return entries;
}

/** Prints entries, the newest last, as a log is read. */
export async function printHistory(session: Session, flags: HistoryFlags): Promise<void> {
  const { json, print, say, paint } = session;
  const entries = await readHistory(session, flags);
  if (json) {
    print(JSON.stringify({ entries }, null, 2));
    return;
  }
  if (entries.length === 0) print(say("Nothing happened that is asked for.", "没有符合条件的记录。"));
  for (const { at, entry } of entries.toReversed())
    print(`${paint("dim", localTime(at))}  ${describeHappening(entry, say)}`);
}
