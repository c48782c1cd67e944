/** What the hooks have taken, and how long what they have not taken waits. */
import { Counter, Gauge, type Registry } from "prom-client";
import { HOOK_OUTCOMES, type HookOutcome, type HookView } from "../hooks/hooks.ts";

/** @param view undefined while this power does not act. */
export function deriveFromHooks(
  registry: Registry,
  view: () => { readonly hooks: readonly HookView[]; readonly now: number } | undefined,
): (hook: string, outcome: HookOutcome) => void {
  const registers = [registry];
  const deliveries = new Counter({
    name: "gpu_power_hook_deliveries_total",
    help: "Events that were offered to a hook: taken, failed (it is offered again) or given_up after three days.",
    labelNames: ["hook", "outcome"],
    registers,
  });
  new Gauge({
    name: "gpu_power_hook_waiting_seconds",
    help: "How long the oldest event has waited that a hook has refused; 0 when none has.",
    labelNames: ["hook"],
    registers,
    collect() {
      this.reset();
      const seen = view();
      if (seen === undefined) return;
      for (const { name, waitingSince } of seen.hooks) {
        this.set({ hook: name }, waitingSince === null ? 0 : Math.max(0, seen.now - waitingSince) / 1_000);
        for (const outcome of HOOK_OUTCOMES) deliveries.inc({ hook: name, outcome }, 0);
      }
    },
  });
  return (hook, outcome) => deliveries.inc({ hook, outcome });
}
