/** What an alert looks like to each receiver, as text: `make test-alert` shows it beside sending it. */
import { z } from "zod";
import { messageOf, type Manner as RobotManner } from "../../services/messenger/src/alerts/message.ts";
import { type Alert, Notification } from "../../services/messenger/src/alerts/notification.ts";
import { stepsFrom } from "../../services/messenger/src/alerts/runbooks.ts";
import type { Language } from "../../services/messenger/src/config/robots.ts";
import { dingtalk } from "../../services/messenger/src/robots/dingtalk.ts";
import { feishu } from "../../services/messenger/src/robots/feishu.ts";
import { wecom } from "../../services/messenger/src/robots/wecom.ts";
import type { Receiver, Settings } from "./settings.ts";

const RUNBOOKS = new URL("../../docs/runbooks", import.meta.url).pathname;
/** Only the words are shown; where they would go is not. */
const NOWHERE = { url: "http://nowhere.invalid/" };

const Wecom = z.object({ markdown: z.object({ content: z.string() }) });
const Dingtalk = z.object({ markdown: z.object({ title: z.string(), text: z.string() }) });
const Feishu = z.object({
  card: z.object({
    header: z.object({ template: z.string(), title: z.object({ content: z.string() }) }),
    elements: z.tuple([z.object({ text: z.object({ content: z.string() }) })]),
  }),
});

/** As chatMessage of messages.ts has Alertmanager write it: a test compares the two. */
export function chatText(
  { status, labels, annotations, startsAt, endsAt }: Alert,
  base: string,
  language: Language,
) {
  const over = status === "resolved";
  const of = (name: string) => annotations[name] ?? "";
  const head = {
    both: over ? "[resolved 已恢复] " : `[${labels.severity}] `,
    en: over ? "[resolved] " : `[${labels.severity}] `,
    zh: over ? "[已恢复] " : `[${labels.severity}] `,
  }[language];
  const when = {
    both: over ? "resolved 已恢复" : "since 开始于",
    en: over ? "resolved" : "since",
    zh: over ? "已恢复" : "开始于",
  }[language];
  const texts = {
    both: [of("summary"), of("description"), of("summary_zh"), of("description_zh")],
    en: [of("summary"), of("description")],
    zh: [of("summary_zh") || of("summary"), of("description_zh") || of("description")],
  }[language];
  const runbook = of("runbook_url");
  const at = (over ? endsAt : startsAt) ?? 0;
  const time = `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const where = `${base}${language === "zh" ? runbook.replace(/\.md$/, ".zh-CN.md") : runbook}`;
  return `${head}${[...texts, `${when} ${time}`, where].join("\n")}`;
}

function seenBy({ kind }: Receiver, notification: Notification, settings: Settings): string {
  const { ALERT_LANGUAGE: language, ALERT_TIME_ZONE: timeZone, ALERT_RUNBOOK_BASE_URL: base = "" } = settings;
  const manner: RobotManner = { language, timeZone, runbookBase: base, stepsOf: stepsFrom(RUNBOOKS) };
  const message = messageOf(notification, manner);
  switch (kind) {
    case "wecom-robot":
      return Wecom.parse(JSON.parse(wecom.request(message, NOWHERE, 0).body)).markdown.content;
    case "dingtalk": {
      const { title, text } = Dingtalk.parse(JSON.parse(dingtalk.request(message, NOWHERE, 0).body)).markdown;
      return `(${title})\n${text}`;
    }
    case "feishu": {
      const { header, elements } = Feishu.parse(JSON.parse(feishu.request(message, NOWHERE, 0).body)).card;
      return `(${header.template}) ${header.title.content}\n${elements[0].text.content}`;
    }
    case "webhook":
      return "(Alertmanager's JSON)";
    default:
      return notification.alerts.map((alert) => chatText(alert, base, language)).join("\n\n");
  }
}

/**
 * @param at when the alert began, as text.
 * @param annotations `name=value` each.
 */
export function preview(settings: Settings, at: string, annotations: readonly string[]): string {
  const notification = Notification.parse({
    status: "firing",
    alerts: [
      {
        status: "firing",
        labels: { alertname: "TestAlert", severity: "none" },
        annotations: Object.fromEntries(
          annotations.map((each) => [each.slice(0, each.indexOf("=")), each.slice(each.indexOf("=") + 1)]),
        ),
        startsAt: at,
        endsAt: "0001-01-01T00:00:00Z",
      },
    ],
  });
  return settings.receivers
    .map((receiver) => {
      const only = receiver.only === undefined ? "" : `, hears of ${receiver.only} only`;
      return `--- ${receiver.kind}${only}\n${seenBy(receiver, notification, settings)}`;
    })
    .join("\n\n");
}
