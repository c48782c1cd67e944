/**
 * A copy of the project in which the scripts of `scripts/stack` run for real, with stand-ins of docker, id and chown
 * on the PATH: what they ask of the machine is recorded, what it answers the test says.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const ROOT = new URL("../../", import.meta.url).pathname;
/** Of the project; what the scripts of the stack read. */
const PARTS = [
  ".env.example",
  "CHANGELOG.md",
  "deploy",
  "docker-compose.yml",
  "docs/runbooks",
  "profiles",
  "prometheus",
  "scripts/alertmanager",
  "scripts/stack",
  "scripts/streams",
  "services/messenger/src",
];

/** What docker answers where the test says nothing: a daemon of today with nothing on it. */
const DOCKER = `
case "$*" in
  "compose version"* | info*) exit 0 ;;
  "version -f"*) echo 28.3.0 ;;
  "image inspect"*) echo sha256:1234 ;;
esac`;
const ID = `
case "$*" in
  -u) echo "\${STUB_UID:-1000}" ;;
  -g) echo "\${STUB_GID:-\${STUB_UID:-1000}}" ;;
  -un) echo caller ;;
  -u\\ *) [ "$2" != nobody-knows ] && echo 4711 || exit 1 ;;
  -g\\ *) echo 4712 ;;
  -un\\ *) echo "user-$2" ;;
esac`;

export interface StubbedStack {
  readonly dir: string;
  /** Runs a script of scripts/stack; as another user only where the test is root. */
  run(
    script: string,
    args?: readonly string[],
    env?: Readonly<Record<string, string>>,
    uid?: number,
  ): { readonly status: number | null; readonly said: string };
  /** What was asked of a stand-in since the last time, a call a line. */
  calls(program: "docker" | "chown" | "iptables" | "compose"): string[];
  /** Puts a stand-in of a program on the PATH from now on. */
  program(name: string, words: string): void;
  read(path: string): string;
  write(path: string, text: string): void;
  exists(path: string): boolean;
}

/**
 * @param docker lines of bash that answer calls, before the defaults: \`case "$*" in … esac\` with \`exit\`.
 * @param programs further stand-ins, or other ones of \`id\`.
 */
export function stubbedStack(docker = "", programs: Readonly<Record<string, string>> = {}): StubbedStack {
  const dir = mkdtempSync(join(tmpdir(), "stack-"));
  for (const part of PARTS) {
    const from = join(ROOT, part);
    if (existsSync(from)) cpSync(from, join(dir, part), { recursive: true });
  }
  const bin = join(dir, "stand-ins");
  mkdirSync(bin);
  const log = (name: string) => join(bin, `${name}.log`);
  const standIns = { docker: `${docker}\n${DOCKER}`, id: ID, chown: "", iptables: "exit 1", ...programs };
  const program = (name: string, words: string) => {
    const file = join(bin, name);
    writeFileSync(file, `#!/usr/bin/env bash\nprintf '%s\\n' "\${*//$'\\n'/ }" >>"${log(name)}"\n${words}\n`);
    chmodSync(file, 0o755);
  };
  for (const [name, words] of Object.entries(standIns)) program(name, words);
  return {
    dir,
    run: (script, args = [], env = {}, uid) => {
      if (uid !== undefined) for (const each of [dir, bin]) chmodSync(each, 0o777);
      const { status, stdout, stderr } = spawnSync(join(dir, "scripts/stack", script), args, {
        cwd: dir,
        encoding: "utf8",
        env: { PATH: `${bin}:${process.env.PATH}`, WAIT_SECONDS: "1", ...env },
        timeout: 60_000,
        ...(uid === undefined ? {} : { uid }),
      });
      return { status, said: `${stdout}${stderr}` };
    },
    calls: (program) => {
      if (!existsSync(log(program))) return [];
      const lines = readFileSync(log(program), "utf8").trimEnd().split("\n");
      writeFileSync(log(program), "");
      return lines.filter((line) => line !== "");
    },
    program,
    read: (path) => readFileSync(join(dir, path), "utf8"),
    write: (path, text) => {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text);
    },
    exists: (path) => existsSync(join(dir, path)),
  };
}
