/** Where the services are and which token opens them: as said, as the environment says, or as `make up` left it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CommandError, EXIT } from "./command-error.ts";

/** What every command may be told. */
export interface ConnectionFlags {
  readonly url?: string | undefined;
  readonly listener?: string | undefined;
  readonly tokenFile?: string | undefined;
}

export interface Connection {
  readonly power: string;
  readonly listener: string;
  /** Undefined when none was found: then the API refuses, and says what to do. */
  readonly token: string | undefined;
  /** Undefined where none is named and `make up` has made none. */
  readonly prometheus:
    | { readonly url: string; readonly user: string; readonly password: string | undefined }
    | undefined;
  /** ALERT_RECEIVER of `.env`; undefined where that does not say. */
  readonly receiver: string | undefined;
  /** Where the token was looked for, for a message that says what to do. */
  readonly lookedFor: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The value of a line of `.env`; undefined where there is none. */
function dotEnv(root: string, name: string): string | undefined {
  const file = join(root, ".env");
  if (!existsSync(file)) return undefined;
  const line = new RegExp(`^${name}=(.*)$`, "m").exec(readFileSync(file, "utf8"));
  return line?.[1]?.trim().replace(/^(["'])(.*)\1$/, "$2") || undefined;
}

/** @param root the project's folder, whose `.env` and `secrets/` are `make up`'s. */
export function findConnection(flags: ConnectionFlags, env: Environment, root: string): Connection {
  const bind = dotEnv(root, "BIND");
  const host = bind === undefined || bind === "0.0.0.0" ? "127.0.0.1" : bind;
  const power = flags.url ?? env.POWER_URL ?? `http://${host}:${dotEnv(root, "POWER_PORT") ?? "9102"}`;
  const listener = flags.listener ?? env.LISTENER_URL ?? "http://127.0.0.1:9101";
  const found = {
    power,
    listener,
    prometheus: findPrometheus(env, root, host),
    receiver: dotEnv(root, "ALERT_RECEIVER"),
  };
  if (env.OPERATOR_TOKEN) return { ...found, token: env.OPERATOR_TOKEN, lookedFor: ["OPERATOR_TOKEN"] };
  const said = flags.tokenFile ?? env.OPERATOR_TOKEN_FILE ?? env.VIEWER_TOKEN_FILE;
  const files = said
    ? [said]
    : [
        // There only while `make demo` runs.
        join(root, ".demo/operator-token"),
        ...["operator-token", "viewer-token"].flatMap((name) => [
          join(root, "secrets", name),
          join("/run/secrets", name),
        ]),
      ];
  for (const file of files) {
    const token = read(file);
    if (token !== undefined) return { ...found, token, lookedFor: [file] };
  }
  return { ...found, token: undefined, lookedFor: files };
}

/** The gateway's Redis, as the listener reads it; undefined where it is not known. */
export function findDspRedis(said: string | undefined, env: Environment, root: string): string | undefined {
  return (
    said ??
    // Empty where compose passes a line of .env that nobody filled in.
    (env.DSP_REDIS_URL || undefined) ??
    (env.DSP_REDIS_URL_FILE ? read(env.DSP_REDIS_URL_FILE) : undefined) ??
    read(join(root, ".demo/dsp-redis-url")) ??
    read(join(root, "secrets/dsp-redis-url")) ??
    dotEnv(root, "DSP_REDIS_URL")
  );
}

/** The gateway's WebSocket, as the listener reaches it; undefined where it is not known. */
export function findGateway(said: string | undefined, env: Environment, root: string): string | undefined {
  return said ?? (env.DSP_URL || undefined) ?? read(join(root, ".demo/dsp-url")) ?? dotEnv(root, "DSP_URL");
}

/** A license key to be a client with; it is never shown. @throws CommandError where a file that was named cannot be read. */
export function findLicense(
  said: { readonly key?: string | undefined; readonly keyFile?: string | undefined },
  env: Environment,
  root: string,
): string | undefined {
  if (said.key !== undefined) return said.key;
  const file = said.keyFile ?? env.DSP_LICENSE_KEY_FILE;
  if (file !== undefined) {
    const key = read(file);
    if (key === undefined) throw new CommandError(EXIT.usage, `${file} cannot be read, or is empty.`);
    return key;
  }
  const files = [".demo/dsp-license-key", "secrets/dsp-license-key"];
  return env.DSP_LICENSE_KEY || files.map((name) => read(join(root, name))).find((key) => key !== undefined);
}

/** The folder of authorities of one's own that the services trust, too; undefined where there is none. */
export function findAuthorities(env: Environment, root: string): string | undefined {
  const folder = env.CA_DIR ?? join(root, "config/ca");
  return existsSync(folder) ? folder : undefined;
}

function findPrometheus(env: Environment, root: string, host: string): Connection["prometheus"] {
  const password = read(join(root, "secrets/prometheus-admin")) ?? read("/run/secrets/prometheus-admin");
  const url = env.PROMETHEUS_URL ?? `http://${host}:${dotEnv(root, "PROMETHEUS_PORT") ?? "9090"}`;
  if (env.PROMETHEUS_URL === undefined && password === undefined) return undefined;
  return { url, user: "admin", password };
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim() || undefined;
  } catch {
    // Not there, or another user's: the next place may do.
    return undefined;
  }
}
