/**
 * Processes that are measured. What they say goes through a pipe, as in a container, and from there to a file by a
 * process of its own: a file's disk would make them wait, and reading it here would make the bench wait.
 */
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = new URL("../../", import.meta.url).pathname;
const GROUPS = "/sys/fs/cgroup";
const MIB = 1024 * 1024;

export interface ChildOptions {
  /** A file of this repository: a script of the shell, or what Node runs. */
  readonly file: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where its output goes. */
  readonly dir: string;
  /** The limit that a container has; see `memoryLimited`. */
  readonly memoryMib?: number;
}

export interface Child {
  readonly pid: number;
  readonly running: boolean;
  /** The most memory that was ever resident, in bytes; NaN where the system does not say. */
  peakBytes(): number;
  /** CPU time used so far, in milliseconds. */
  cpuMs(): number;
  /** SIGTERM; resolves when it has ended, at once where it has. */
  stop(): Promise<void>;
}

let started = 0;

export function startChild(options: ChildOptions): Child {
  const { file, args = [], env, dir, memoryMib } = options;
  started += 1;
  const output = openSync(join(dir, `child-${started}.log`), "a");
  const command = [...(file.endsWith(".sh") ? [] : [process.execPath]), join(ROOT, file), ...args];
  const limit =
    memoryMib === undefined ? undefined : groupWith(memoryMib, `gpu-power-bench-${process.pid}-${started}`);
  // The shell joins the group before it becomes the program, so nothing is ever outside the limit.
  const joining =
    limit === undefined ? [] : ["sh", "-c", `echo $$ >"$0"; exec "$@"`, `${limit.folder}/cgroup.procs`];
  const [first = "", ...rest] = [...joining, ...command];
  const { stdin: pipe } = spawn("cat", { stdio: ["pipe", output, output] });
  if (pipe === null) throw new Error("cat cannot be started");
  const child = spawn(first, rest, {
    cwd: ROOT,
    env: { ...process.env, NODE: process.execPath, ...env },
    stdio: ["ignore", pipe, pipe],
  });
  closeSync(output);
  pipe.destroy();
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${file} cannot be started`);
  return {
    pid,
    get running() {
      return child.exitCode === null && child.signalCode === null;
    },
    peakBytes: () => Number(/VmHWM:\s+(\d+)/.exec(read(pid, "status"))?.[1]) * 1024,
    cpuMs: () => {
      const [user, system] = read(pid, "stat").split(") ").at(-1)?.split(" ").slice(11, 13) ?? [];
      // Linux counts in hundredths of a second.
      return (Number(user) + Number(system)) * 10;
    },
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
      limit?.remove();
    },
  };
}

function read(pid: number, what: string): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "utf8");
  } catch {
    return "";
  }
}

/** Whether a process can be given a container's memory limit here: Linux, root, and a group that can be made. */
export function memoryLimited(): boolean {
  try {
    groupWith(64, `gpu-power-bench-${process.pid}-try`).remove();
    return true;
  } catch {
    return false;
  }
}

/** A control group with a memory limit, of whichever version the system has. */
function groupWith(mib: number, name: string) {
  const second = existsSync(join(GROUPS, "cgroup.controllers"));
  const folder = second ? join(GROUPS, name) : join(GROUPS, "memory", name);
  mkdirSync(folder);
  const remove = () => {
    if (existsSync(folder)) rmdirSync(folder);
  };
  try {
    writeFileSync(join(folder, second ? "memory.max" : "memory.limit_in_bytes"), String(mib * MIB));
  } catch (error) {
    remove();
    throw error;
  }
  return { folder, remove };
}
