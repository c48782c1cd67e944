/** Writes what is generated; with --check only says what is stale. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { openApiDocument } from "../../services/power/src/operator/openapi.ts";
import { configurationTable } from "./configuration.ts";
import { dashboardFiles } from "./dashboards.ts";
import { remainingSettings } from "./env-example.ts";
import { metricsReference } from "./metrics.ts";
import { pageCode } from "./page-code.ts";
import { performanceTables } from "./performance.ts";

const ROOT = new URL("../../", import.meta.url);

/** Puts `content` between the marks of `name` in a document, which are comments of its language. */
function between(
  document: string,
  name: string,
  content: string,
  mark = (text: string) => `<!-- ${text} -->`,
) {
  const [begin, end] = [mark(`begin:${name}`), mark(`end:${name}`)];
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`The document has no marks ${begin} and ${end}.`);
  return `${document.slice(0, from + begin.length)}\n${content}\n${document.slice(to)}`;
}

const hash = (text: string) => `# ${text}`;
/** What a person wrote of .env.example, above the generated part. */
const ownPart = (document: string) => document.split(hash("begin:"))[0] ?? "";

/** Each generated file, and how it follows from what it is now. */
const FILES: Readonly<Record<string, (before: string) => string>> = {
  "README.md": (before) => between(before, "configuration", configurationTable("en")),
  "README.zh-CN.md": (before) => between(before, "configuration", configurationTable("zh")),
  ".env.example": (before) => between(before, "configuration", remainingSettings(ownPart(before)), hash),
  "docs/metrics.md": () => metricsReference("en"),
  "docs/metrics.zh-CN.md": () => metricsReference("zh"),
  "docs/performance.md": (before) => between(before, "results", performanceTables("en")),
  "docs/performance.zh-CN.md": (before) => between(before, "results", performanceTables("zh")),
  "docs/openapi.json": () => `${JSON.stringify(openApiDocument(), null, 2)}\n`,
  ...dashboardFiles(),
  ...pageCode(),
};

const check = process.argv.includes("--check");
const stale: string[] = [];
for (const [file, write] of Object.entries(FILES)) {
  const url = new URL(file, ROOT);
  const before = existsSync(url) ? readFileSync(url, "utf8") : "";
  const after = write(before);
  if (after === before) continue;
  stale.push(file);
  if (!check) writeFileSync(url, after);
}
if (check && stale.length > 0) {
  console.error(`Stale: ${stale.join(", ")}. Run: make generate`);
  process.exitCode = 1;
}
