import { INHIBITIONS } from "./inhibitions.ts";
import { chatMessage, emailOf } from "./messages.ts";
import { type Environment, readSettings, type Settings } from "./settings.ts";

function receiver(settings: Settings) {
  const base = settings.ALERT_RUNBOOK_BASE_URL ?? "";
  switch (settings.ALERT_RECEIVER) {
    case "none":
      return {};
    case "webhook":
      return { webhook_configs: [{ url: settings.ALERT_WEBHOOK_URL_FILE.text, send_resolved: true }] };
    case "email":
      return {
        email_configs: [
          {
            to: settings.ALERT_EMAIL_TO,
            from: settings.ALERT_EMAIL_FROM,
            smarthost: settings.ALERT_SMTP_HOST,
            auth_username: settings.ALERT_SMTP_USER,
            auth_password: settings.ALERT_SMTP_PASSWORD_FILE.text,
            send_resolved: true,
            ...emailOf(base),
          },
        ],
      };
    case "wecom":
      return {
        wechat_configs: [
          {
            corp_id: settings.ALERT_WECOM_CORP_ID,
            agent_id: settings.ALERT_WECOM_AGENT_ID,
            to_user: settings.ALERT_WECOM_TO_USER,
            api_secret: settings.ALERT_WECOM_SECRET_FILE.text,
            message: chatMessage(base),
            send_resolved: true,
          },
        ],
      };
  }
}

/**
 * Alertmanager's configuration for the receiver that the environment chooses, as JSON (which is YAML).
 * It holds secrets: write it where only Alertmanager can read it.
 * @throws ConfigError that names every mistake of the environment.
 */
export function renderAlertmanager(env: Environment): string {
  return JSON.stringify({
    route: {
      receiver: "operators",
      // Several machines with one trouble are one message.
      group_by: ["alertname", "pool"],
      group_wait: "10s",
      group_interval: "1m",
      repeat_interval: "4h",
      routes: [
        // What a dead man's switch waits for comes often; what wakes a person is said again sooner.
        { matchers: ['alertname="Watchdog"'], receiver: "operators", repeat_interval: "1h" },
        { matchers: ['severity="critical"'], receiver: "operators", repeat_interval: "1h" },
        { matchers: ['severity="warning"'], receiver: "operators", repeat_interval: "12h" },
      ],
    },
    inhibit_rules: INHIBITIONS,
    receivers: [{ name: "operators", ...receiver(readSettings(env)) }],
  });
}
