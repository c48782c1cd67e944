/** A pool, its provider and its users in virtual time, from a seed. Milliseconds throughout. */
import type { ActionResult, Sighting } from "../../services/power/src/console/driver.ts";

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/** A small random generator (mulberry32): the same seed gives the same days. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type State = "stopped" | "starting" | "running" | "stopping";

export interface Faults {
  /** Chances from 0 to 1. */
  readonly refused: number;
  readonly ignored: number;
  readonly uncertain: number;
  readonly stuck: number;
  readonly blind: number;
  readonly doubtful: number;
  readonly diesEachHour: number;
}

/** One machine as it truly is. */
export class Machine {
  readonly id: string;
  state: State = "stopped";
  /** When a boot or a shutdown comes to its end; infinity for one that is stuck. */
  doneAt = Number.POSITIVE_INFINITY;
  /** The machine works on something until then. */
  busyUntil = 0;
  private readonly random: () => number;

  constructor(id: string, random: () => number) {
    this.id = id;
    this.random = random;
  }

  pass(now: number, elapsed: number, faults: Faults): void {
    if (now >= this.doneAt) {
      this.state = this.state === "starting" ? "running" : "stopped";
      this.doneAt = Number.POSITIVE_INFINITY;
    }
    if (this.state === "running" && this.random() < (faults.diesEachHour * elapsed) / HOUR) this.turnOff();
  }

  turnOff(): void {
    this.state = "stopped";
    this.busyUntil = 0;
    this.doneAt = Number.POSITIVE_INFINITY;
  }

  /** What the console answers to an action, and what it really does. */
  act(action: "start" | "stop", now: number, faults: Faults): ActionResult {
    const possible = this.state === (action === "start" ? "stopped" : "running");
    if (!possible) return { outcome: "refused", lane: "api", soldOut: false, message: "not in that state" };
    if (this.random() < faults.refused) {
      return { outcome: "refused", lane: "api", soldOut: action === "start", message: "refused" };
    }
    const effective = this.random() >= faults.ignored;
    if (effective) {
      this.state = action === "start" ? "starting" : "stopping";
      this.busyUntil = 0;
      const takes =
        action === "start" ? (30 + 150 * this.random()) * SECOND : (10 + 50 * this.random()) * SECOND;
      this.doneAt = this.random() < faults.stuck ? Number.POSITIVE_INFINITY : now + takes;
    }
    return this.random() < faults.uncertain
      ? { outcome: "uncertain", lane: "api", message: "no answer" }
      : { outcome: "accepted", lane: "api" };
  }

  /** What a look shows: the truth, or nothing. */
  show(compared: boolean, faults: Faults): Sighting {
    if (this.random() < faults.blind) {
      return { state: "unknown", reason: "console_error", words: "The console answered with an error." };
    }
    if (compared && this.random() < faults.doubtful) {
      return { state: "unknown", reason: "page_half_loaded", words: "Half loaded.", api: this.state };
    }
    return { state: this.state };
  }
}
