/** A pool's machines, their provider, the gateway and its users in virtual time, from a seed. Milliseconds throughout. */
import type { ActionResult, Facts, Sighting } from "../../services/power/src/console/driver.ts";

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

/** Chances from 0 to 1. */
export interface Faults {
  readonly refused: number;
  readonly ignored: number;
  readonly uncertain: number;
  readonly stuck: number;
  /** A start that takes longer than policy waits. */
  readonly slow: number;
  readonly blind: number;
  readonly doubtful: number;
  /** The console shows a machine that has come up as starting for some seconds more. */
  readonly late: number;
  readonly diesEachHour: number;
  /** A worker loses its connection and registers anew within a minute. */
  readonly dropsEachHour: number;
  /** A person turns a machine on that is off. */
  readonly byHandEachHour: number;
  /** Work of which nobody tells: no notice, and no sign of it but the GPU that computes. */
  readonly silentEachHour: number;
  /** The provider tells nothing of the GPU, or the contrary of what is true. */
  readonly untold: number;
  readonly lies: number;
}

export const CALM: Faults = {
  refused: 0,
  ignored: 0,
  uncertain: 0,
  stuck: 0,
  slow: 0,
  blind: 0,
  doubtful: 0,
  late: 0,
  diesEachHour: 0,
  dropsEachHour: 0,
  byHandEachHour: 0,
  silentEachHour: 0,
  untold: 0,
  lies: 0,
};
/** The longest work of which nobody tells. */
const MOST_SILENT = 4 * HOUR;

/** How long a console that is late may show a machine as starting after it has come up. */
const MOST_CONSOLE_LAG = 20 * SECOND;

/** One machine as it truly is. */
export class Machine {
  readonly id: string;
  state: State = "stopped";
  /** When a boot or a shutdown comes to its end; infinity for one that is stuck. */
  doneAt = Number.POSITIVE_INFINITY;
  /** Since when it runs. */
  upAt = 0;
  /** When it last stopped by itself. */
  diedAt = 0;
  /** Whoever turned it on last. */
  byHand = false;
  /** When its worker registers, or registers anew; infinity while that has happened. */
  workerAt = Number.POSITIVE_INFINITY;
  /** Unfinished jobs that it was given, and when each will be done. */
  readonly jobs = new Map<number, number>();
  /** Its GPU computes from and until then for work of which nobody tells. */
  silent: { readonly from: number; readonly until: number } | null = null;
  private shownLate = 0;
  private readonly random: () => number;

  constructor(id: string, random: () => number) {
    this.id = id;
    this.random = random;
  }

  get busy(): boolean {
    return this.state === "running" && this.jobs.size > 0;
  }

  pass(now: number, elapsed: number, faults: Faults): void {
    if (this.silent !== null && now >= this.silent.until) this.silent = null;
    if (
      this.state === "running" &&
      this.silent === null &&
      faults.silentEachHour > 0 &&
      this.random() < (faults.silentEachHour * elapsed) / HOUR
    )
      this.silent = { from: now, until: now + this.random() * MOST_SILENT };
    if (now >= this.doneAt) {
      if (this.state === "starting") this.comeUp(now, faults);
      else this.turnOff();
    }
    if (this.state === "running" && this.random() < (faults.diesEachHour * elapsed) / HOUR) {
      this.turnOff();
      this.diedAt = now;
    }
    if (this.state === "stopped" && this.random() < (faults.byHandEachHour * elapsed) / HOUR) {
      this.begin("start", now, faults);
      this.byHand = true;
    }
  }

  private comeUp(now: number, faults: Faults): void {
    this.state = "running";
    this.doneAt = Number.POSITIVE_INFINITY;
    this.upAt = now;
    this.shownLate = this.random() < faults.late ? this.random() * MOST_CONSOLE_LAG : 0;
    this.workerAt = now + (5 + 85 * this.random()) * SECOND;
  }

  turnOff(): void {
    this.state = "stopped";
    this.silent = null;
    this.jobs.clear();
    this.doneAt = Number.POSITIVE_INFINITY;
    this.workerAt = Number.POSITIVE_INFINITY;
  }

