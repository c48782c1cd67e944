/** How often the backlog is read: as configured, or less often where reading takes long. Pure but for its own state. */

/** Reading may take at most this share of the time: the Redis is the gateway's, and so is its work. */
export const MOST_SHARE = 0.02;
/** So many readings tell how long one takes: one that was slow by accident must not hold up the next for a minute. */
const REMEMBERED = 5;

export class Pace {
  /** From the beginning of one reading to that of the next, as far as the operator is asked; milliseconds. */
  readonly configuredMs: number;
  private readonly readings: number[] = [];

  constructor(configuredMs: number) {
    this.configuredMs = configuredMs;
  }

  /** A reading took so long, whatever came of it. */
  took(ms: number): void {
    this.readings.push(ms);
    if (this.readings.length > REMEMBERED) this.readings.shift();
  }

  /** Milliseconds that a reading takes. */
  get readingMs(): number {
    const sum = this.readings.reduce((total, ms) => total + ms, 0);
    return sum / Math.max(1, this.readings.length);
  }

  /** No reading that nobody asks for begins sooner after the beginning of the last, in milliseconds. */
  get leastMs(): number {
    return this.readingMs / MOST_SHARE;
  }

  /** From the beginning of one reading to that of the next, in milliseconds. */
  get intervalMs(): number {
    return Math.max(this.configuredMs, this.leastMs);
  }

  /** Reading takes so long that it is done less often than configured. */
  get slowed(): boolean {
    return this.leastMs > this.configuredMs;
  }
}
