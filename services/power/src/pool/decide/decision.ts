/** What can be decided: every decision carries a reason from a closed list. */
export const REASONS = {
  /** `_unconfirmed`: only the API says that the machine is off; a start can do no harm, waiting would. */
  start: [
    "job_waiting",
    "job_waiting_unconfirmed",
    "boot_requested",
    "needed",
    "needed_unconfirmed",
    "held_on",
    "scheduled",
    "ordered",
    // Off for so long that its provider would delete it soon.
    "keep_from_release",
  ],
  /**
   * `held_off`: an operator wants it off, and it has no work. `_unproven`: without a proof of the path, after the longer
   * time that `policy.stopUnproven` sets. `surplus`: another machine does its work already, and it has none of its own.
   */
  stop: ["idle", "held_off", "ordered", "ordered_by_force", "idle_unproven", "surplus", "budget_spent"],
  look: ["not_observed_yet", "unknown_state", "confirm_running", "compare_before_stop", "look_for_stock"],
  ask: ["ask_before_stop"],
  wait: [
    "no_demand",
    "starting",
    "stopping",
    "on_hold",
    "held_off",
    // A job waits, and a schedule asks for no starts for jobs.
    "quiet_time",
    "budget_spent",
    "rate_limited",
    "all_resting",
    // None of those that could be started has a GPU free at its provider.
    "sold_out",
    "none_available",
    // One runs, and without its GPU; no other can be started.
    "without_gpu",
    "state_unknown",
    // A person has the console's page.
    "operator_controls",
  ],
  keep: [
    "idle_not_reached",
    "min_run_time",
    "jobs_pending",
    "needed",
    "gpu_busy",
    "on_hold",
    "held_on",
    "scheduled",
    "action_in_flight",
    "path_unproven",
    "waiting_for_answer",
    "resting",
    "operator_controls",
    // More run than policy wants; `_by_hand`: a person turned it on, `_unproven`: it may have work of its own.
    "surplus_by_hand",
    "surplus_unproven",
  ],
} as const;

export type Decision =
  | { readonly kind: "start"; readonly instance: string; readonly reason: (typeof REASONS.start)[number] }
  | { readonly kind: "stop"; readonly instance: string; readonly reason: (typeof REASONS.stop)[number] }
  /** Ask the console now; `compare` asks both witnesses. */
  | { readonly kind: "look"; readonly compare: boolean; readonly reason: (typeof REASONS.look)[number] }
  /** Ask the gateway whether tasks are active. */
  | { readonly kind: "ask"; readonly reason: (typeof REASONS.ask)[number] }
  /** Nothing more can be done for the pool before `until` (null: until something else changes). */
  | { readonly kind: "wait"; readonly until: number | null; readonly reason: (typeof REASONS.wait)[number] }
  /** A running machine stays on, to be decided again at `until` (null: when something else changes). */
  | {
      readonly kind: "keep";
      readonly instance: string;
      readonly until: number | null;
      readonly reason: (typeof REASONS.keep)[number];
    };

/** @param until when to decide again; null: when something else changes. */
export function keep(
  { id }: { readonly id: string },
  reason: (typeof REASONS.keep)[number],
  until: number | null = null,
): Extract<Decision, { kind: "keep" }> {
  return { kind: "keep", instance: id, until, reason };
}
