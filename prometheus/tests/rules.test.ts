/** Every alert is complete, fires when it should, is quiet when it should be, and has its runbooks. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";

const at = (path: string) => new URL(`../../${path}`, import.meta.url).pathname;
const Rules = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string(),
          labels: z.object({ severity: z.enum(["critical", "warning", "none"]) }),
          annotations: z.object({
            summary: z.string(),
            description: z.string().includes("$value"),
            summary_zh: z.string(),
            description_zh: z.string().includes("$value"),
            runbook_url: z.string(),
          }),
        }),
      ),
    }),
  ),
});
const alerts = Rules.parse(parse(readFileSync(at("prometheus/rules/alerts.yml"), "utf8"))).groups.flatMap(
  (group) => group.rules,
);

function promtool(...args: string[]) {
  const { status, stdout, stderr } = spawnSync("promtool", args, { encoding: "utf8" });
  assert.equal(status, 0, `${stdout}${stderr}`);
}

test("promtool accepts the rules", () => {
  promtool("check", "rules", at("prometheus/rules/alerts.yml"), at("prometheus/rules/recording.yml"));
});

test("every alert fires and is quiet as its cases say", () => {
  promtool("test", "rules", at("prometheus/tests/alerts.yml"));
});

test("every alert has a case for firing and, but for Watchdog, one for being quiet", () => {
  const cases = readFileSync(at("prometheus/tests/alerts.yml"), "utf8");
  for (const { alert } of alerts) {
    assert.ok(cases.includes(`name: ${alert} fires\n`), `${alert} has no case in which it fires`);
    if (alert !== "Watchdog")
      assert.ok(cases.includes(`name: ${alert} is quiet\n`), `${alert} has no case in which it is quiet`);
  }
});

test("every alert has a runbook in both languages, and links to it", () => {
  for (const { alert, annotations } of alerts) {
    assert.equal(annotations.runbook_url, `docs/runbooks/${alert}.md`);
    for (const language of ["", ".zh-CN"]) {
      const path = `docs/runbooks/${alert}${language}.md`;
      assert.ok(existsSync(at(path)), `${alert} has no runbook: write ${path}`);
    }
  }
});
