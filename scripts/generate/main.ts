/** Writes what is generated into the documents; with --check only says what is stale. */
import { readFileSync, writeFileSync } from "node:fs";
import { configurationTable } from "./configuration.ts";

const ROOT = new URL("../../", import.meta.url);

/** Puts `content` between the marks of `name` in a document. */
export function between(document: string, name: string, content: string): string {
  const [begin, end] = [`<!-- begin:${name} -->`, `<!-- end:${name} -->`];
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`The document has no marks ${begin} and ${end}.`);
  return `${document.slice(0, from + begin.length)}\n${content}\n${document.slice(to)}`;
}

const check = process.argv.includes("--check");
const stale: string[] = [];
for (const [file, language] of [
  ["README.md", "en"],
  ["README.zh-CN.md", "zh"],
] as const) {
  const url = new URL(file, ROOT);
  const before = readFileSync(url, "utf8");
  const after = between(before, "configuration", configurationTable(language));
  if (after === before) continue;
  stale.push(file);
  if (!check) writeFileSync(url, after);
}
if (check && stale.length > 0) {
  console.error(`Stale: ${stale.join(", ")}. Run: make generate`);
  process.exitCode = 1;
}
