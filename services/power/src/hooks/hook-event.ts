/** An entry of history → what a hook is told, or nothing. Pure. */
import type { Happening } from "@gpu-power-manager/shared/history-page";

export const HOOK_EVENTS = [
  "start_requested",
  "running",
  "worker_online",
  "idle_stop",
  "stopped",
  "failed",
  "gap",
  "login_required",
  "budget",
  "daily_report",
] as const;
export type HookEventName = (typeof HOOK_EVENTS)[number];

export interface HookEvent {
  readonly name: HookEventName;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Stops that power has decided on because nobody needs the machine; others are a person's. */
const FOR_IDLENESS: readonly string[] = ["idle", "idle_unproven", "surplus"];

/** Undefined for what is no event: a state in between, an outcome that its state tells, what operators did. */
export function hookEventOf(entry: Happening): HookEvent | undefined {
  switch (entry.kind) {
    case "intent": {
      const { instance, attemptId, reason } = entry;
      if (entry.action === "start") return { name: "start_requested", data: { instance, attemptId, reason } };
      if (FOR_IDLENESS.includes(reason)) return { name: "idle_stop", data: { instance, attemptId, reason } };
      return undefined;
    }
    case "outcome": {
      const { instance, attemptId, action, outcome, message = null } = entry;
      if (outcome === "succeeded") return undefined;
      return { name: "failed", data: { instance, attemptId, action, outcome, message } };
    }
    case "state": {
      // With the state before: what power finds anew after it did not know tells no change of the machine.
      const { instance, from, to } = entry;
      return to === "running" || to === "stopped" ? { name: to, data: { instance, from } } : undefined;
    }
    case "worker":
      return { name: "worker_online", data: { instance: entry.instance, seconds: entry.ms / 1_000 } };
    case "gap": {
      const { cause, covered, recovered } = entry;
      return { name: "gap", data: { cause, seconds: (entry.to - entry.from) / 1_000, covered, recovered } };
    }
    case "login":
      return entry.event === "asked_for" ? { name: "login_required", data: {} } : undefined;
    case "report": {
      const { kind: _, pool: __, at: ___, ...figures } = entry;
      return { name: "daily_report", data: figures };
    }
    case "budget": {
      const { period, level, amount, spent, until } = entry;
      return { name: "budget", data: { period, level, amount, spent, until: new Date(until).toISOString() } };
    }
    case "served":
    case "operator":
      return undefined;
  }
}

/** The body that goes out: JSON as Standard Webhooks recommends it. */
export function hookBody(name: string, pool: string, at: number, data: HookEvent["data"]): string {
  return JSON.stringify({
    type: `gpu.${name}`,
    timestamp: new Date(at).toISOString(),
    data: { pool, ...data },
  });
}
