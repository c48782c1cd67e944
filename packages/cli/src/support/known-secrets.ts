/** The secrets of this installation, as far as whoever makes a bundle may read them: so that they are taken out of it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Settings whose value, or whose file, is a secret. */
const SECRET_NAME = /PASSW|SECRET|TOKEN|KEY|COOKIE|CRED|WEBHOOK|DSN/i;
/** Lines of a file of settings that hold one. */
const SECRET_LINE = /passw|secret|token|key|url|auth|cred/i;

type Environment = Readonly<Record<string, string | undefined>>;

/** @param folders where `make up` keeps secrets, a file each. @param dotEnv the text of `.env`. */
function knownSecrets(env: Environment, dotEnv: string, folders: readonly string[]): string[] {
  return [...settings(env), ...settings(parsed(dotEnv)), ...folders.flatMap(ofFolder)].flatMap(withParts);
}

/** What `make up` has made here: its secrets, and the name that compose knows it by. @param root the project's folder.
 * @param further values that were given otherwise. */
export function findInstalled(
  env: Environment,
  root: string,
  further: readonly string[],
): { project: string; secrets: string[] } {
  let dotEnv = "";
  try {
    dotEnv = readFileSync(join(root, ".env"), "utf8");
  } catch {
    // Not installed by `make up`, or another user's: then what is known is less, and the patterns are all there is.
  }
  const project = env.COMPOSE_PROJECT_NAME || parsed(dotEnv).COMPOSE_PROJECT_NAME || "gpu-power";
  const secrets = knownSecrets(env, dotEnv, [join(root, "secrets"), join(root, ".demo"), "/run/secrets"]);
  return { project, secrets: [...secrets, ...further.flatMap(withParts)] };
}

function parsed(dotEnv: string): Record<string, string> {
  const lines = dotEnv.split("\n").flatMap((line) => {
    const [, name, value = ""] = /^\s*(?:export\s+)?(\w+)=(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, value.trim().replace(/^(["'])(.*)\1$/, "$2")] as const];
  });
  return Object.fromEntries(lines);
}

function settings(env: Environment): string[] {
  return Object.entries(env).flatMap(([name, value]) => {
    if (value === undefined || value === "") return [];
    if (name.endsWith("_FILE"))
      return SECRET_NAME.test(name) || name.endsWith("_URL_FILE") ? ofFile(value) : [];
    return SECRET_NAME.test(name) || loginOf(value) !== undefined ? [value] : [];
  });
}

function ofFolder(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap((name) => ofFile(join(folder, name)));
  } catch {
    return [];
  }
}

/** A file is the secret itself, or settings among which some are. */
function ofFile(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch {
    // Not ours to read, so it is in nothing of ours either.
    return [];
  }
  if (!text.includes("\n")) return /[:=]\s*["']/.test(text) ? ofLine(text) : [text];
  return text.split("\n").flatMap((line) => (SECRET_LINE.test(line) ? ofLine(line) : []));
}

const ofLine = (line: string) => [...line.matchAll(/[^\s"',={}[\]]{8,}/g)].map(([word]) => word);

/** The login of an address; undefined where it has none. */
function loginOf(value: string): { user: string; password: string } | undefined {
  if (!URL.canParse(value)) return undefined;
  const { username, password } = new URL(value);
  return password === "" ? undefined : { user: username, password };
}

/** An address is secret as a whole, and so is the password in it alone. */
function withParts(value: string): string[] {
  const login = loginOf(value);
  if (login === undefined) return [value];
  return [value, login.password, decoded(login.password)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
