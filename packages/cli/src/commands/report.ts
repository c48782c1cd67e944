/** `gpuctl report`: what the last day was, or another one. */

import { dayReportLines } from "@gpu-power-manager/shared/day-report-words";
import { HistoryPage } from "@gpu-power-manager/shared/history-page";
import { CommandError, EXIT } from "../command-error.ts";
import type { Session } from "../session.ts";

/** Reports of more than a month lie further back than is looked. */
const LOOKED_THROUGH = 40;

/** @throws CommandError where there is no report of that day. */
export async function printReport(
  { client, json, print, say }: Session,
  day: string | undefined,
): Promise<void> {
  const query = { kind: "report", limit: LOOKED_THROUGH };
  const { entries } = await client.ask("/history", HistoryPage, { query });
  const reports = entries.flatMap(({ entry }) => (entry.kind === "report" ? [entry] : []));
  const report = reports.find((each) => day === undefined || each.day === day);
  if (report === undefined)
    throw new CommandError(
      EXIT.wrong,
      say(
        `There is no report${day === undefined ? "" : ` of ${day}`}. They are made where the pool file says policy.dailyReport: "08:00".`,
        `没有${day === undefined ? "" : ` ${day} 的`}日报。机器池文件写有 policy.dailyReport: "08:00" 时才会生成。`,
      ),
    );
  if (json) return print(JSON.stringify(report, null, 2));
  print(report.day);
  for (const line of dayReportLines(report, say)) print(`  ${line}`);
}
