/** Results → tables, for people. Pure. */
import type { Result } from "./results.ts";
import { isMet, type Row } from "./row.ts";

export type Language = "en" | "zh";

const WORDS = {
  en: {
    head: ["what", "floor", "ours", "ratio", "target", "met"],
    met: "yes",
    missed: "**no**",
    atMost: "≤",
    atLeast: "≥",
    line: ({ at, rounds, cores, load, versions }: Result) =>
      `${at.slice(0, 10)}, ${rounds} rounds, ${cores} cores at a load of ${load.map((of) => of.toFixed(1)).join(" to ")}, ${Object.entries(
        versions,
      )
        .map(([name, version]) => `${name} ${version}`)
        .join(", ")}.`,
  },
  zh: {
    head: ["内容", "基准", "本项目", "倍数", "目标", "达到"],
    met: "是",
    missed: "**否**",
    atMost: "≤",
    atLeast: "≥",
    line: ({ at, rounds, cores, load, versions }: Result) =>
      `${at.slice(0, 10)}，${rounds} 轮，${cores} 核，负载 ${load.map((of) => of.toFixed(1)).join(" 至 ")}，${Object.entries(
        versions,
      )
        .map(([name, version]) => `${name} ${version}`)
        .join("，")}。`,
  },
} as const;

/** Three figures that count, and no more than two behind the point. */
export function figure(value: number): string {
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString("en");
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

/** The cells of a row but for its name. */
export function cells(row: Row, language: Language): string[] {
  const words = WORDS[language];
  const { floor, ours, ratio, target, unit } = row;
  const amount = (value: number | undefined) =>
    value === undefined ? "" : unit === "/s" ? `${figure(value)}/s` : `${figure(value)} ${unit}`;
  const limit = target?.atMost ?? target?.atLeast;
  const sign = target?.atMost === undefined ? words.atLeast : words.atMost;
  const met = isMet(row);
  return [
    amount(floor),
    amount(ours),
    ratio === undefined ? "" : `${ratio.toFixed(2)} ×`,
    limit === undefined ? "" : target?.of === "ratio" ? `${sign} ${limit} ×` : `${sign} ${amount(limit)}`,
    met === undefined ? "" : met ? words.met : words.missed,
  ];
}

/** A scenario with what it isolates, where it was measured, and its table, in Markdown. */
export function markdown(result: Result, language: Language): string {
  const words = WORDS[language];
  const line = (of: readonly string[]) => `| ${of.join(" | ")} |`;
  return [
    `### ${result.name}`,
    "",
    result.isolates[language],
    "",
    line(words.head),
    line(words.head.map((_, index) => (index === 0 || index > 3 ? "---" : "---:"))),
    ...result.rows.map((row) => line([row.what[language], ...cells(row, language)])),
    "",
    words.line(result),
  ].join("\n");
}

/** A few lines for a terminal. */
export function plain(result: Pick<Result, "name" | "rows">): string {
  return result.rows
    .map((row) => {
      const [floor, ours, ratio, target, met] = cells(row, "en");
      const beside = floor === "" ? "" : `, floor ${floor}`;
      const compared = ratio === "" ? "" : `, ${ratio}`;
      const judged = target === "" ? "" : ` (target ${target}${met === "yes" ? "" : ", missed"})`;
      return `  ${row.what.en}: ${ours}${beside}${compared}${judged}`;
    })
    .join("\n");
}
