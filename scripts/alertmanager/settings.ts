/** Who hears of alerts: the environment → settings, or every mistake in it at once. */
import { describeEnv, type EnvRow, loadEnv } from "@gpu-power-manager/shared/env";
import { ConfigError } from "@gpu-power-manager/shared/errors";
import { z } from "zod";
import { LANGUAGES } from "../../services/messenger/src/config/robots.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const address = (what: string, looksRight: (url: URL) => boolean = () => true) =>
  z
    .string()
    .refine((text) => URL.canParse(text) && /^https?:/i.test(text) && looksRight(new URL(text)), {
      error: `must be ${what}`,
    })
    .meta({ description: what, secret: true });
const given = (what: string) => z.string().meta({ description: what });
const secret = (what: string) => z.string().meta({ description: what, secret: true });
/** What is said of a field is lost when it is made optional afterwards. */
const optionalSecret = (what: string) => z.string().optional().meta({ description: what, secret: true });

const ADDRESS = /^[^@\s,]+@[^@\s,]+$/;
const addresses = (text: string) => text.split(",").every((each) => ADDRESS.test(each.trim()));

/** What each kind of receiver wants to know. */
const KINDS = {
  webhook: z.object({ ALERT_WEBHOOK_URL: address("an http or https address") }),
  email: z.object({
    ALERT_EMAIL_TO: given("addresses, separated by commas").refine(addresses, {
      error: "must be addresses such as ops@example.com, separated by commas",
    }),
    ALERT_EMAIL_FROM: given("an address").regex(ADDRESS, "must be an address such as gpu@example.com"),
    ALERT_SMTP_HOST: given("host:port of the mail server").regex(
      /^[^:\s]+:\d+$/,
      "must be host:port, such as mail.example.com:587",
    ),
    ALERT_SMTP_USER: given("the user at the mail server"),
    ALERT_SMTP_PASSWORD: secret("the password at the mail server"),
  }),
  wecom: z.object({
    ALERT_WECOM_CORP_ID: given("the company's id at WeCom"),
    ALERT_WECOM_AGENT_ID: given("the application's number").regex(
      /^\d+$/,
      "must be a number such as 1000002",
    ),
    ALERT_WECOM_TO_USER: z.string().default("@all"),
    ALERT_WECOM_SECRET: secret("the application's secret"),
  }),
  "wecom-robot": z.object({
    ALERT_WECOM_ROBOT_URL: address(
      "the address that WeCom shows for the group's robot, with its key",
      (url) => url.searchParams.has("key"),
    ),
  }),
  dingtalk: z.object({
    ALERT_DINGTALK_URL: address(
      "the address that DingTalk shows for the robot, with its access_token",
      (url) => url.searchParams.has("access_token"),
    ),
    ALERT_DINGTALK_SECRET: optionalSecret("the robot's signing secret (SEC…)"),
  }),
  feishu: z.object({
    ALERT_FEISHU_URL: address("the address that Feishu shows for the robot, with …/hook/…", (url) =>
      url.pathname.includes("/hook/"),
    ),
    ALERT_FEISHU_SECRET: optionalSecret("the robot's signing secret"),
  }),
  telegram: z.object({
    ALERT_TELEGRAM_BOT_TOKEN: secret("the token that BotFather gave"),
    ALERT_TELEGRAM_CHAT_ID: given("the number of the chat").regex(
      /^-?\d+$/,
      "must be a number such as -1001234567890",
    ),
    ALERT_TELEGRAM_API_URL: z
      .url({ protocol: /^https?$/, error: "must be an http or https address" })
      .default("https://api.telegram.org"),
  }),
  slack: z.object({ ALERT_SLACK_URL: address("the address of an incoming webhook of Slack") }),
} as const;
export type Kind = keyof typeof KINDS;
const isKind = (text: string): text is Kind => text in KINDS;

const zoneExists = (name: string): boolean => {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
};
const Common = z.object({
  /** Where the runbooks can be read, put before their paths in messages. */
  ALERT_RUNBOOK_BASE_URL: z
    .url({ protocol: /^https?$/, error: "must be an http or https address that docs/runbooks/… can follow" })
    .transform((url) => (url.endsWith("/") ? url : `${url}/`))
    .optional(),
  ALERT_LANGUAGE: z.enum(LANGUAGES, { error: `must be one of ${LANGUAGES.join(", ")}` }).default("both"),
  ALERT_TIME_ZONE: z
    .string()
    .refine(zoneExists, { error: "must be a time zone such as Asia/Shanghai" })
    .default("UTC"),
});

