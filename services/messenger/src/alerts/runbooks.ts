/** The steps of a runbook, which a person with a phone cannot open: they go into the message itself. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const HEADING = { en: "How to mend it", zh: "如何处理" } as const;
const SUFFIX = { en: "", zh: ".zh-CN" } as const;

/** The numbered lines under the heading, links without their addresses. */
export function stepsIn(runbook: string, heading: string): string[] {
  const [, after = ""] = runbook.split(`\n## ${heading}\n`);
  const [section = ""] = after.split("\n## ");
  return section
    .split("\n")
    .filter((line) => /^\d+\. /.test(line))
    .map((line) => line.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1"));
}

/** Reads them when they are asked for: there are few, and messages are rare. Undefined where there is no such file. */
export function stepsFrom(dir: string | undefined) {
  return (alertname: string, language: "en" | "zh"): readonly string[] | undefined => {
    // The name comes with the alert: it must not lead out of the folder.
    if (dir === undefined || !/^\w+$/.test(alertname)) return undefined;
    try {
      return stepsIn(
        readFileSync(join(dir, `${alertname}${SUFFIX[language]}.md`), "utf8"),
        HEADING[language],
      );
    } catch {
      return undefined;
    }
  };
}
