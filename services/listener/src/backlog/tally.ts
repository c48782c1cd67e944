/** Counts by name that are used up one by one. Pure but for its own state. */

/** Names beyond this are not remembered, so that a flood of license keys cannot fill the memory. */
const MAX_NAMES = 50_000;

export class Tally {
  private readonly counts: Map<string, number>;

  constructor(counts: Iterable<readonly [string, number]> = []) {
    this.counts = new Map(counts);
  }

  get empty(): boolean {
    return this.counts.size === 0;
  }

  /** The new count; undefined where there are too many names for one more. */
  add(name: string, count = 1): number | undefined {
    const sum = (this.counts.get(name) ?? 0) + count;
    if (sum === count && this.counts.size >= MAX_NAMES) return undefined;
    this.counts.set(name, sum);
    return sum;
  }

  addAll(others: Iterable<readonly [string, number]>): void {
    for (const [name, count] of others) this.add(name, count);
  }

  use(name: string): boolean {
    const count = this.counts.get(name);
    if (count === undefined) return false;
    if (count === 1) this.counts.delete(name);
    else this.counts.set(name, count - 1);
    return true;
  }

  [Symbol.iterator](): Iterator<[string, number]> {
    return this.counts[Symbol.iterator]();
  }
}