/** Whoever is to hear of one severity alone, of the others not. */
export const ONLY = ["critical", "warning"] as const;
export type Only = (typeof ONLY)[number];

type Told = { [K in Kind]: { readonly kind: K } & z.output<(typeof KINDS)[K]> }[Kind];
export type Receiver = Told & { readonly only: Only | undefined };
export type Settings = z.output<typeof Common> & { readonly receivers: readonly Receiver[] };

/** `name` or `name:severity`. */
function chosen(words: string, problems: string[]): Array<{ kind: Kind; only: Only | undefined }> {
  const found = new Map<string, { kind: Kind; only: Only | undefined }>();
  const names = Object.keys(KINDS).join(", ");
  for (const word of words.split(",").map((each) => each.trim())) {
    const [name = "", severity, ...rest] = word.split(":");
    const only = ONLY.find((each) => each === severity);
    if (!isKind(name))
      problems.push(`ALERT_RECEIVER must be none, or some of ${names}, separated by commas; not "${word}"`);
    else if (rest.length > 0 || (severity !== undefined && only === undefined))
      problems.push(`ALERT_RECEIVER: after ${name}: may stand ${ONLY.join(" or ")}, not "${word}"`);
    else if (found.has(name)) problems.push(`ALERT_RECEIVER names ${name} twice: keep one`);
    else found.set(name, { kind: name, only });
  }
  return [...found.values()];
}

/** "is missing" with what is wanted, and in which two ways a secret can be given. */
function withRemedy(problem: string, rows: readonly EnvRow[]): string {
  const [, name] = /^(\w+) is missing: set it$/.exec(problem) ?? [];
  const row = rows.find((each) => each.name === name);
  if (row === undefined) return problem;
  const file = row.secret ? `, or ${row.name}_FILE the path of a file that holds it` : "";
  return `${row.name} is missing; it must be ${row.description}${file}`;
}

function read<S extends z.ZodObject>(
  schema: S,
  env: Environment,
  problems: string[],
): z.output<S> | undefined {
  try {
    return loadEnv(schema, env).config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const rows = describeEnv(schema);
    problems.push(...error.problems.map((problem) => withRemedy(problem, rows)));
    return undefined;
  }
}

function readReceiver(kind: Kind, env: Environment, problems: string[]): Told | undefined {
  const told = <K extends Kind>(name: K, values: z.output<(typeof KINDS)[K]> | undefined) =>
    values === undefined ? undefined : { kind: name, ...values };
  switch (kind) {
    case "webhook":
      return told(kind, read(KINDS[kind], env, problems));
    case "email":
      return told(kind, read(KINDS[kind], env, problems));
    case "wecom":
      return told(kind, read(KINDS[kind], env, problems));
    case "wecom-robot":
      return told(kind, read(KINDS[kind], env, problems));
    case "dingtalk":
      return told(kind, read(KINDS[kind], env, problems));
    case "feishu":
      return told(kind, read(KINDS[kind], env, problems));
    case "telegram":
      return told(kind, read(KINDS[kind], env, problems));
    case "slack":
      return told(kind, read(KINDS[kind], env, problems));
  }
}

/** @throws ConfigError that names every mistake. An empty variable is one that nobody set. */
export function readSettings(env: Environment): Settings {
  const words = env.ALERT_RECEIVER || "none";
  const problems: string[] = [];
  const common = read(Common, env, problems);
  const wanted = words === "none" ? [] : chosen(words, problems);
  const receivers = wanted.flatMap(({ kind, only }) => {
    const receiver = readReceiver(kind, env, problems);
    return receiver === undefined ? [] : [{ ...receiver, only }];
  });
  if (common === undefined || problems.length > 0)
    throw new ConfigError(`The alerts' receiver (ALERT_RECEIVER=${words})`, problems);
  return { ...common, receivers };
}

/** Every line of .env that this reads, `<NAME>_FILE` of secrets among them. */
export function settingNames(): string[] {
  const rows = [Common, ...Object.values(KINDS)].flatMap((schema) => describeEnv(schema));
  return [
    "ALERT_RECEIVER",
    ...rows.flatMap(({ name, secret: is }) => (is ? [name, `${name}_FILE`] : [name])),
  ];
}
