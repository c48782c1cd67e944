import type { RobotKind, RobotsFile } from "../../services/messenger/src/config/robots.ts";
import { INHIBITIONS } from "./inhibitions.ts";
import { chatMessage, emailOf, type Manner, titleOf } from "./messages.ts";
import type { Kind, Receiver, Settings } from "./settings.ts";

/** Where the messenger takes alerts, by its name in the compose file; a stack without containers has another. */
export const MESSENGER_URL = "http://messenger:9104";
/** So many alerts of a group are told of each; the messenger says how many more there are. */
const MOST_ALERTS = 20;

/** The robots, by their receivers' names. */
const ROBOT_OF = {
  "wecom-robot": "wecom",
  dingtalk: "dingtalk",
  feishu: "feishu",
} as const satisfies Partial<Record<Kind, RobotKind>>;

/** Nobody reads hourly in a group that nothing is wrong; a dead man's switch does, and a mailbox may be one. */
const HEARS_WATCHDOG: readonly Kind[] = ["webhook", "email", "wecom"];

function integration(receiver: Receiver, manner: Manner, messenger: string) {
  const { kind } = receiver;
  const common = { send_resolved: true };
  switch (kind) {
    case "webhook":
      return { webhook_configs: [{ url: receiver.ALERT_WEBHOOK_URL, ...common }] };
    case "email":
      return {
        email_configs: [
          {
            to: receiver.ALERT_EMAIL_TO,
            from: receiver.ALERT_EMAIL_FROM,
            smarthost: receiver.ALERT_SMTP_HOST,
            auth_username: receiver.ALERT_SMTP_USER,
            auth_password: receiver.ALERT_SMTP_PASSWORD,
            ...common,
            ...emailOf(manner),
          },
        ],
      };
    case "wecom":
      return {
        wechat_configs: [
          {
            corp_id: receiver.ALERT_WECOM_CORP_ID,
            agent_id: receiver.ALERT_WECOM_AGENT_ID,
            to_user: receiver.ALERT_WECOM_TO_USER,
            api_secret: receiver.ALERT_WECOM_SECRET,
            message: chatMessage(manner),
            ...common,
          },
        ],
      };
    case "telegram":
      return {
        telegram_configs: [
          {
            api_url: receiver.ALERT_TELEGRAM_API_URL,
            bot_token: receiver.ALERT_TELEGRAM_BOT_TOKEN,
            chat_id: Number(receiver.ALERT_TELEGRAM_CHAT_ID),
            message: chatMessage(manner),
            // Plain text: a "<" in a message would else be refused as HTML.
            parse_mode: "",
            ...common,
          },
        ],
      };
    case "slack":
      return {
        slack_configs: [
          {
            api_url: receiver.ALERT_SLACK_URL,
            title: titleOf(manner.language),
            title_link: "",
            text: chatMessage(manner),
            ...common,
          },
        ],
      };
    case "wecom-robot":
    case "dingtalk":
    case "feishu": {
      const url = `${messenger}/alerts/${ROBOT_OF[kind]}`;
      return { webhook_configs: [{ url, max_alerts: MOST_ALERTS, ...common }] };
    }
  }
}

/** Which alerts a receiver hears of; one that calls itself a test reaches everybody. */
function matchersOf({ kind, only }: Receiver): string[] {
  return [
    ...(only === undefined ? [] : [`severity=~"${only}|none"`]),
    ...(HEARS_WATCHDOG.includes(kind) && only === undefined ? [] : ['alertname!="Watchdog"']),
  ];
}

/** Several receivers each hear of all that is theirs, whatever becomes of it at the others. */
const routeOf = (receiver: Receiver) => ({
  receiver: receiver.kind,
  matchers: matchersOf(receiver),
  continue: true,
  routes: [
    // What a dead man's switch waits for comes often; what wakes a person is said again sooner.
    { matchers: ['alertname="Watchdog"'], repeat_interval: "1h" },
    { matchers: ['severity="critical"'], repeat_interval: "1h" },
    { matchers: ['severity="warning"'], repeat_interval: "12h" },
  ],
});

/**
 * Alertmanager's configuration, as JSON (which is YAML).
 * It holds secrets: write it where only Alertmanager can read it.
 */
export function renderAlertmanager(settings: Settings, messenger = MESSENGER_URL): string {
  const { receivers, ALERT_LANGUAGE: language, ALERT_RUNBOOK_BASE_URL: base = "" } = settings;
  return JSON.stringify({
    route: {
      // Whom nothing below is for.
      receiver: "nobody",
      // Several machines with one trouble are one message.
      group_by: ["alertname", "pool"],
      group_wait: "10s",
      group_interval: "1m",
      repeat_interval: "4h",
      routes: receivers.map(routeOf),
    },
    inhibit_rules: INHIBITIONS,
    receivers: [
      { name: "nobody" },
      ...receivers.map((receiver) => ({
        name: receiver.kind,
        ...integration(receiver, { base, language }, messenger),
      })),
    ],
  });
}

/** The messenger's file, as JSON; undefined where no robot is named. It holds secrets, too. */
export function renderRobots(settings: Settings): string | undefined {
  const robots: RobotsFile["robots"] = {};
  for (const receiver of settings.receivers) {
    if (receiver.kind === "wecom-robot") robots.wecom = { url: receiver.ALERT_WECOM_ROBOT_URL };
    else if (receiver.kind === "dingtalk")
      robots.dingtalk = target(receiver.ALERT_DINGTALK_URL, receiver.ALERT_DINGTALK_SECRET);
    else if (receiver.kind === "feishu")
      robots.feishu = target(receiver.ALERT_FEISHU_URL, receiver.ALERT_FEISHU_SECRET);
  }
  if (Object.keys(robots).length === 0) return undefined;
  const file: RobotsFile = {
    language: settings.ALERT_LANGUAGE,
    timeZone: settings.ALERT_TIME_ZONE,
    runbookBase: settings.ALERT_RUNBOOK_BASE_URL ?? "",
    robots,
  };
  return JSON.stringify(file);
}

const target = (url: string, secret: string | undefined) => ({
  url,
  ...(secret === undefined ? {} : { secret }),
});
