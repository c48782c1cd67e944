/** Who hears of alerts: the environment → settings, or every mistake in it at once. */
import { readFileSync } from "node:fs";
import { ConfigError, describeError } from "@gpu-power-manager/shared/errors";
import { z } from "zod";

export type Environment = Readonly<Record<string, string | undefined>>;

const given = (what: string) => z.string({ error: `is missing; it must be ${what}` });

/** A path of a file that holds the value; what it holds is what is passed on. */
const secretFile = (what: string, check: z.ZodType<string> = z.string()) =>
  given(`the path of a file that holds ${what}`).transform((path, context) => {
    const refuse = (message: string) => {
      context.addIssue(message);
      return z.NEVER;
    };
    try {
      const text = readFileSync(path, "utf8").trim();
      if (text === "") return refuse(`names ${path}, which is empty; write ${what} into it`);
      return check.safeParse(text).success
        ? { path, text }
        : refuse(`names ${path}, which does not hold ${what}`);
    } catch (error) {
      return refuse(`cannot be read (${describeError(error)}); write ${what} into that file`);
    }
  });

const ADDRESS = /^[^@\s,]+@[^@\s,]+$/;
const addresses = (text: string) => text.split(",").every((each) => ADDRESS.test(each.trim()));

/** Where the runbooks can be read, put before their paths in messages. */
const runbooks = {
  ALERT_RUNBOOK_BASE_URL: z
    .url({ protocol: /^https?$/, error: "must be an http or https address that docs/runbooks/… can follow" })
    .transform((url) => (url.endsWith("/") ? url : `${url}/`))
    .optional(),
};

const RECEIVERS = {
  none: z.object({ ALERT_RECEIVER: z.literal("none"), ...runbooks }),
  webhook: z.object({
    ALERT_RECEIVER: z.literal("webhook"),
    ALERT_WEBHOOK_URL_FILE: secretFile("an http or https address", z.url({ protocol: /^https?$/ })),
    ...runbooks,
  }),
  email: z.object({
    ALERT_RECEIVER: z.literal("email"),
    ALERT_EMAIL_TO: given("addresses, separated by commas").refine(addresses, {
      error: "must be addresses such as ops@example.com, separated by commas",
    }),
    ALERT_EMAIL_FROM: given("an address").regex(ADDRESS, "must be an address such as gpu@example.com"),
    ALERT_SMTP_HOST: given("host:port of the mail server").regex(
      /^[^:\s]+:\d+$/,
      "must be host:port, such as mail.example.com:587",
    ),
    ALERT_SMTP_USER: given("the user at the mail server"),
    ALERT_SMTP_PASSWORD_FILE: secretFile("the password at the mail server"),
    ...runbooks,
  }),
  wecom: z.object({
    ALERT_RECEIVER: z.literal("wecom"),
    ALERT_WECOM_CORP_ID: given("the company's id at WeCom"),
    ALERT_WECOM_AGENT_ID: given("the application's number").regex(
      /^\d+$/,
      "must be a number such as 1000002",
    ),
    ALERT_WECOM_TO_USER: z.string().default("@all"),
    ALERT_WECOM_SECRET_FILE: secretFile("the application's secret"),
    ...runbooks,
  }),
};
const Settings = z.discriminatedUnion("ALERT_RECEIVER", [
  RECEIVERS.none,
  RECEIVERS.webhook,
  RECEIVERS.email,
  RECEIVERS.wecom,
]);
export type Settings = z.output<typeof Settings>;

/** @throws ConfigError that names every mistake. An empty variable is one that nobody set. */
export function readSettings(env: Environment): Settings {
  const set = Object.fromEntries(
    Object.entries(env).filter(
      ([name, value]) => name.startsWith("ALERT_") && value !== undefined && value !== "",
    ),
  );
  const receiver = set.ALERT_RECEIVER ?? "none";
  const parsed = Settings.safeParse({ ...set, ALERT_RECEIVER: receiver });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, code, message }) => {
    const name = path.join(".");
    if (code === "invalid_union")
      return `${name} must be one of ${Object.keys(RECEIVERS).join(", ")}, not "${receiver}"`;
    return `${name} ${message}`;
  });
  throw new ConfigError(`The alerts' receiver (ALERT_RECEIVER=${receiver})`, problems);
}
