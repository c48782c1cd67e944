import { authoritiesEnv } from "@gpu-power-manager/shared/authorities";
import { busEnv } from "@gpu-power-manager/shared/bus";
import { Flag, integer, secret, serviceEnv } from "@gpu-power-manager/shared/env";
import { z } from "zod";

const MIB = 1024 * 1024;

/** An address to which a path is added. */
const base = (example: string) =>
  z
    .url({ protocol: /^https?$/, error: `must be an address such as ${example}` })
    .transform((text) => new URL(text.endsWith("/") ? text : `${text}/`));

const token = (description: string) =>
  z
    .string()
    .regex(
      /^\S{24,256}$/,
      "must be 24 to 256 characters without spaces; `openssl rand -hex 32` makes a good one",
    )
    .optional()
    .meta({ description, ...secret });

/** The environment of power; from it comes the table in the README. */
export const PowerEnv = z.object({
  ...busEnv,
  ...authoritiesEnv,
  POOL_FILE: z.string().meta({ description: "path of the pool file (YAML)" }),
  PROFILES_DIR: z.string().meta({ description: "folder of the console profiles (YAML)" }),
  STATE_DIR: z.string().meta({ description: "folder for the saved console session and artifacts" }),
  SESSION_KEY: z
    .string()
    .min(16, "must have at least 16 characters; `openssl rand -base64 32` makes a good one")
    .meta({ description: "key that encrypts the saved console session", ...secret }),
  CONSOLE_USER: z
    .string()
    .optional()
    .meta({ description: "console user name, where the profile can log in by itself" }),
  CONSOLE_PASSWORD: z
    .string()
    .optional()
    .meta({ description: "console password", ...secret }),
  PROVIDER_PUBLIC_KEY: z
    .string()
    .regex(/^\S+$/, "must be the public key as the provider's console shows it, without spaces")
    .optional()
    .meta({ description: "public key of the provider's signed API, where the profile describes one" }),
  PROVIDER_PRIVATE_KEY: z
    .string()
    .regex(/^\S{8,}$/, "must be the private key as the provider's console shows it, without spaces")
    .optional()
    .meta({ description: "private key that belongs to it", ...secret }),
  BROWSER: z
    .enum(["always", "when_needed", "never"], { error: "must be always, when_needed or never" })
    .optional()
    .meta({
      description:
        "whether Chromium runs beside the signed API: always, when_needed (as long as another lane than it is needed; the default with keys) or never; without keys it always does",
    }),
  CHROMIUM_PATH: z
    .string()
    .default("/usr/bin/chromium")
    .meta({ description: "path of the Chromium program" }),
  CHROMIUM_SANDBOX: z
    .string()
    .default("true")
    .pipe(Flag)
    .meta({ description: "Chromium's sandbox; false only where it cannot work, and with a warning" }),
  CHROMIUM_MEMORY_LIMIT_MIB: z
    .string()
    .default("900")
    .pipe(integer(200, 65_536))
    .transform((mib) => mib * MIB)
    .meta({ description: "memory of Chromium in MiB beyond which it is relaunched between actions" }),
  HEADLESS: z
    .string()
    .default("true")
    .pipe(Flag)
    .meta({ description: "false shows the browser's window, so that a person can log in" }),
  OPERATOR_TOKEN: token("token that may do everything in the operator's API"),
  VIEWER_TOKEN: token("token that may only read in the operator's API"),
  VIEWERS_WATCH: z.string().default("false").pipe(Flag).meta({
    description:
      "whether viewers may watch the console's page in the live view; controlling takes an operator",
  }),
  ALLOWED_HOSTS: z
    .string()
    .default("localhost,127.0.0.1,[::1]")
    .transform((text) => text.split(",").map((name) => name.trim().toLowerCase()))
    .refine((names) => names.every((name) => /^(?:[\w.-]+|\[[0-9a-f:]+\])$/.test(name)), {
      error: "must be host names without ports, separated by commas",
    })
    .meta({ description: "names by which the operator's API may be asked, so that no foreign page can" }),
  PUBLIC_URL: base("https://gpu.example.com/power/")
    .optional()
    .meta({ description: "where people open the operator's page, when a reverse proxy stands before it" }),
  PROMETHEUS_URL: base("http://prometheus:9090")
    .optional()
    .meta({ description: "where Prometheus is asked which alerts fire, for the operator's page" }),
  PROMETHEUS_PASSWORD: z
    .string()
    .optional()
    .meta({ description: "password of Prometheus' user admin", ...secret }),
  ...serviceEnv(9102),
});
export type PowerConfig = z.output<typeof PowerEnv>;
