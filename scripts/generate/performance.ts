/** The tables of docs/performance.md, from what `make bench` last measured. */
import { readResults } from "../../tests/bench/results.ts";
import { type Language, markdown } from "../../tests/bench/table.ts";

export function performanceTables(language: Language): string {
  return `\n${readResults()
    .map((result) => markdown(result, language))
    .join("\n\n")}\n`;
}
