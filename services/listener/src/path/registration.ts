/** Whether, and since when, the gateway knows this listener as a monitor. Milliseconds since 1970. */
export class Registration {
  private readonly signal: AbortSignal;
  private from: number | null = null;
  private lastProof: number | undefined;
  private lastHeard: number | undefined;
  private lastAnswer: number | undefined;
  private doubt = false;
  private waiting = new Set<() => void>();

  constructor(signal: AbortSignal) {
    this.signal = signal;
    signal.addEventListener("abort", () => this.release(), { once: true });
  }

  /** Since when notices can be heard without a break; null while they cannot, or that is in doubt. */
  get since(): number | null {
    return this.from === null || this.doubt ? null : Math.round(this.from);
  }

  /** When the path was last proven: by an answer to a registration, by a notice or by a probe. */
  get provenAt(): number | undefined {
    return this.lastProof;
  }

  /** When a frame last came all the way as a notice does: a notice, or a probe. */
  get heardAt(): number | undefined {
    return this.lastHeard;
  }

  /** When the gateway last confirmed a registration: it knew us then, and whether notices come is not said by it. */
  get answeredAt(): number | undefined {
    return this.lastAnswer;
  }

  /** A probe was not heard, and nothing was since. */
  get inDoubt(): boolean {
    return this.doubt;
  }

  registered(at: number): void {
    this.from = at;
    this.lastProof = at;
    this.lastAnswer = at;
    this.release();
  }

  /**
   * The gateway has answered that we are registered, once more. Whether we had been all the while it does not say, so
   * it is no proof of the path.
   */
  confirmed(at: number): void {
    this.lastAnswer = at;
  }

  lost(): void {
    this.from = null;
  }

  doubted(): void {
    this.doubt = true;
  }

  proven(at: number): void {
    this.lastProof = at;
    this.lastHeard = at;
    if (!this.doubt) return;
    // What came while it was in doubt may have been missed, whatever was wrong.
    this.doubt = false;
    if (this.from !== null) this.from = at;
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
