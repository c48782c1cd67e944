/** Every alert is complete, fires when it should, is quiet when it should be, is fired for real, and has its runbooks. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";

const at = (path: string) => new URL(`../../${path}`, import.meta.url).pathname;
const read = (path: string) => readFileSync(at(path), "utf8");
const Rules = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string(),
          expr: z.string(),
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
const rules = Rules.parse(parse(read("prometheus/rules/alerts.yml"))).groups.flatMap((group) => group.rules);
const names = [...new Set(rules.map((rule) => rule.alert))];
const CASES = readdirSync(at("prometheus/tests"))
  .filter((name) => name.endsWith(".yml"))
  .map((name) => `prometheus/tests/${name}`);

const LANGUAGES = [
  {
    suffix: "",
    headings: [
      "What it means",
      "What users notice",
      "How to see it",
      "How to mend it",
      "In the old guide",
      "What it does not mean",
    ],
    problem: "Problem",
  },
  {
    suffix: ".zh-CN",
    headings: ["含义", "用户看到什么", "如何查看", "如何处理", "旧指南中", "它不代表什么"],
    problem: "问题 ",
  },
];

function promtool(...args: string[]) {
  const { status, stdout, stderr } = spawnSync("promtool", args, { encoding: "utf8" });
  assert.equal(status, 0, `${stdout}${stderr}`);
}

test("promtool accepts the rules and the configuration", () => {
  promtool("check", "rules", at("prometheus/rules/alerts.yml"), at("prometheus/rules/recording.yml"));
  promtool("check", "config", at("prometheus/prometheus.yml"));
});

for (const file of CASES) {
  test(`every alert fires and is quiet as ${file} says`, () => promtool("test", "rules", at(file)));
}

test("every alert has a case for firing and, but for Watchdog, one for being quiet", () => {
  const cases = CASES.map(read).join("");
  for (const name of names) {
    assert.ok(cases.includes(`name: ${name} fires\n`), `${name} has no case in which it fires`);
    if (name !== "Watchdog")
      assert.ok(cases.includes(`name: ${name} is quiet\n`), `${name} has no case in which it is quiet`);
  }
});

test("every alert is fired for real by a fault", () => {
  const stories = ["machine", "service", "host", "delivery", "signed-api"]
    .map((each) => read(`tests/e2e/alerts-${each}.test.ts`))
    .join("");
  for (const name of names)
    assert.match(stories, new RegExp(`tells\\(\\s*"${name}"`), `${name} is fired by no test in tests/e2e`);
});

for (const { suffix, headings, problem } of LANGUAGES) {
  const runbook = (name: string) => read(`docs/runbooks/${name}${suffix}.md`);

  test(`every alert has a runbook with all headings and the rule as it is: *${suffix}.md`, () => {
    for (const { alert, expr, labels, annotations } of rules) {
      assert.equal(annotations.runbook_url, `docs/runbooks/${alert}.md`);
      const text = runbook(alert);
      const found = [...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
      assert.deepEqual(found, headings, `docs/runbooks/${alert}${suffix}.md`);
      assert.ok(
        text.includes(`\`\`\`promql\n${expr.trim()}\n\`\`\``),
        `${alert}${suffix}.md must show: ${expr}`,
      );
      assert.ok(text.split("\n")[2]?.includes(labels.severity), `${alert}${suffix}.md must say its severity`);
    }
  });

  test(`the old guide's problems A to D each have a runbook: *${suffix}.md`, () => {
    const all = names.map(runbook).join("");
    for (const letter of ["A", "B", "C", "D"])
      assert.match(
        all,
        new RegExp(`\\*\\*${problem} ?${letter}\\*\\*`),
        `problem ${letter} is in no runbook`,
      );
  });
}

test("no runbook is left over from an alert that is gone", () => {
  const wanted = names.flatMap((name) => LANGUAGES.map(({ suffix }) => `${name}${suffix}.md`));
  assert.deepEqual(readdirSync(at("docs/runbooks")).sort(), wanted.sort());
});
