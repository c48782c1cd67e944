/** Work that must not overlap: each begins when the one before it has ended, well or not. */
export class Turns {
  private readonly idle: () => Promise<void>;
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  /** @param idle what is done after a turn that nobody else waits for; must not throw. */
  constructor(idle: () => Promise<void> = async () => {}) {
    this.idle = idle;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    this.waiting += 1;
    const turn = this.last.then(async () => {
      this.waiting -= 1;
      return await work();
    });
    this.last = turn
      .catch(() => undefined)
      .then(async () => {
        if (this.waiting === 0) await this.idle();
      });
    return await turn;
  }
}
