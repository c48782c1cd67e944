import { formatDuration } from "@gpu-power-manager/shared/duration";
import { describeError } from "@gpu-power-manager/shared/errors";
import { PowerStatus } from "@gpu-power-manager/shared/status";
import { z } from "zod";

/** A service that does not answer within this is taken for away. */
const TIMEOUT_MS = 5_000;

const Readiness = z.object({ ready: z.boolean(), words: z.string() });

/** A power that stands by, or waits for NATS, has no status to tell. */
const Waiting = z.object({ words: z.string() });

async function ask(url: string): Promise<{ ok: boolean; body: unknown }> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  return { ok: response.ok, body: await response.json() };
}

/** `3 m 5 s ago`, or `never`. */
function ago(at: string | null, now: string): string {
  return at === null ? "never" : `${formatDuration(Math.max(0, Date.parse(now) - Date.parse(at)))} ago`;
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
  if (status.onHold) lines.push("  hold      the operator keeps everything as it is");
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
  options: { power: string; listener: string; json: boolean },
  print: (line: string) => void,
): Promise<number> {
  let code = 0;
  try {
    const { ok, body } = await ask(new URL("/status", options.power).href);
    if (!ok) {
      code = 1;
      const { words } = Waiting.parse(body);
      print(options.json ? JSON.stringify({ words }, null, 2) : `Power     ${words}`);
    } else {
      const status = PowerStatus.parse(body);
      if (options.json) print(JSON.stringify(status, null, 2));
      else for (const line of describeStatus(status)) print(line);
    }
  } catch (error) {
    code = 1;
    print(`Power cannot be asked at ${options.power} (${describeError(error)}). Start it, or set POWER_URL.`);
  }
  try {
    const { ready, words } = Readiness.parse((await ask(new URL("/readyz", options.listener).href)).body);
    if (!options.json) print(`Listener  ${ready ? "ready" : "not ready"}: ${words}`);
  } catch (error) {
    code = 1;
    print(
      `The listener cannot be asked at ${options.listener} (${describeError(error)}). Start it, or set LISTENER_URL.`,
    );
  }
  return code;
}
