/** `gpuctl need`, `needs`, `run`: somebody, or some program, needs the GPU. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { constants, hostname } from "node:os";
import { formatDuration } from "@gpu-power-manager/shared/duration";
import { describeError } from "@gpu-power-manager/shared/errors";
import { NeedList } from "@gpu-power-manager/shared/holds-and-needs";
import { PowerStatus } from "@gpu-power-manager/shared/status";
import { CommandError, EXIT } from "../command-error.ts";
import type { Session } from "../session.ts";
import { localTime, more } from "../times.ts";
import type { Because } from "./acting.ts";
import { followEvents } from "./watch.ts";

/** A renewal is due this often at least, and three times within the need's life. */
const RENEW_MS = 60_000;
const RENEWALS = 3;
/** A shell's exit code for a program that could not be started. */
const NOT_STARTED = 127;

export async function listNeeds({ client, json, print, say }: Session): Promise<void> {
  const list = await client.ask("/needs", NeedList);
  if (json) return print(JSON.stringify(list, null, 2));
  if (list.needs.length === 0) print(say("Nobody needs the GPU.", "没有人声明需要 GPU。"));
  const now = new Date().toISOString();
  for (const { id, by, reason, until } of list.needs)
    print(`${id}  ${more(say, until, now)}  (${by}: ${reason})`);
}

/** Says a need once; it lives for `ttl`. */
export async function need(session: Session, id: string, ttl: string, because: Because): Promise<void> {
  const list = await session.client.ask(`/needs/${encodeURIComponent(id)}`, NeedList, {
    method: "PUT",
    body: { ...because, ttl },
  });
  if (session.json) return session.print(JSON.stringify(list, null, 2));
  const until = list.needs.find((each) => each.id === id)?.until;
  const { say } = session;
  session.print(
    say(
      `The GPU is needed until ${until === undefined ? "?" : localTime(until)}; \`gpuctl need --end ${id}\` ends it.`,
      `GPU 需要到 ${until === undefined ? "?" : localTime(until)}；\`gpuctl need --end ${id}\` 可结束。`,
    ),
  );
}

export async function endNeed(session: Session, id: string, because: Because): Promise<void> {
  const path = `/needs/${encodeURIComponent(id)}`;
  const list = await session.client.ask(path, NeedList, { method: "DELETE", body: because });
  if (session.json) return session.print(JSON.stringify(list, null, 2));
  session.print(session.say(`The need ${id} is over.`, `需求 ${id} 已结束。`));
}

export interface RunFlags extends Because {
  /** Milliseconds that the need outlives us, should we die. */
  readonly ttlMs: number;
  /** Whether the command waits until a machine runs. */
  readonly wait: boolean;
}

/**
 * Runs a command while holding a need. @returns the command's exit code, 128 and the signal's number where one ended it.
 * Killed, we leave the need behind: it ends by itself within its time.
 */
export async function runWithNeed(
  session: Session,
  command: string,
  args: readonly string[],
  flags: RunFlags,
): Promise<number> {
  const { tell, say } = session;
  const id = `run-${hostname()}-${process.pid}-${randomUUID().slice(0, 4)}`
    .replaceAll(/[^\w.:@-]/g, "-")
    .slice(0, 64);
  const path = `/needs/${encodeURIComponent(id)}`;
  const { reason, actor, ttlMs } = flags;
  const body = { reason, actor, ttl: `${ttlMs}ms` };
  // Before the need is said: a signal that comes in between must still end it.
  const stop = new AbortController();
  let caught: NodeJS.Signals = "SIGTERM";
  const interrupted = (name: NodeJS.Signals) => {
    caught = name;
    stop.abort();
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, interrupted);
  await session.client.ask(path, NeedList, { method: "PUT", body });
  const renewal = setInterval(
    () => {
      session.client.ask(path, NeedList, { method: "PUT", body }).catch((error: unknown) => {
        tell(
          say(
            `The need could not be renewed (${describeError(error)}); trying again. It lives for ${formatDuration(ttlMs)} without.`,
            `需求续期失败（${describeError(error)}），将重试。不续期可维持 ${formatDuration(ttlMs)}。`,
          ),
        );
      });
    },
    Math.min(RENEW_MS, ttlMs / RENEWALS),
  );
  try {
    if (flags.wait) await untilRunning(session, stop.signal);
    if (stop.signal.aborted) return 128 + constants.signals[caught];
    return await run(command, args, stop.signal, () => caught);
  } finally {
    clearInterval(renewal);
    for (const name of signals) process.off(name, interrupted);
    await session.client
      .ask(path, NeedList, { method: "DELETE", body: { reason, actor } })
      .catch((error: unknown) => {
        tell(
          say(`The need ends by itself: ${describeError(error)}`, `需求将自行到期：${describeError(error)}`),
        );
      });
  }
}

async function untilRunning(session: Session, signal: AbortSignal): Promise<void> {
  const { tell, say } = session;
  let told = "";
  for await (const { event, data } of followEvents(session, signal)) {
    if (event !== "status") continue;
    const status = PowerStatus.safeParse(data);
    if (!status.success) continue;
    const { instances, decisions } = status.data;
    if (instances.some(({ state }) => state === "running")) return;
    const machines = instances.map(({ id, state }) => `${id} ${state}`).join(", ");
    const why = decisions.map(({ reason }) => reason.replaceAll("_", " ")).join(", ");
    const line = say(`Waiting for the GPU: ${machines} (${why})`, `等待 GPU：${machines}（${why}）`);
    if (line !== told) tell(line);
    told = line;
  }
}

async function run(
  command: string,
  args: readonly string[],
  signal: AbortSignal,
  caught: () => NodeJS.Signals,
): Promise<number> {
  const child = spawn(command, args, { stdio: "inherit" });
  // A terminal sends its signal to both of us; a supervisor only to us.
  const pass = () => child.kill(caught());
  signal.addEventListener("abort", pass, { once: true });
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", (error) =>
        reject(new CommandError(NOT_STARTED, `${command} cannot be started: ${describeError(error)}`)),
      );
      child.once("exit", (code, name) =>
        resolve(code ?? (name === null ? EXIT.wrong : 128 + constants.signals[name])),
      );
    });
  } finally {
    signal.removeEventListener("abort", pass);
  }
}
