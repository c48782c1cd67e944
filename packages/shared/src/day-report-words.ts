/** The report of a day as people read it, a line each: gpuctl and the operator's page say the same. */
import type { DayReport } from "./history-entries.ts";
import { reasonWords } from "./reason-words.ts";

type Say = (en: string, zh: string) => string;

export function dayReportLines(report: DayReport, say: Say): string[] {
  const { hours, cost, currency, saved, alwaysOnCost, jobs, waited, starts, failedStarts, gaps, unknown } =
    report;
  const nobodyKnows = say("unknown", "未知");
  const money = (value: number | null) =>
    value === null ? nobodyKnows : `${value.toFixed(2)} ${currency ?? ""}`.trim();
  const seconds = (value: number | null) => (value === null ? nobodyKnows : say(`${value} s`, `${value} 秒`));
  const ran = hours.map(({ instance, running, unknown: blind }) =>
    blind > 0
      ? say(
          `${instance} ${running} h (and ${blind} h unknown)`,
          `${instance} ${running} 小时（另有 ${blind} 小时未知）`,
        )
      : say(`${instance} ${running} h`, `${instance} ${running} 小时`),
  );
  const reasons = Object.entries(starts).map(([reason, count]) => {
    const words = reasonWords(reason);
    return `${count} × ${say(words.en, words.zh)}`;
  });
  const failed = failedStarts === 0 ? "" : say(`; ${failedStarts} failed`, `；${failedStarts} 次失败`);
  const none = say("none", "无");
  return [
    `${say("ran", "运行")}: ${ran.join(", ") || none}`,
    `${say("cost", "费用")}: ${money(cost)} ${say(`(always on: ${money(alwaysOnCost)}; saved: ${money(saved)})`, `（一直开机：${money(alwaysOnCost)}；节省：${money(saved)}）`)}`,
    `${say("jobs", "任务")}: ${jobs ?? nobodyKnows}`,
    waited.times === 0
      ? `${say("waiting for a machine", "等待机器")}: ${none}`
      : `${say("waiting for a machine", "等待机器")}: ${say(`${waited.times} times, median ${seconds(waited.medianSeconds)}, worst ${seconds(waited.worstSeconds)}`, `${waited.times} 次，中位数 ${seconds(waited.medianSeconds)}，最长 ${seconds(waited.worstSeconds)}`)}`,
    `${say("starts", "开机")}: ${reasons.join(", ") || none}${failed}`,
    gaps.count === 0
      ? `${say("notices not heard", "听不到通知")}: ${none}`
      : `${say("notices not heard", "听不到通知")}: ${say(`${gaps.count} times, ${gaps.seconds} s; missed and recovered: ${gaps.missedAndRecovered ?? nobodyKnows}`, `${gaps.count} 次，共 ${gaps.seconds} 秒；漏掉并找回：${gaps.missedAndRecovered ?? nobodyKnows}`)}`,
    ...unknown.map((words) => `${nobodyKnows}: ${words}`),
  ];
}
