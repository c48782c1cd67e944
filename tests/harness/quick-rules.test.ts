/** The shortened rules are the project's rules, but for their times. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { divideDuration, divideExpression, quickRules } from "./quick-rules.ts";

const RULES = new URL("../../prometheus/rules/", import.meta.url).pathname;

for (const [text, by, wanted] of [
  ["1m", 48, "1250ms"],
  ["1h30m", 48, "112500ms"],
  ["500ms", 5, "100ms"],
  ["1ms", 48, "1ms"],
  ["0s", 48, "0s"],
] as const) {
  test(`${text} divided by ${by} is ${wanted}`, () => assert.equal(divideDuration(text, by), wanted));
}

for (const [expression, wanted] of [
  ["increase(x_total[15m]) > 3", "increase(x_total[15000ms]) > 3"],
  ["x unless x offset 1d", "x unless x offset 1440000ms"],
  ["max by (pool) (age_seconds) > 240", "max by (pool) (age_seconds) > 4"],
  ["age_seconds >= 90", "age_seconds >= 1.5"],
  ["ratio1d > 0.05 and on () (up == 0)", "ratio1d > 0.05 and on () (up == 0)"],
  ['b{le=~"240([.]0)?", stage="total"}', 'b{le=~"4([.]0)?", stage="total"}'],
  ["gpu:starts_late:ratio1h > 0.05", "gpu:starts_late:ratio1h > 0.05"],
] as const) {
  test(`by 60, ${expression} is ${wanted}`, () => assert.equal(divideExpression(expression, 60), wanted));
}

test("of the project's rules the times alone are shortened, and Prometheus accepts them", () => {
  const dir = mkdtempSync(join(tmpdir(), "rules-"));
  for (const name of readdirSync(RULES)) {
    const text = readFileSync(join(RULES, name), "utf8");
    const quick = quickRules(text, 48);
    const path = join(dir, name);
    writeFileSync(path, quick);
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "rules", path], { encoding: "utf8" });
    assert.equal(status, 0, `${stdout}${stderr}`);
    assert.equal(quickRules(quick, 1).replaceAll(/\d/g, ""), quick.replaceAll(/\d/g, ""));
    const words = (yaml: string) => yaml.match(/[a-z_:]{4,}/g)?.filter((word) => word !== "offset");
    assert.deepEqual(words(quickRules(text, 1)), words(quick));
  }
});

test("every limit of the alerts that is a time is taken for one, and no other", () => {
  const found = readFileSync(join(RULES, "alerts.yml"), "utf8").matchAll(/[<>]=? (\d+(?:\.\d+)?)/g);
  const times = [...found].map(([, text]) => Number(text)).filter((limit) => limit >= 60);
  assert.deepEqual(
    [...new Set(times)].sort((a, b) => a - b),
    [90, 180, 240, 600, 86_400, 129_600, 259_200, 1_209_600],
  );
});
