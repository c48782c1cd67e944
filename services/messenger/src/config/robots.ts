/** Which group robots there are and how to speak to them: the file that `make up` renders from the ALERT_ lines. */
import { z } from "zod";

export const ROBOTS = ["wecom", "dingtalk", "feishu"] as const;
export type RobotKind = (typeof ROBOTS)[number];

export const LANGUAGES = ["both", "en", "zh"] as const;
export type Language = (typeof LANGUAGES)[number];

/** Where a robot takes messages, and the key by which it wants them signed, where it does. */
const Target = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  secret: z.string().min(1).optional(),
});
export type Target = z.output<typeof Target>;

export const RobotsFile = z.strictObject({
  language: z.enum(LANGUAGES),
  /** IANA name, in which times are told. */
  timeZone: z.string(),
  /** Put before a runbook's path; empty where the path alone is named. */
  runbookBase: z.string(),
  robots: z.partialRecord(z.enum(ROBOTS), Target),
});
export type RobotsFile = z.output<typeof RobotsFile>;

/** What must never be seen in a log: addresses hold the robots' keys. */
export const secretsOf = ({ robots }: RobotsFile): string[] =>
  Object.values(robots).flatMap(({ url, secret }) => {
    const { pathname, searchParams } = new URL(url);
    const keys = [...searchParams.values(), pathname.split("/").at(-1) ?? ""];
    return [url, ...keys.filter((key) => key.length >= 8), ...(secret === undefined ? [] : [secret])];
  });
