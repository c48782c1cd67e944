import { nowMs } from "./clock.ts";
import { type Faults, type FaultsPatch, faults as faultsSchema } from "./faults.ts";
import {
  type MachineSpecInput,
  type MachineState,
  machineSpec,
  machineSpecs,
  STRANGER,
} from "./machine-spec.ts";
import { advance, type Conduct, type Machine, newMachine, putInState, start, stop } from "./machines.ts";

/** The account's machines over real time, under the knobs of the moment. */
export class Fleet {
  readonly #machines = new Map<string, Machine>();
  readonly #initialFaults: Faults;
  readonly #strangerId: string;
  #faults: Faults;
  #changedAtMs = nowMs();

  constructor(machines: readonly MachineSpecInput[], initialFaults: Faults) {
    this.#initialFaults = initialFaults;
    this.#faults = initialFaults;
    const stranger = machineSpec.parse(STRANGER);
    this.#strangerId = stranger.UHostId;
    for (const spec of [...machineSpecs.parse(machines), stranger]) {
      this.#machines.set(spec.UHostId, newMachine(spec, this.#changedAtMs));
    }
  }

  get faults(): Faults {
    return this.#faults;
  }

  /** Replaces the knobs named in `patch`; throws a ZodError on a value that no knob takes. */
  turn(patch: FaultsPatch): void {
    this.#setFaults(faultsSchema.parse({ ...this.#faults, ...patch }));
  }

  resetFaults(): void {
    this.#setFaults(this.#initialFaults);
  }

  /** The machine as it is now; undefined when there is none of that id. */
  get(uHostId: string): Machine | undefined {
    const machine = this.#machines.get(uHostId);
    if (machine === undefined) return undefined;
    const current = advance(machine, this.#conductOf(uHostId), nowMs());
    this.#machines.set(uHostId, current);
    return current;
  }

  /** Every machine, the stranger's included. */
  all(): Machine[] {
    return [...this.#machines.keys()].flatMap((id) => this.get(id) ?? []);
  }

  /** The machines that the console lists, in its order. */
  listed(): Machine[] {
    if (this.#faults.emptyList) return [];
    const own = this.all().filter((machine) => machine.spec.UHostId !== this.#strangerId);
    if (!this.#faults.otherMachineFirst) return own;
    const stranger = this.get(this.#strangerId);
    return [...(stranger === undefined ? [] : [stranger]), ...own.reverse()];
  }

  /** Applies a change of state that the provider accepted; false when the machine's state does not allow it. */
  apply(uHostId: string, change: (machine: Machine, nowMs: number) => Machine | null): boolean {
    const machine = this.get(uHostId);
    const changed = machine === undefined ? null : change(machine, nowMs());
    if (changed === null) return false;
    if (!this.#faults.acceptButNothing) this.#machines.set(uHostId, changed);
    return true;
  }

  /**
   * Somebody switched the machine without us. With `transition` it boots or shuts down on its way to Running or
   * Stopped as usual; without, it is in `state` at once. False when there is no such machine, or no such way.
   */
  switchByHand(uHostId: string, state: MachineState, transition: boolean): boolean {
    const machine = this.get(uHostId);
    if (machine === undefined) return false;
    const now = nowMs();
    const changed = !transition
      ? putInState(machine, state, now)
      : state === "Running"
        ? start(machine, now)
        : state === "Stopped"
          ? stop(machine, now)
          : null;
    if (changed === null) return false;
    this.#machines.set(uHostId, changed);
    return true;
  }

  #setFaults(faults: Faults): void {
    // What was due under the old knobs happened under the old knobs.
    this.all();
    this.#faults = faults;
    this.#changedAtMs = nowMs();
  }

  #conductOf(uHostId: string): Conduct {
    const { bootMs, stopMs, initializing, stuckStarting, stopsByItselfAfterMs } = this.#faults;
    return {
      bootMs,
      stopMs,
      initializing,
      stuckStarting: stuckStarting.includes(uHostId),
      stopsByItselfAfterMs: stopsByItselfAfterMs[uHostId] ?? null,
      changedAtMs: this.#changedAtMs,
    };
  }
}
