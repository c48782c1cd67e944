import type { MachineSpec, MachineState } from "./machine-spec.ts";

/** A machine as it stands; all times are epoch milliseconds, fractions allowed. */
export interface Machine {
  readonly spec: MachineSpec;
  readonly state: MachineState;
  readonly sinceMs: number;
  /** Boots so far; decides whether this boot passes through Initializing. */
  readonly boots: number;
  /** The small specification that it was started with in place of its GPU; null: with its GPU. */
  readonly withoutGpu: "A" | "B" | null;
  /** When the provider itself will stop it, if it runs then; null: never. */
  readonly plannedStopMs: number | null;
}

/** How a machine behaves for now; the knobs of one machine, already looked up. */
export interface Conduct {
  readonly bootMs: number;
  readonly stopMs: number;
  readonly initializing: "never" | "always" | "everySecondBoot";
  readonly stuckStarting: boolean;
  /** A running machine stops without being asked after this long; null: never. */
  readonly stopsByItselfAfterMs: number | null;
  /** No transition is dated before this: a knob turned now cannot have had its effect a minute ago. */
  readonly changedAtMs: number;
}

/** Share of a boot spent in Starting when it also passes through Initializing. */
const STARTING_SHARE = 0.5;

export type Transition = { readonly state: MachineState; readonly atMs: number };

/** A machine that has just been rented, in the state its spec names. */
export function newMachine(spec: MachineSpec, nowMs: number): Machine {
  return { spec, state: spec.State, sinceMs: nowMs, boots: 0, withoutGpu: null, plannedStopMs: null };
}

/** What the machine will do next if nobody touches it; null when it stays as it is. */
export function nextTransition(machine: Machine, conduct: Conduct): Transition | null {
  const after = (state: MachineState, delayMs: number): Transition => ({
    state,
    atMs: Math.max(machine.sinceMs + delayMs, conduct.changedAtMs),
  });
  const initializes =
    conduct.initializing === "always" ||
    (conduct.initializing === "everySecondBoot" && machine.boots > 0 && machine.boots % 2 === 0);
  switch (machine.state) {
    case "Starting":
      if (conduct.stuckStarting) return null;
      return initializes
        ? after("Initializing", conduct.bootMs * STARTING_SHARE)
        : after("Running", conduct.bootMs);
    case "Initializing":
      return conduct.stuckStarting ? null : after("Running", conduct.bootMs * (1 - STARTING_SHARE));
    case "Rebooting":
      return after("Running", conduct.bootMs);
    case "Stopping":
      return after("Stopped", conduct.stopMs);
    case "Running": {
      const ends = [
        ...(conduct.stopsByItselfAfterMs === null
          ? []
          : [after("Stopping", conduct.stopsByItselfAfterMs).atMs]),
        ...(machine.plannedStopMs === null ? [] : [Math.max(machine.sinceMs, machine.plannedStopMs)]),
      ];
      return ends.length === 0 ? null : { state: "Stopping", atMs: Math.min(...ends) };
    }
    case "Stopped":
    case "Install Fail":
    case "Resizing":
    case "Pending":
    case "Reinstalling":
    case "":
      return null;
  }
}

/** The machine at `nowMs`: every transition due by then has happened, each at its own time. */
export function advance(machine: Machine, conduct: Conduct, nowMs: number): Machine {
  let current = machine;
  for (;;) {
    const next = nextTransition(current, conduct);
    if (next === null || next.atMs > nowMs) return current;
    const { plannedStopMs } = current;
    current = {
      ...current,
      state: next.state,
      sinceMs: next.atMs,
      plannedStopMs: next.state === "Stopping" ? null : plannedStopMs,
    };
  }
}

/**
 * Powers a stopped machine on; null when its state does not allow it.
 * @param withoutGpu the small specification on which it runs without its GPU
 */
export function start(
  machine: Machine,
  nowMs: number,
  withoutGpu: Machine["withoutGpu"] = null,
): Machine | null {
  if (machine.state !== "Stopped") return null;
  return { ...machine, state: "Starting", sinceMs: nowMs, boots: machine.boots + 1, withoutGpu };
}

/** Powers a running machine off; null when its state does not allow it. */
export function stop(machine: Machine, nowMs: number): Machine | null {
  return machine.state === "Running"
    ? { ...machine, state: "Stopping", sinceMs: nowMs, plannedStopMs: null }
    : null;
}

/** Restarts a running machine; null when its state does not allow it. */
export function reboot(machine: Machine, nowMs: number): Machine | null {
  return machine.state === "Running" ? { ...machine, state: "Rebooting", sinceMs: nowMs } : null;
}

/** Somebody switched it in another browser: the machine is in `state` from now on. */
export function putInState(machine: Machine, state: MachineState, nowMs: number): Machine {
  return { ...machine, state, sinceMs: nowMs };
}
