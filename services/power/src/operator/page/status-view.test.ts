import assert from "node:assert/strict";
import { test } from "node:test";
import type { Language } from "./language.ts";
import { type Overview, statusView } from "./status-view.ts";

const NOW = Date.parse("2026-11-25T12:00:00.000Z");
const overview: Overview = {
  pool: "default",
  status: { words: "NATS is away." },
  why: undefined,
  listeners: [],
  alerts: { words: { en: "PROMETHEUS_URL is not set", zh: "未设置 PROMETHEUS_URL" } },
  usage: [],
  role: "viewer",
  now: NOW,
};
const alert = {
  name: "ListenerDown",
  severity: "critical" as const,
  since: new Date(NOW - 90_000).toISOString(),
  summary: { en: "No listener <answers>", zh: "没有监听服务响应" },
  description: { en: "", zh: "" },
  runbook: "docs/runbooks/ListenerDown.md",
};

function alertsOf(alerts: Overview["alerts"], language: Language = "en"): string {
  const speech = { language, say: (en: string, zh: string) => (language === "zh" ? zh : en), zone: "UTC" };
  const { text } = statusView({ ...overview, alerts }, speech);
  return /<section id="fact-alerts".*?<\/section>/s.exec(text)?.[0] ?? "";
}

test("alerts: unknown with its reason, none, or each with since when and what to do", () => {
  assert.match(alertsOf(overview.alerts), /unknown.*PROMETHEUS_URL is not set/s);
  const at = new Date(NOW - 5_000).toISOString();
  assert.match(alertsOf({ at, alerts: [] }), /mood-good.*none.*asked.*5 s/s);
  const one = alertsOf({ at, alerts: [alert] });
  assert.match(one, /mood-bad.*1 fires.*No listener &lt;answers&gt;.*ListenerDown.*1 min/s);
  assert.match(one, /what to do: docs\/runbooks\/ListenerDown\.md/);
  const zh = alertsOf({ at, alerts: [alert, { ...alert, severity: "warning" }] }, "zh");
  assert.match(zh, /2 个正在触发.*没有监听服务响应/s);
});
