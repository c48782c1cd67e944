/** amtool accepts the configuration of each receiver, messages read well, and mistakes are named all at once. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError } from "@gpu-power-manager/shared/errors";
import { parse } from "yaml";
import { z } from "zod";
import { Notification } from "../../services/messenger/src/alerts/notification.ts";
import { RobotsFile } from "../../services/messenger/src/config/robots.ts";
import { INHIBITIONS } from "./inhibitions.ts";
import { chatMessage, emailOf, type Manner } from "./messages.ts";
import { chatText, preview } from "./preview.ts";
import { renderAlertmanager, renderRobots } from "./render.ts";
import { type Environment, readSettings } from "./settings.ts";

const dir = mkdtempSync(join(tmpdir(), "alertmanager-"));
const url = join(dir, "url");
writeFileSync(url, "http://127.0.0.1:9/hook\n");
const empty = join(dir, "empty");
writeFileSync(empty, "\n");

const EMAIL = {
  ALERT_RECEIVER: "email",
  ALERT_EMAIL_TO: "a@example.com, c@example.com",
  ALERT_EMAIL_FROM: "b@example.com",
  ALERT_SMTP_HOST: "mail.example.com:587",
  ALERT_SMTP_USER: "b",
  ALERT_SMTP_PASSWORD_FILE: url,
};
const WECOM = {
  ALERT_RECEIVER: "wecom",
  ALERT_WECOM_CORP_ID: "c",
  ALERT_WECOM_AGENT_ID: "1",
  ALERT_WECOM_SECRET_FILE: url,
};
const ROBOTS = {
  ALERT_RECEIVER: "wecom-robot, dingtalk:critical,feishu:warning",
  ALERT_WECOM_ROBOT_URL: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k1",
  ALERT_DINGTALK_URL: "https://oapi.dingtalk.com/robot/send?access_token=t1",
  ALERT_DINGTALK_SECRET_FILE: url,
  ALERT_FEISHU_URL: "https://open.feishu.cn/open-apis/bot/v2/hook/h1",
};
const TELEGRAM = {
  ALERT_RECEIVER: "telegram",
  ALERT_TELEGRAM_BOT_TOKEN_FILE: url,
  ALERT_TELEGRAM_CHAT_ID: "-1001234567890",
};
const SLACK = { ALERT_RECEIVER: "slack", ALERT_SLACK_URL: "https://hooks.slack.com/services/T/B/X" };
const BASE = "https://git.example.com/ops/gpu/src/main";
const render = (env: Environment) => renderAlertmanager(readSettings(env));
const manner = (base: string, language: Manner["language"] = "both"): Manner => ({ base, language });

function run(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync("amtool", args, { encoding: "utf8" });
  assert.equal(status, 0, `${stdout}${stderr}`);
  return stdout;
}

for (const env of [
  {},
  { ALERT_RECEIVER: "", ALERT_RUNBOOK_BASE_URL: "" },
  { ALERT_RECEIVER: "webhook", ALERT_WEBHOOK_URL_FILE: url },
  EMAIL,
  { ...EMAIL, ALERT_RUNBOOK_BASE_URL: BASE },
  WECOM,
  { ...WECOM, ALERT_RUNBOOK_BASE_URL: `${BASE}/` },
  ROBOTS,
  TELEGRAM,
  SLACK,
  {
    ...EMAIL,
    ...WECOM,
    ...ROBOTS,
    ...TELEGRAM,
    ...SLACK,
    ALERT_RECEIVER: "webhook,email,wecom,wecom-robot,dingtalk,feishu,telegram:critical,slack:warning",
    ALERT_WEBHOOK_URL: "http://127.0.0.1:9/hook",
    ALERT_LANGUAGE: "zh",
  },
]) {
  const name = `${env.ALERT_RECEIVER || "no receiver"}${"ALERT_RUNBOOK_BASE_URL" in env ? " with runbooks" : ""}`;
  test(`amtool accepts the configuration for ${name}`, () => {
    const path = join(dir, "alertmanager.yml");
    writeFileSync(path, render(env));
    run("check-config", path);
  });
}

for (const [env, ...problems] of [
  [
    { ALERT_RECEIVER: "webhook" },
    "ALERT_WEBHOOK_URL is missing; it must be an http or https address, or ALERT_WEBHOOK_URL_FILE the path",
  ],
  [{ ALERT_RECEIVER: "webhook", ALERT_WEBHOOK_URL_FILE: empty }, "ALERT_WEBHOOK_URL is missing"],
  [
    { ALERT_RECEIVER: "webhook", ALERT_WEBHOOK_URL_FILE: "/nowhere" },
    "ALERT_WEBHOOK_URL_FILE cannot be read",
  ],
  [
    { ALERT_RECEIVER: "pager" },
    'ALERT_RECEIVER must be none, or some of webhook, email, wecom, wecom-robot, dingtalk, feishu, telegram, slack, separated by commas; not "pager"',
  ],
  [{ ...SLACK, ALERT_RECEIVER: "slack:info" }, "after slack: may stand critical or warning"],
  [{ ...SLACK, ALERT_RECEIVER: "slack, slack:critical" }, "names slack twice"],
  [
    {
      ALERT_RECEIVER: "wecom-robot,dingtalk,feishu,telegram",
      ALERT_WECOM_ROBOT_URL: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send",
      ALERT_DINGTALK_URL: "oapi.dingtalk.com",
      ALERT_FEISHU_URL: "https://open.feishu.cn/",
      ALERT_TELEGRAM_BOT_TOKEN: "t",
      ALERT_TELEGRAM_CHAT_ID: "@group",
      ALERT_LANGUAGE: "de",
      ALERT_TIME_ZONE: "Shanghai",
    },
    "ALERT_LANGUAGE must be one of both, en, zh",
    "ALERT_TIME_ZONE must be a time zone such as Asia/Shanghai",
    "ALERT_WECOM_ROBOT_URL must be the address that WeCom shows for the group's robot, with its key",
    "ALERT_DINGTALK_URL must be the address that DingTalk shows",
    "ALERT_FEISHU_URL must be the address that Feishu shows",
    "ALERT_TELEGRAM_CHAT_ID must be a number",
  ],
  [
    {
      ALERT_RECEIVER: "email",
      ALERT_EMAIL_TO: "ops",
      ALERT_SMTP_HOST: "mail.example.com",
      ALERT_SMTP_USER: "",
    },
    "ALERT_EMAIL_TO must be addresses",
    "ALERT_EMAIL_FROM is missing",
    "ALERT_SMTP_HOST must be host:port",
    "ALERT_SMTP_USER is missing",
    "ALERT_SMTP_PASSWORD is missing",
  ],
  [
    { ...WECOM, ALERT_WECOM_AGENT_ID: "x", ALERT_RUNBOOK_BASE_URL: "docs" },
    "ALERT_WECOM_AGENT_ID must be a number",
    "ALERT_RUNBOOK_BASE_URL must be an http",
  ],
] as const) {
  test(`refused in one go: ${problems.join("; ")}`, () => {
    assert.throws(
      () => readSettings(env),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.equal(error.problems.length, problems.length, error.message);
        for (const problem of problems) assert.ok(error.message.includes(problem), error.message);
        return true;
      },
    );
  });
}

const alert = (index: number, status = "firing") => ({
  status,
  labels: { alertname: "GpuStartFailed", severity: "warning", instance: `gpu-${index}`, pool: "default" },
  annotations: {
    summary: `A start of gpu-${index} failed`,
    description: `1 starts of gpu-${index} failed in 15 minutes (sold_out).`,
    summary_zh: `gpu-${index} 启动失败`,
    description_zh: `15 分钟内 gpu-${index} 有 1 次启动失败（sold_out）。`,
    runbook_url: "docs/runbooks/GpuStartFailed.md",
  },
  startsAt: "2026-01-01T10:00:00Z",
  endsAt: status === "firing" ? "0001-01-01T00:00:00Z" : "2026-01-01T10:05:00Z",
});

function rendered(template: string, alerts: ReadonlyArray<ReturnType<typeof alert>>, type = "text"): string {
  const data = join(dir, "data.json");
  const { labels = {}, annotations = {}, status = "firing" } = alerts.length === 1 ? (alerts[0] ?? {}) : {};
  writeFileSync(
    data,
    JSON.stringify({
      receiver: "operators",
      status,
      alerts,
      groupLabels: { alertname: "GpuStartFailed" },
      commonLabels: { severity: "warning", ...labels },
      commonAnnotations: annotations,
    }),
  );
  const none = join(dir, "none.tmpl");
  writeFileSync(none, "");
  const where = ["--template.glob", none, "--template.data", data, "--template.type", type];
  return run("template", "render", ...where, "--template.text", template);
}

test("a chat message says all of it in both languages, links the runbook, and is not too long for WeCom", () => {
  const one = rendered(chatMessage(manner(`${BASE}/`)), [alert(1)]);
  for (const words of [
    "[warning] A start of gpu-1 failed",
    "sold_out",
    "gpu-1 启动失败",
    "since 开始于 2026-01-01 10:00:00 UTC",
    `${BASE}/docs/runbooks/GpuStartFailed.md`,
  ])
    assert.ok(one.includes(words), one);
  assert.match(
    rendered(chatMessage(manner("")), [alert(1, "resolved")]),
    /\[resolved 已恢复\] A start of gpu-1 failed/,
  );
  const many = rendered(
    chatMessage(manner(`${BASE}/`)),
    [1, 2, 3, 4, 5].map((index) => alert(index)),
  );
  assert.ok(many.includes("gpu-3") && !many.includes("gpu-4") && many.includes("5 alerts together"), many);
  assert.ok(Buffer.byteLength(many) < 2_048, `${Buffer.byteLength(many)} bytes`);
});

test("a mail has a subject that says what, both languages, and links to both runbooks", () => {
  const { headers, html, text } = emailOf(manner(`${BASE}/`));
  assert.equal(rendered(headers.Subject, [alert(1)]).trim(), "[warning] A start of gpu-1 failed");
  assert.equal(
    rendered(headers.Subject, [alert(1, "resolved")]).trim(),
    "[resolved 已恢复] A start of gpu-1 failed",
  );
  assert.equal(rendered(headers.Subject, [alert(1), alert(2)]).trim(), "[warning] GpuStartFailed (2)");
  const page = rendered(html, [alert(1), alert(2)], "html");
  assert.ok(page.includes(`href="${BASE}/docs/runbooks/GpuStartFailed.md"`), page);
  assert.ok(page.includes(`href="${BASE}/docs/runbooks/GpuStartFailed.zh-CN.md"`), page);
  assert.ok(page.includes("gpu-2 启动失败"), page);
  assert.ok(
    rendered(emailOf(manner("")).html, [alert(1)], "html").includes(
      "<code>docs/runbooks/GpuStartFailed.md</code>",
    ),
  );
  assert.ok(rendered(text, [alert(1)]).includes("gpu-1 启动失败"));
});

for (const language of ["both", "en", "zh"] as const) {
  test(`the preview of a chat's message is what Alertmanager writes: "${language}"`, () => {
    for (const status of ["firing", "resolved"]) {
      const told = alert(1, status);
      const written = rendered(chatMessage(manner(`${BASE}/`, language)), [told]);
      const [parsed] = Notification.parse({ status, alerts: [told] }).alerts;
      assert.ok(parsed !== undefined);
      assert.equal(chatText(parsed, `${BASE}/`, language).trim(), written.trim());
    }
  });
}

test("a preview shows each receiver's message, and no key of one", () => {
  const settings = readSettings({
    ...ROBOTS,
    ...TELEGRAM,
    ALERT_RECEIVER: `${ROBOTS.ALERT_RECEIVER},telegram`,
  });
  const seen = preview(settings, "2026-01-01T10:00:00Z", [
    "summary=This is a test: a=b",
    "summary_zh=这是一条测试",
    "runbook_url=docs/runbooks/Watchdog.md",
  ]);
  assert.equal(seen.split("This is a test: a=b").length, 6, "DingTalk says it in its notification, too");
  for (const kind of [
    "wecom-robot",
    "dingtalk, hears of critical only",
    "feishu, hears of warning only",
    "telegram",
  ])
    assert.ok(seen.includes(`--- ${kind}\n`), seen);
  assert.doesNotMatch(seen, /k1|t1|h1|127\.0\.0\.1/);
});

const Rendered = z.object({
  route: z.object({
    receiver: z.string(),
    routes: z.array(
      z.object({ receiver: z.string(), matchers: z.array(z.string()), continue: z.literal(true) }),
    ),
  }),
});
/** Who hears of an alert, by amtool's own reading of the routes. */
function heardBy(env: Environment, ...labels: string[]): string[] {
  const path = join(dir, "routes.yml");
  writeFileSync(path, render(env));
  return run("config", "routes", "test", `--config.file=${path}`, ...labels)
    .trim()
    .split(",")
    .sort();
}

