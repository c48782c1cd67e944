import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { comparison } from "./compare.ts";

for (const [language, file] of [
  ["en", "policy.md"],
  ["zh", "policy.zh-CN.md"],
] as const) {
  test(`docs/${file} has the table of idle times as it is reckoned`, () => {
    const text = readFileSync(new URL(`../../docs/${file}`, import.meta.url), "utf8");
    const table = comparison(language).join("\n");
    assert.ok(text.includes(table), `node scripts/policies/compare.ts prints another one:\n${table}`);
  });
}
