/** What people read, and what is left away where there is no room for it. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { cutToBytes, type Manner, messageOf, shorter, tellTime } from "./message.ts";
import { Notification } from "./notification.ts";
import { stepsFrom, stepsIn } from "./runbooks.ts";

const RUNBOOKS = new URL("../../../../docs/runbooks", import.meta.url).pathname;
const MANNER: Manner = { language: "both", timeZone: "UTC", runbookBase: "", stepsOf: stepsFrom(RUNBOOKS) };
const group = (
  status: string,
  labels: Record<string, string>,
  annotations: Record<string, string>,
  count = 1,
) =>
  Notification.parse({
    status,
    truncatedAlerts: 0,
    alerts: Array.from({ length: count }, () => ({
      status,
      labels,
      annotations,
      startsAt: "2026-01-01T10:00:00Z",
      endsAt: status === "firing" ? "0001-01-01T00:00:00Z" : "2026-01-01T11:00:00Z",
    })),
  });
const FAILED = { alertname: "GpuStartFailed", severity: "warning", instance: "gpu-1" };
const TEXTS = {
  summary: "A start failed",
  summary_zh: "启动失败",
  runbook_url: "docs/runbooks/GpuStartFailed.md",
};

for (const [language, title, runbook, step] of [
  ["en", "[warning] A start failed", "docs/runbooks/GpuStartFailed.md", /^1\. `sold_out`: wait/],
  ["zh", "[警告] 启动失败", "docs/runbooks/GpuStartFailed.zh-CN.md", /^1\. `sold_out`：等待/],
  ["both", "[warning 警告] A start failed", "docs/runbooks/GpuStartFailed.zh-CN.md", /^1\. `sold_out`：等待/],
] as const) {
  test(`in "${language}": title, steps and runbook`, () => {
    const message = messageOf(group("firing", FAILED, TEXTS), { ...MANNER, language });
    assert.equal(message.title, title);
    assert.equal(message.runbook?.at, runbook);
    assert.match(message.steps[0] ?? "", step);
  });
}

test("one that is over says since when, and nothing is to be done", () => {
  const message = messageOf(group("resolved", FAILED, TEXTS), { ...MANNER, language: "en" });
  assert.equal(message.title, "[resolved] A start failed");
  assert.match(
    message.parts[0]?.facts ?? "",
    /since: 2026-01-01 10:00:00 UTC · over since: 2026-01-01 11:00:00 UTC/,
  );
  assert.deepEqual(message.steps, []);
});

test("an alert of somebody else, without our annotations, is told all the same", () => {
  const message = messageOf(group("firing", { alertname: "Other/../../etc" }, {}), MANNER);
  assert.equal(message.title, "[note 提示] Other/../../etc");
  assert.deepEqual([message.steps, message.runbook], [[], undefined]);
});

test("every runbook has steps, in both languages", () => {
  const steps = stepsFrom(RUNBOOKS);
  const names = readdirSync(RUNBOOKS).flatMap((name) => /^(\w+)\.md$/.exec(name)?.[1] ?? []);
  assert.ok(names.length > 20);
  for (const name of names)
    for (const language of ["en", "zh"] as const)
      assert.ok((steps(name, language) ?? []).length > 0, `${name} in ${language} has no numbered step`);
  assert.deepEqual(
    stepsIn("\n## How to mend it\n\n1. See [there](a.md).\n\n## Else\n\n2. no\n", "How to mend it"),
    ["1. See there."],
  );
});

test("each shorter form is no longer, tells of each alert or how many more there are", () => {
  const message = messageOf(group("firing", FAILED, TEXTS, 9), MANNER);
  const forms = [...shorter(message)];
  assert.ok(forms.length > 4);
  for (const { parts, more } of forms) assert.equal(parts.length + more, 9);
  assert.equal(forms.at(-1)?.parts.length, 1);
});

test("what is cut has at most so many bytes, is whole letters and the beginning of what it was", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 3, max: 60 }), (text, most) => {
      const cut = cutToBytes(text, most);
      assert.ok(Buffer.byteLength(cut) <= most || cut === text);
      assert.ok(cut === text || text.startsWith(cut.slice(0, -1)));
      assert.equal(Buffer.from(cut).toString(), cut.toWellFormed());
    }),
  );
});

test("times are told in the zone that was asked for, across a change of the clocks too", () => {
  const at = Date.parse("2026-03-29T00:59:59Z");
  assert.equal(tellTime(at, "Europe/Berlin"), "2026-03-29 01:59:59 CET");
  assert.equal(tellTime(at + 1_000, "Europe/Berlin"), "2026-03-29 03:00:00 CEST");
  assert.equal(tellTime(at, "Asia/Shanghai"), "2026-03-29 08:59:59 GMT+8");
});
