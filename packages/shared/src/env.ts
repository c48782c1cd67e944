import { readFileSync } from "node:fs";
import { z } from "zod";
import { ConfigError, describeError } from "./errors.ts";
import { LOG_LEVELS } from "./logger.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Marks a variable as a secret: it may be given as `<NAME>_FILE` too (a path whose content is the value),
 * and its value is scrubbed from every log line.
 */
export const secret = { secret: true } as const;

function isSecret(field: z.core.$ZodType): boolean {
  const meta = z.globalRegistry.get(field);
  return meta !== undefined && "secret" in meta && meta.secret === true;
}

/** A whole number in a range, from text; `""` and `"12abc"` are refused, not read as 0 or 12. */
export function integer(min: number, max: number) {
  return z.string().transform((text, context) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isInteger(value) || value < min || value > max) {
      context.addIssue(`must be a whole number from ${min} to ${max}, not "${text}"`);
      return z.NEVER;
    }
    return value;
  });
}

/** `true` or `false`, and no other word. */
export const Flag = z
  .enum(["true", "false"], { error: (issue) => `must be true or false, not "${String(issue.input)}"` })
  .transform((text) => text === "true");

/** The variables that every service has: where it is asked, and how much it logs. */
export function serviceEnv(port: number) {
  return {
    HTTP_HOST: z
      .string()
      .default("127.0.0.1")
      .meta({ description: "address that health and metrics listen on" }),
    HTTP_PORT: z
      .string()
      .default(String(port))
      .pipe(integer(0, 65_535))
      .meta({ description: "port of health and metrics" }),
    HTTP_TLS_DIR: z.string().optional().meta({
      description:
        "folder with cert.pem, key.pem and ca.pem: the other hosts of a cluster are answered too, by TLS with certificates of both sides",
    }),
    HTTP_TLS_PORT: z
      .string()
      .default("9443")
      .pipe(integer(0, 65_535))
      .meta({ description: "port on which they are" }),
    LOG_LEVEL: z
      .enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(", ")}` })
      .default("info")
      .meta({ description: "least level that is logged" }),
  };
}

function resolveFiles(shape: z.core.$ZodShape, env: Environment, problems: string[]): Environment {
  const resolved: Record<string, string> = {};
  for (const [name, field] of Object.entries(shape)) {
    // An empty variable is what compose passes for one that nobody set, so it counts as not given; so does an
    // empty file, which compose needs for a secret that nobody gave.
    const direct = env[name] === "" ? undefined : env[name];
    const file = isSecret(field) ? env[`${name}_FILE`] || undefined : undefined;
    if (direct !== undefined && file !== undefined) {
      problems.push(`${name} and ${name}_FILE are both set: keep one of them`);
    } else if (file !== undefined) {
      try {
        const value = readFileSync(file, "utf8").trim();
        if (value !== "") resolved[name] = value;
      } catch (error) {
        problems.push(`${name}_FILE cannot be read: ${describeError(error)}`);
      }
    } else if (direct !== undefined) {
      resolved[name] = direct;
    }
  }
  return resolved;
}

function explain(issue: z.core.$ZodIssue, given: Environment): string {
  const name = issue.path.map(String).join(".");
  const field = String(issue.path[0] ?? "");
  if (issue.path.length > 0 && given[field] === undefined) return `${name} is missing: set it`;
  return name === "" ? issue.message : `${name} ${issue.message}`;
}

export interface LoadedEnv<T> {
  readonly config: T;
  /** The values of all secret variables, for the logger to scrub. */
  readonly secrets: readonly string[];
}

/**
 * Reads the environment through a zod object whose keys are variable names.
 * @throws ConfigError that names every mistake at once, values of secrets never among them.
 */
export function loadEnv<S extends z.ZodObject>(schema: S, env: Environment): LoadedEnv<z.output<S>> {
  const problems: string[] = [];
  const given = resolveFiles(schema.shape, env, problems);
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const unread = new Set(problems.map((line) => line.split(/_FILE| /)[0]));
    for (const issue of parsed.error.issues) {
      if (!unread.has(String(issue.path[0]))) problems.push(explain(issue, given));
    }
  }
  if (!parsed.success || problems.length > 0) throw new ConfigError("The environment", problems);
  const secrets = Object.entries(schema.shape)
    .filter(([, field]) => isSecret(field))
    .flatMap(([name]) => given[name] ?? []);
  return { config: parsed.data, secrets };
}

/** An address may carry a login, also where its setting is no secret: `nats://user:password@host`. */
function withoutLogin(text: string): string {
  return text.replaceAll(/(\w:\/\/)[^\s/@,]*@/g, "$1(set)@");
}

/** The configuration for people to look at: of a secret, and of a login in an address, only whether it is set. */
export function shownEnv(
  schema: z.ZodObject,
  config: Readonly<Record<string, unknown>>,
): Record<string, string | number | boolean | null> {
  return Object.fromEntries(
    Object.entries(schema.shape).map(([name, field]) => {
      const value = config[name];
      if (value === undefined) return [name, null];
      if (isSecret(field)) return [name, "(set)"];
      return [
        name,
        typeof value === "number" || typeof value === "boolean" ? value : withoutLogin(String(value)),
      ];
    }),
  );
}

export interface EnvRow {
  readonly name: string;
  /** It may be given as `<NAME>_FILE` too. */
  readonly secret: boolean;
  readonly fallback: string;
  readonly description: string;
}

/** The rows of the configuration table in the documentation, from the schema itself. */
export function describeEnv(schema: z.ZodObject): EnvRow[] {
  return Object.entries(schema.shape).map(([name, field]) => {
    const json = z.toJSONSchema(field, { io: "input", unrepresentable: "any" });
    const required = !z.safeParse(field, undefined).success;
    const fallback = json.default === undefined ? (required ? "required" : "") : String(json.default);
    return {
      name,
      secret: isSecret(field),
      fallback,
      description: z.globalRegistry.get(field)?.description ?? "",
    };
  });
}
