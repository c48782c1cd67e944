/** Whether, and since when, the gateway knows this listener as a monitor. Milliseconds since 1970. */
export class Registration {
  private readonly signal: AbortSignal;
  private since_: number | null = null;
  private lastProof: number | undefined;
  private waiting: Array<() => void> = [];

  constructor(signal: AbortSignal) {
    this.signal = signal;
    signal.addEventListener("abort", () => this.release(), { once: true });
  }

  /** Since when notices can be heard without a break; null while they cannot. */
  get since(): number | null {
    return this.since_ === null ? null : Math.round(this.since_);
  }

  /** When the path was last proven. */
  get provenAt(): number | undefined {
    return this.lastProof;
  }

  registered(at: number): void {
    this.since_ = at;
    this.lastProof = at;
    this.release();
  }

  lost(): void {
    this.since_ = null;
  }

  proven(at: number): void {
    this.lastProof = at;
  }

  /** Resolves when registered, or when the service stops. */
  async whenRegistered(): Promise<void> {
    if (this.since_ !== null || this.signal.aborted) return;
    await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private release(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
