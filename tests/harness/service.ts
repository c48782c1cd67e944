import { join } from "node:path";
import { Process, until } from "./process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Every series carries it; a test of one pool need not name it. */
const POOL_LABEL = /\{pool="[^"]*"\}|,pool="[^"]*"|pool="[^"]*",/;

/** One of our services as a process on a port of its own. */
export class Service {
  readonly name: string;
  readonly url: string;
  private readonly env: Readonly<Record<string, string>>;
  private readonly onLine: ((line: string) => void) | undefined;
  private readonly wrap: readonly string[];
  private process: Process | undefined;
  /** Lines of all its lives. */
  readonly lines: string[] = [];

  constructor(
    name: string,
    port: number,
    env: Readonly<Record<string, string>>,
    onLine?: (line: string) => void,
    /** A command that starts the service, such as a shell that sets limits first. */
    wrap: readonly string[] = [],
  ) {
    this.name = name;
    this.url = `http://127.0.0.1:${port}`;
    this.env = { ...env, HTTP_PORT: String(port), HTTP_HOST: "127.0.0.1" };
    this.onLine = onLine;
    this.wrap = wrap;
  }

  get pid(): number {
    if (this.process === undefined) throw new Error(`${this.name} was not started`);
    return this.process.pid;
  }

  start(): void {
    const [command, ...args] = [...this.wrap, join(ROOT, "services/start.sh"), this.name];
    this.process = new Process(this.name, {
      command,
      args,
      env: { LOG_LEVEL: "debug", NODE: process.execPath, ...this.env },
      onLine: (line) => {
        this.lines.push(line);
        this.onLine?.(line);
      },
    });
  }

  /** Resolves with the exit code of its present life; null when a signal ended it. */
  async exited(): Promise<number | null> {
    return (await this.process?.exited) ?? null;
  }

  /** SIGTERM; resolves with the exit code. */
  async stop(): Promise<number | null> {
    return (await this.process?.stop()) ?? null;
  }

  async kill(): Promise<void> {
    await this.process?.kill();
  }

  signal(signal: NodeJS.Signals): void {
    this.process?.signal(signal);
  }

  async readiness(): Promise<{ ready: boolean; words: string }> {
    const response = await fetch(`${this.url}/readyz`);
    const body: unknown = await response.json();
    const words = typeof body === "object" && body !== null && "words" in body ? String(body.words) : "";
    return { ready: response.status === 200, words };
  }

  async ready(timeoutMs = 30_000): Promise<void> {
    await until(
      `${this.name} is ready`,
      async () => {
        if (this.process?.running !== true) throw new Error(`${this.name} ended:\n${this.process?.tail()}`);
        const { ready, words } = await this.readiness();
        if (!ready) throw new Error(words);
        return true;
      },
      timeoutMs,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.process?.tail()}`);
    });
  }

  /** The value of a metric, by name and labels as Prometheus writes them; undefined where there is none. */
  async metric(series: string): Promise<number | undefined> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const lines = text.split("\n").map((each) => each.replace(POOL_LABEL, ""));
    const line = lines.find((each) => each.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }
}
