/** `gpuctl budget`: what is spent of each budget, what is left, and when it will be gone at this pace. */

import { formatDuration } from "@gpu-power-manager/shared/duration";
import type { BudgetNow } from "@gpu-power-manager/shared/policy-views";
import { PowerStatus } from "@gpu-power-manager/shared/status";
import type { Say } from "../language.ts";
import type { Session } from "../session.ts";
import { localTime } from "../times.ts";

export function describeBudgets(budgets: readonly BudgetNow[], say: Say): string[] {
  if (budgets.length === 0)
    return [
      say("No budget is set (policy.budget in the pool file).", "未设预算（机器池文件中的 policy.budget）。"),
    ];
  return budgets.flatMap((budget) => describeBudget(budget, say));
}

function describeBudget(budget: BudgetNow, say: Say): string[] {
  const {
    period,
    amount,
    spent,
    left,
    currency,
    whenSpent,
    from,
    until,
    countedSince,
    unpricedSeconds,
    goneAt,
  } = budget;
  const money = (value: number) => `${value.toFixed(2)} ${currency}`;
  const periods = {
    day: say("today", "今天"),
    week: say("this week", "本周"),
    month: say("this month", "本月"),
  };
  const actions = {
    alert: say("an alert, nothing else", "仅告警"),
    no_new_starts: say("nothing is started but by operators", "除运维外不再开机"),
    stop_when_idle_at_once: say(
      "nothing is started but by operators, and what has no work is stopped",
      "除运维外不再开机，没有任务的机器关机",
    ),
  };
  const share = Math.floor((spent / amount) * 100);
  const ahead =
    spent >= amount
      ? say(`spent; it begins anew at ${localTime(until)}`, `已用完；${localTime(until)} 重新开始`)
      : goneAt === null
        ? say(`at this pace it lasts until ${localTime(until)}`, `按目前的速度可用到 ${localTime(until)}`)
        : say(
            `at this pace it is gone at ${localTime(goneAt)}`,
            `按目前的速度将于 ${localTime(goneAt)} 用完`,
          );
  return [
    say(
      `${periods[period]}: ${money(spent)} of ${money(amount)} spent (${share} %), ${money(left)} left; ${ahead}`,
      `${periods[period]}：已用 ${money(spent)}，共 ${money(amount)}（${share} %），剩余 ${money(left)}；${ahead}`,
    ),
    say(`  when it is spent: ${actions[whenSpent]}`, `  用完时：${actions[whenSpent]}`),
    ...(countedSince > from
      ? [
          say(
            `  counted since ${localTime(countedSince)}; what was spent before is unknown`,
            `  自 ${localTime(countedSince)} 起计算；此前的花费未知`,
          ),
        ]
      : []),
    ...(unpricedSeconds > 0
      ? [
          say(
            `  without ${formatDuration(unpricedSeconds * 1_000)} whose price is unknown`,
            `  不含价格未知的 ${formatDuration(unpricedSeconds * 1_000)}`,
          ),
        ]
      : []),
  ];
}

export async function printBudgets({ client, json, print, say }: Session): Promise<void> {
  const { budgets } = await client.ask("/status", PowerStatus);
  if (json) print(JSON.stringify({ budgets }, null, 2));
  else for (const line of describeBudgets(budgets, say)) print(line);
}
