/** Whether, and since when, the gateway knows this listener as a monitor. Milliseconds since 1970. */
export class Registration {
  private readonly signal: AbortSignal;
  private from: number | null = null;
  private lastProof: number | undefined;
  private waiting = new Set<() => void>();

  constructor(signal: AbortSignal) {
    this.signal = signal;
    signal.addEventListener("abort", () => this.release(), { once: true });
  }

  /** Since when notices can be heard without a break; null while they cannot. */
  get since(): number | null {
    return this.from === null ? null : Math.round(this.from);
  }

  /** When the path was last proven: by an answer to a registration, or by a notice. */
  get provenAt(): number | undefined {
    return this.lastProof;
  }

  registered(at: number): void {
    this.from = at;
    this.lastProof = at;
    this.release();
  }

  lost(): void {
    this.from = null;
  }

  proven(at: number): void {
    this.lastProof = at;
  }

  /** Resolves with true when registered, with false after `maxMs` or when the service stops. */
  async whenRegistered(maxMs: number): Promise<boolean> {
    if (this.from === null && !this.signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          this.waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, maxMs);
        this.waiting.add(done);
      });
    }
    return this.from !== null && !this.signal.aborted;
  }

  private release(): void {
    for (const done of [...this.waiting]) done();
  }
}