test("several receivers hear each of what is theirs by severity; a test reaches all, Watchdog no group", () => {
  const env = { ...WECOM, ...ROBOTS, ALERT_RECEIVER: `wecom, ${ROBOTS.ALERT_RECEIVER}` };
  assert.equal(Rendered.parse(JSON.parse(render(env))).route.routes.length, 4);
  const heard = (...labels: string[]) => heardBy(env, ...labels);
  assert.deepEqual(heard("alertname=A", "severity=critical"), ["dingtalk", "wecom", "wecom-robot"]);
  assert.deepEqual(heard("alertname=A", "severity=warning"), ["feishu", "wecom", "wecom-robot"]);
  assert.deepEqual(heard("alertname=TestAlert", "severity=none"), [
    "dingtalk",
    "feishu",
    "wecom",
    "wecom-robot",
  ]);
  assert.deepEqual(heard("alertname=Watchdog", "severity=none"), ["wecom"]);
  assert.deepEqual(heardBy({}, "alertname=A", "severity=critical"), ["nobody"]);
});

test("the messenger's file names the robots alone, and is not there without one", () => {
  assert.equal(renderRobots(readSettings({ ...SLACK })), undefined);
  const file = RobotsFile.parse(
    JSON.parse(renderRobots(readSettings({ ...ROBOTS, ALERT_LANGUAGE: "zh" })) ?? ""),
  );
  assert.deepEqual(file, {
    language: "zh",
    timeZone: "UTC",
    runbookBase: "",
    robots: {
      wecom: { url: ROBOTS.ALERT_WECOM_ROBOT_URL },
      dingtalk: { url: ROBOTS.ALERT_DINGTALK_URL, secret: "http://127.0.0.1:9/hook" },
      feishu: { url: ROBOTS.ALERT_FEISHU_URL },
    },
  });
});

test("inhibitions name alerts that exist, and none is hidden by a lesser one", () => {
  const rules = z
    .object({
      groups: z.array(
        z.object({
          rules: z.array(z.object({ alert: z.string(), labels: z.object({ severity: z.string() }) })),
        }),
      ),
    })
    .parse(parse(readFileSync(new URL("../../prometheus/rules/alerts.yml", import.meta.url), "utf8")))
    .groups.flatMap((group) => group.rules);
  const severities = (name: string) =>
    rules.filter((rule) => rule.alert === name).map((rule) => rule.labels.severity);
  const named = (matchers: readonly string[]) =>
    /alertname=~?"([^"]+)"/.exec(matchers.join(" "))?.[1]?.split("|") ?? [];
  for (const { source_matchers: source, target_matchers: target } of INHIBITIONS) {
    const [from = ""] = named(source);
    for (const to of named(target)) {
      assert.ok(severities(from).length > 0 && severities(to).length > 0, `${from} or ${to} does not exist`);
      if (!severities(from).includes("critical"))
        assert.ok(!severities(to).includes("critical"), `${from} would hide ${to}`);
    }
  }
});
