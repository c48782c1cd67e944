import type { Hold } from "@gpu-power-manager/shared/api";
import { formatDuration } from "@gpu-power-manager/shared/duration";
import { describeError } from "@gpu-power-manager/shared/errors";
import { PowerStatus } from "@gpu-power-manager/shared/status";
import { z } from "zod";
import { ApiClient, CommandError, EXIT } from "./client.ts";
import type { Connection } from "./connection.ts";

/** A service that does not answer within this is taken for away. */
const TIMEOUT_MS = 5_000;

const Readiness = z.object({ ready: z.boolean(), words: z.string() });

/** `3 m 5 s ago`, or `never`. */
function ago(at: string | null, now: string): string {
  return at === null ? "never" : `${formatDuration(Math.max(0, Date.parse(now) - Date.parse(at)))} ago`;
}

const inFuture = (until: string, now: string) =>
  `for ${formatDuration(Math.max(0, Date.parse(until) - Date.parse(now)))} more`;

const HOLDS = {
  as_is: "everything is left as it is",
  on: "the GPU is kept on",
  off: "the GPU is kept off",
} as const;

function describeHold({ mode, until, by, reason }: Hold, now: string): string {
  return `${HOLDS[mode]}${until === null ? "" : ` ${inFuture(until, now)}`} (${by}: ${reason})`;
}

/** The status as people read it, one fact a line. */
export function describeStatus(status: PowerStatus): string[] {
  const { demand, at } = status;
  const lines = [`Pool ${status.pool}`, `  console   ${status.session.replaceAll("_", " ")}`];
  lines.push(
    status.listeningSince === null
      ? "  notices   cannot be heard: nothing is stopped until they can"
      : `  notices   heard without a break since ${ago(status.listeningSince, at)}`,
  );
  if (status.hold !== null) lines.push(`  hold      ${describeHold(status.hold, at)}`);
  for (const need of status.needs)
    lines.push(`  need      ${need.id} by ${need.by}, ${inFuture(need.until, at)}: ${need.reason}`);
  lines.push(
    demand.waitingJobs === 0
      ? `  jobs      none waits; the last came ${ago(demand.lastJobAt, at)}`
      : `  jobs      ${demand.waitingJobs} wait, the oldest since ${ago(demand.oldestWaitingAt, at)}`,
  );
  for (const instance of status.instances) {
    const since = instance.state === "unknown" ? "" : ` since ${ago(instance.since, at)}`;
    lines.push(`  ${instance.id}  ${instance.state}${since} (looked at ${ago(instance.observedAt, at)})`);
    if (instance.words !== null) lines.push(`      ${instance.words}`);
    if (instance.attempt !== null)
      lines.push(`      ${instance.attempt.action} under way since ${ago(instance.attempt.at, at)}`);
    if (instance.restReason !== null)
      lines.push(`      rests until ${instance.restUntil}: ${instance.restReason}`);
    const uptime = formatDuration(instance.uptimeSeconds * 1_000);
    lines.push(`      ran ${uptime} in all, ${instance.cost.toFixed(2)} ${instance.currency}`);
  }
  for (const { kind, reason, instance } of status.decisions) {
    lines.push(
      `  decided   ${kind}${instance === undefined ? "" : ` ${instance}`}: ${reason.replaceAll("_", " ")}`,
    );
  }
  return lines;
}

/** Prints the status of both services; returns the exit code: 0 when both could be asked. */
export async function printStatus(
  connection: Connection,
  json: boolean,
  print: (line: string) => void,
): Promise<number> {
  const [power, listener] = await Promise.all([askPower(connection), askListener(connection.listener)]);
  if (json) print(JSON.stringify({ power: power.status ?? power.words, listener: listener.words }, null, 2));
  else {
    for (const line of power.status === undefined ? [power.words] : describeStatus(power.status)) print(line);
    print(listener.words);
  }
  return Math.max(power.code, listener.code);
}

async function askPower(connection: Connection) {
  try {
    return {
      status: await new ApiClient(connection).ask("/status", PowerStatus),
      words: "",
      code: EXIT.fine,
    };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { status: undefined, words: `Power     ${error.message}`, code: error.exitCode };
  }
}

async function askListener(listener: string) {
  try {
    const response = await fetch(new URL("/readyz", listener), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const { ready, words } = Readiness.parse(await response.json());
    return {
      words: `Listener  ${ready ? "ready" : "not ready"}: ${words}`,
      code: ready ? EXIT.fine : EXIT.wrong,
    };
  } catch (error) {
    const words = `The listener cannot be asked at ${listener} (${describeError(error)}). Start it, or say where it is with --listener or LISTENER_URL.`;
    return { words, code: EXIT.unreachable };
  }
}
