/** A pool's machines, their provider, the gateway and its users in virtual time, from a seed. Milliseconds throughout. */
import assert from "node:assert/strict";
import type { ActionResult, Facts, PlanResult, Sighting } from "../../services/power/src/console/driver.ts";

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
  /** The provider has no GPU free for a machine, for up to two hours. */
  readonly soldOutEachHour: number;
  /** It deletes a machine that has been off for so long; 0: never. */
  readonly deletedAfter: number;
  /** Somebody else plans a stop of a machine, or changes the one that is planned. */
  readonly plannedEachHour: number;
  /** The provider refuses to change what is planned, or its answer is lost. */
  readonly planRefused: number;
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
  soldOutEachHour: 0,
  deletedAfter: 0,
  plannedEachHour: 0,
  planRefused: 0,
};
/** The longest work of which nobody tells. */
const MOST_SILENT = 4 * HOUR;

/** How long a console that is late may show a machine as starting after it has come up. */
const MOST_CONSOLE_LAG = 20 * SECOND;

/** What an hour of a machine costs while it runs. */
export const PRICE = 1;
const wholeSeconds = (ms: number) => Math.floor(ms / SECOND) * SECOND;
/** The provider takes no planned stop that is nearer. */
const LEAST_AHEAD = 5 * MINUTE;
const MOST_SOLD_OUT = 2 * HOUR;
/** What began since the last look nobody can know. */
const UNSEEN = MINUTE;

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
  /** From and until when its provider has no GPU free for it. */
  soldOut: { readonly from: number; readonly until: number } | null = null;
  /** Since when it is off. */
  offAt: number | null = null;
  /** When its provider will stop it, by whose plan, and since when that is so. */
  plan: { readonly at: number; readonly other: boolean; readonly from: number } | null = null;
  /** Times that it was stopped by a plan of power's. */
  stoppedByOurs = 0;
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
    if (this.soldOut !== null && (now >= this.soldOut.until || faults.soldOutEachHour === 0))
      this.soldOut = null;
    if (this.soldOut === null && this.happens(faults.soldOutEachHour, elapsed))
      this.soldOut = { from: now, until: now + this.random() * MOST_SOLD_OUT };
    if (this.happens(faults.plannedEachHour, elapsed))
      this.plan = { at: wholeSeconds(now + this.random() * 5 * HOUR), other: true, from: now };
    if (this.plan !== null && now >= this.plan.at) {
      if (this.state === "running") {
        if (!this.plan.other) this.stoppedByOurs += 1;
        this.turnOff();
        this.diedAt = now;
      }
      this.plan = null;
    }
    this.offAt = this.state === "stopped" ? (this.offAt ?? now) : null;
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

  /** What cannot happen draws no number, so that seeds play as they did before it could. */
  private happens(eachHour: number, elapsed: number): boolean {
    return eachHour > 0 && this.random() < (eachHour * elapsed) / HOUR;
  }

  /** When its provider will delete it; null where it will not. */
  deletedAt({ deletedAfter }: Faults): number | null {
    return this.state !== "stopped" || this.offAt === null || deletedAfter === 0
      ? null
      : wholeSeconds(this.offAt + deletedAfter);
  }

  /** Power changes what is planned; another's plan that it could have seen it never changes. */
  planStop(at: number | null, now: number, faults: Faults): PlanResult {
    const { plan } = this;
    if (faults.lies === 0 && plan?.other === true)
      assert.ok(now - plan.from < UNSEEN, "a stop that somebody else planned is left alone");
    if (at !== null && at < now + LEAST_AHEAD) return { outcome: "refused", message: "too near" };
    const refused = faults.planRefused > 0 && this.random() < faults.planRefused;
    const lost = faults.planRefused > 0 && this.random() < faults.planRefused;
    if (refused && !lost) return { outcome: "refused", message: "refused" };
    if (!refused) this.plan = at === null ? null : { at, other: false, from: now };
    return lost ? { outcome: "uncertain", message: "no answer" } : { outcome: "accepted" };
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
    if (action === "start" && this.soldOut !== null)
      return { outcome: "refused", lane: "api", soldOut: true, message: "sold out" };
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

  /** What the provider tells of it beside its state. @param at the time of the question by power's clock. */
  tell(at: number, now: number, faults: Faults): Facts | null {
    const computes = this.busy || this.silent !== null;
    // What cannot happen draws no number, so that seeds play as they did before it could.
    if (faults.untold > 0 && this.random() < faults.untold) return null;
    const lies = faults.lies > 0 && this.random() < faults.lies;
    const deletedAt = lies ? now + this.random() * faults.deletedAfter : this.deletedAt(faults);
    return {
      askedAt: at,
      gpuUsage: computes === lies ? 0 : 80,
      available: (this.soldOut === null) !== lies,
      currency: "CNY",
      pricePerHour: PRICE,
      ...(deletedAt === null || faults.deletedAfter === 0 ? {} : { releaseAt: deletedAt }),
      ...(this.plan === null || lies ? {} : { plannedStopAt: this.plan.at }),
    };
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
