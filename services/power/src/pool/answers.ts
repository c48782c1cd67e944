/** What power says to clients through the gateway, from what is known. */
import { randomUUID } from "node:crypto";
import type { ReportedState, StatusQueryEvent } from "@gpu-power-manager/shared/events";
import type { Outbound } from "@gpu-power-manager/shared/outbound";
import type { BootRequest } from "../demand/demand.ts";
import type { Decision } from "./decide/decision.ts";
import type { InstanceView } from "./decide/snapshot.ts";

/** The pool's state in the gateway's one word: what a client may count on. */
export function poolState(instances: readonly InstanceView[]): ReportedState {
  // One that runs without its GPU is as good as off.
  const states = new Set(
    instances.map(({ state, withoutGpu }) => (withoutGpu ? ("stopped" as const) : state)),
  );
  if (states.has("running")) return "running";
  if (states.has("starting")) return "starting";
  if (states.has("unknown") || states.size === 0) return "unknown";
  if (states.has("stopping")) return "stopping";
  return "stopped";
}

/** Answers clients that asked for the state. */
export function answerQueries(
  outbound: Outbound,
  pool: string,
  queries: readonly StatusQueryEvent[],
  instances: readonly InstanceView[],
  fresh: boolean,
  decisions: readonly Decision[],
  now: number,
): void {
  const status = poolState(instances);
  const message = waitingWords(decisions);
  for (const query of queries) {
    outbound.report({
      kind: "status",
      pool,
      at: now,
      reportId: randomUUID(),
      status,
      requestId: query.requestId,
      fresh,
      ...(message === undefined ? {} : { message }),
    });
  }
}

/** Says that the machine is on: to each who asked for it, or to all. */
export function announceRunning(
  outbound: Outbound,
  pool: string,
  instance: string,
  boots: readonly BootRequest[],
  now: number,
): void {
  const requestIds = boots.length === 0 ? [undefined] : boots.map((boot) => boot.requestId);
  for (const requestId of requestIds) {
    outbound.report({ kind: "booted", pool, at: now, reportId: randomUUID(), instance, requestId });
  }
}

const REFUSALS: Partial<Record<Extract<Decision, { kind: "wait" }>["reason"], string>> = {
  on_hold: "The operator has put the GPU on hold; ask the operator.",
  held_off: "The operator wants the GPU off for now; ask the operator.",
  budget_spent: "The GPU's budget is spent, so nothing starts it; ask the operator.",
  rate_limited: "The GPU was started too often within the last hour; try again later.",
  all_resting: "The last start failed and is tried again after a rest; try again later.",
  sold_out: "The provider has no GPU free right now; try again later.",
  none_available: "No GPU can be started right now; try again later.",
  without_gpu: "The machine runs without its GPU; the operator is alerted.",
  state_unknown: "The provider's console cannot be read right now; the operator is alerted.",
};

/** What a client should know that waits for the GPU; undefined where policy lets nobody wait. */
function waitingWords(decisions: readonly Decision[]): string | undefined {
  for (const { kind, reason } of decisions) {
    if (kind !== "wait") continue;
    if (reason === "budget_spent") return REFUSALS.budget_spent;
    if (reason === "quiet_time")
      return "At this time no job starts the GPU; it is started when that is over, or by a boot request.";
  }
  return undefined;
}

/** Why a boot request cannot be met now; undefined while it may still be. */
export function bootRefusal(decisions: readonly Decision[]): string | undefined {
  for (const decision of decisions) {
    if (decision.kind === "start") return undefined;
    if (decision.kind === "wait" && decision.reason in REFUSALS) return REFUSALS[decision.reason];
  }
  return undefined;
}
