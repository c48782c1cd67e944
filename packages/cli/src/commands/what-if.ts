/** `gpuctl whatif`: the pool's own history with another idle time. */

import { formatDuration, parseDuration } from "@gpu-power-manager/shared/duration";
import { WhatIf } from "@gpu-power-manager/shared/policy-views";
import type { Say } from "../language.ts";
import type { Session } from "../session.ts";
import { localTime } from "../times.ts";

export function describeWhatIf(told: WhatIf, say: Say): string[] {
  const { from, until, spells, bootSeconds, currency, runs } = told;
  const range = say(
    `${spells} spells of work from ${localTime(from)} to ${localTime(until)}`,
    `${localTime(from)} 至 ${localTime(until)} 共 ${spells} 段工作`,
  );
  const [now, then, best] = runs;
  if (bootSeconds === null || now === undefined || then === undefined || best === undefined)
    return [
      range,
      say(
        "No start for a job was seen in this time, so nothing can be told; ask again when some have been.",
        "此期间没有看到为任务进行的开机，因此无法计算；有过几次之后再试。",
      ),
    ];
  const rows = [
    [say("in force", "现行"), now],
    [say("what if", "假设"), then],
    [say("best in hindsight", "事后最优"), best],
  ] as const;
  const head = [
    "",
    say("idle time", "空闲时间"),
    say("hours", "小时"),
    say("cost", "费用"),
    say("starts", "开机"),
    say("waiting", "等待"),
  ];
  const cells = rows.map(([name, run]) => [
    name,
    shownIdle(run.idle),
    run.hours.toFixed(1),
    run.cost === null ? say("unknown", "未知") : `${run.cost.toFixed(2)} ${currency}`,
    String(run.starts),
    formatDuration(run.waitingSeconds * 1_000),
  ]);
  const table = [head, ...cells];
  const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return [
    range,
    ...table.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    ),
    say(
      `A start takes ${formatDuration(bootSeconds * 1_000)}. Holds, schedules and budgets are not replayed; all three are reckoned alike.`,
      `一次开机需 ${formatDuration(bootSeconds * 1_000)}。不重放指令、日程和预算；三行以同样方式计算。`,
    ),
  ];
}

function shownIdle(idle: string): string {
  if (idle === "hindsight") return "–";
  const ms = parseDuration(idle);
  return ms === undefined ? idle : formatDuration(ms);
}

/** @param idle `auto`, or a duration. @param since a duration. */
export async function printWhatIf(session: Session, idle: string, since: string): Promise<void> {
  const { client, json, print, say } = session;
  const told = await client.ask("/whatif", WhatIf, { query: { idle, since } });
  if (json) print(JSON.stringify(told, null, 2));
  else for (const line of describeWhatIf(told, say)) print(line);
}
