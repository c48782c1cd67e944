import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

/** How long a process may take to stop on SIGTERM before it is killed; the services promise 10 s. */
const STOP_GRACE_MS = 12_000;
/** What a test waits for comes at once or never; only a machine that has much else to do takes so long. */
const WAIT_MS = 60_000;
/** How many of its last output lines a failed process shows. */
const TAIL_LINES = 60;

/** A port on loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the free port has no number");
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return address.port;
}

/** Awaits `probe` being true (or truthy), asking again until `timeoutMs`; throws with `what` after that. */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  timeoutMs = WAIT_MS,
  everyMs = 25,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms in vain for: ${what} (last: ${String(last)})`);
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

export interface StartOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Called with each line of standard output and standard error. */
  readonly onLine?: (line: string) => void;
}

/** A child process that belongs to the test that started it. */
export class Process {
  readonly name: string;
  readonly lines: string[] = [];
  readonly exited: Promise<number | null>;
  private readonly child: ChildProcess;

  constructor(name: string, options: StartOptions) {
    this.name = name;
    this.child = spawn(options.command, [...options.args], {
      env: { ...process.env, ...options.env },
      cwd: options.cwd,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        this.lines.push(line);
        options.onLine?.(line);
      });
    }
    this.exited = new Promise((resolve) => {
      this.child.once("exit", (code) => resolve(code));
      this.child.once("error", (error) => {
        this.lines.push(String(error));
        resolve(null);
      });
    });
  }

  get pid(): number {
    const { pid } = this.child;
    if (pid === undefined) throw new Error(`${this.name} did not start: ${this.tail()}`);
    return pid;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null && this.child.pid !== undefined;
  }

  tail(): string {
    return this.lines.slice(-TAIL_LINES).join("\n");
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.child.kill(signal);
  }

  /** SIGTERM, and SIGKILL after the grace; resolves with the exit code, null when a signal ended it. */
  async stop(): Promise<number | null> {
    const timer = setTimeout(() => this.signal("SIGKILL"), STOP_GRACE_MS);
    this.signal("SIGTERM");
    const code = await this.exited;
    clearTimeout(timer);
    return code;
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.exited;
  }
}