  private begin(action: "start" | "stop", now: number, faults: Faults): void {
    this.state = action === "start" ? "starting" : "stopping";
    this.silent = null;
    this.jobs.clear();
    this.workerAt = Number.POSITIVE_INFINITY;
    const slow = action === "start" && this.random() < faults.slow;
    const takes =
      action === "start"
        ? (slow ? 310 + 300 * this.random() : 30 + 150 * this.random()) * SECOND
        : (10 + 50 * this.random()) * SECOND;
    this.doneAt = this.random() < faults.stuck ? Number.POSITIVE_INFINITY : now + takes;
  }

  /** What the console answers to an action, and what it really does. */
  act(action: "start" | "stop", now: number, faults: Faults): ActionResult {
    const possible = this.state === (action === "start" ? "stopped" : "running");
    if (!possible) return { outcome: "refused", lane: "api", soldOut: false, message: "not in that state" };
    if (this.random() < faults.refused) {
      return { outcome: "refused", lane: "api", soldOut: action === "start", message: "refused" };
    }
    if (this.random() >= faults.ignored) {
      this.begin(action, now, faults);
      if (action === "start") this.byHand = false;
    }
    return this.random() < faults.uncertain
      ? { outcome: "uncertain", lane: "api", message: "no answer" }
      : { outcome: "accepted", lane: "api" };
  }

  /** What the provider tells of it beside its state. */
  tell(now: number, faults: Faults): Facts | null {
    const computes = this.busy || this.silent !== null;
    // What cannot happen draws no number, so that seeds play as they did before it could.
    if (faults.untold > 0 && this.random() < faults.untold) return null;
    const lies = faults.lies > 0 && this.random() < faults.lies;
    return { askedAt: now, gpuUsage: computes === lies ? 0 : 80 };
  }

  /** What a look shows: the truth, a moment late perhaps, or nothing. */
  show(compared: boolean, now: number, faults: Faults): Sighting {
    if (this.random() < faults.blind) {
      return { state: "unknown", reason: "console_error", words: "The console answered with an error." };
    }
    if (compared && this.random() < faults.doubtful) {
      return { state: "unknown", reason: "page_half_loaded", words: "Half loaded.", api: this.state };
    }
    const late = this.state === "running" && now < this.upAt + this.shownLate;
    return { state: late ? "starting" : this.state };
  }
}

/** Gives each job to every worker that is online; where none is, to the first that registers, and to it alone. */
export class Gateway {
  private readonly waiting: Array<{ readonly id: number; readonly takes: number }> = [];
  private readonly online = new Set<Machine>();
  private readonly done = new Set<number>();
  private nextId = 0;
  private readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
  }

  /** Jobs that wait for a worker. */
  get backlog(): number {
    return this.waiting.length;
  }

  isOnline(machine: Machine): boolean {
    return this.online.has(machine);
  }

  /** @param takes how long a machine works on it. */
  submit(now: number, takes: number): void {
    const id = this.nextId;
    this.nextId += 1;
    if (this.online.size === 0) this.waiting.push({ id, takes });
    for (const machine of this.online) machine.jobs.set(id, now + takes);
  }

  /** Jobs end, workers come and go. @returns whether a worker has registered. */
  pass(now: number, elapsed: number, machines: readonly Machine[], faults: Faults): boolean {
    let registered = false;
    for (const machine of machines) {
      for (const [id, doneAt] of machine.jobs) {
        if (doneAt > now) continue;
        machine.jobs.delete(id);
        this.done.add(id);
      }
      if (machine.state !== "running") this.online.delete(machine);
      else if (this.online.has(machine)) {
        if (this.random() < (faults.dropsEachHour * elapsed) / HOUR) {
          this.online.delete(machine);
          machine.workerAt = now + (1 + 59 * this.random()) * SECOND;
        }
      } else if (now >= machine.workerAt) {
        machine.workerAt = Number.POSITIVE_INFINITY;
        this.online.add(machine);
        for (const { id, takes } of this.waiting.splice(0)) machine.jobs.set(id, now + takes);
        registered = true;
      }
    }
    return registered;
  }

  /** Jobs that `machine` works on and that are neither done nor on another machine. */
  onlyOn(machine: Machine, machines: readonly Machine[]): number[] {
    return [...machine.jobs.keys()].filter(
      (id) => !this.done.has(id) && !machines.some((other) => other !== machine && other.jobs.has(id)),
    );
  }
}
