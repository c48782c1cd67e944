import { readFileSync } from "node:fs";
import { z } from "zod";

const Settings = z.discriminatedUnion("ALERT_RECEIVER", [
  z.object({ ALERT_RECEIVER: z.literal("none") }),
  z.object({ ALERT_RECEIVER: z.literal("webhook"), ALERT_WEBHOOK_URL_FILE: z.string() }),
  z.object({
    ALERT_RECEIVER: z.literal("email"),
    ALERT_EMAIL_TO: z.string(),
    ALERT_EMAIL_FROM: z.string(),
    ALERT_SMTP_HOST: z.string(),
    ALERT_SMTP_USER: z.string(),
    ALERT_SMTP_PASSWORD_FILE: z.string(),
  }),
  z.object({
    ALERT_RECEIVER: z.literal("wecom"),
    ALERT_WECOM_CORP_ID: z.string(),
    ALERT_WECOM_AGENT_ID: z.string(),
    ALERT_WECOM_TO_USER: z.string().default("@all"),
    ALERT_WECOM_SECRET_FILE: z.string(),
  }),
]);

const secret = (path: string) => readFileSync(path, "utf8").trim();

function receiver(settings: z.infer<typeof Settings>) {
  switch (settings.ALERT_RECEIVER) {
    case "none":
      return {};
    case "webhook":
      return { webhook_configs: [{ url: secret(settings.ALERT_WEBHOOK_URL_FILE), send_resolved: true }] };
    case "email":
      return {
        email_configs: [
          {
            to: settings.ALERT_EMAIL_TO,
            from: settings.ALERT_EMAIL_FROM,
            smarthost: settings.ALERT_SMTP_HOST,
            auth_username: settings.ALERT_SMTP_USER,
            auth_password_file: settings.ALERT_SMTP_PASSWORD_FILE,
            send_resolved: true,
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
            api_secret: secret(settings.ALERT_WECOM_SECRET_FILE),
            send_resolved: true,
          },
        ],
      };
  }
}

const inhibit = (source: string, targets: readonly string[]) => ({
  source_matchers: [`alertname="${source}"`],
  target_matchers: [`alertname=~"${targets.join("|")}"`],
});

/**
 * Alertmanager's configuration for the receiver that the environment chooses, as JSON (which is YAML).
 * It holds secrets: write it where only Alertmanager can read it.
 */
export function renderAlertmanager(env: Readonly<Record<string, string | undefined>>): string {
  const settings = Settings.parse({ ...env, ALERT_RECEIVER: env.ALERT_RECEIVER ?? "none" });
  return JSON.stringify({
    route: {
      receiver: "operators",
      group_by: ["alertname"],
      group_wait: "10s",
      group_interval: "1m",
      repeat_interval: "4h",
      routes: [{ matchers: ['alertname="Watchdog"'], receiver: "operators", repeat_interval: "1h" }],
    },
    inhibit_rules: [
      inhibit("ListenerDown", ["ListenerNotRegistered", "NotificationPathUnproven"]),
      inhibit("ListenerNotRegistered", ["NotificationPathUnproven"]),
      inhibit("PowerDown", ["PowerNotReconciling", "EventsStuck"]),
      inhibit("ConsoleLoginRequired", [
        "ConsoleStateUnknown",
        "ConsoleSelectorDrift",
        "JobWaitingWithoutGpu",
      ]),
      inhibit("ConsoleSelectorDrift", ["ConsoleStateUnknown"]),
      inhibit("GpuStuckStarting", ["JobWaitingWithoutGpu"]),
    ],
    receivers: [{ name: "operators", ...receiver(settings) }],
  });
}
