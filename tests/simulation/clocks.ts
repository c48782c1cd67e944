/** The clocks of the machine that power runs on, and what happens to them. Milliseconds. */
import { Clock, type Reading } from "@gpu-power-manager/shared/clock";
import { HOUR } from "./world.ts";

export class Clocks {
  private reading: Reading;
  private readonly random: () => number;
  /** The machine stands still until then, by the world's time, and its boot clock, too, or not. */
  private stillUntil = 0;
  private asleep = false;
  readonly clock: Clock;

  constructor(now: number, random: () => number) {
    this.reading = { mono: 0, wall: now, boot: 0 };
    this.random = random;
    this.clock = new Clock(
      () => this.reading,
      () => this.reading.mono,
    );
  }

  /** Time passes in the world. @returns whether power runs. */
  pass(now: number, elapsed: number): boolean {
    const { mono, wall, boot } = this.reading;
    const runs = now >= this.stillUntil;
    this.reading = {
      mono: mono + (runs ? elapsed : 0),
      wall: wall + elapsed,
      boot: boot + (runs || this.asleep ? elapsed : 0),
    };
    return runs;
  }

  /** The machine is paused or sleeps, or somebody sets its clock. */
  jump(now: number): void {
    if (this.random() < 0.5) {
      this.asleep = this.random() < 0.5;
      this.stillUntil = now + this.random() * 2 * HOUR;
    } else {
      this.reading = { ...this.reading, wall: this.reading.wall + (2 * this.random() - 1) * 3 * HOUR };
    }
  }
}
