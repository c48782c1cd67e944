import type { Logger } from "@gpu-power-manager/shared/logger";

/**
 * Work that runs beside the loop (a look, a call to the console) and hands its result back to it, so nothing is
 * decided on half a state.
 */
export class SideWork {
  private readonly logger: Logger;
  private readonly onResult: () => void;
  /** Results, taken in by the next pass. */
  private readonly inbox: Array<() => Promise<void>> = [];
  private readonly running = new Set<Promise<void>>();

  /** @param onResult a result waits to be taken in. */
  constructor(logger: Logger, onResult: () => void) {
    this.logger = logger;
    this.onResult = onResult;
  }

  /** Begins to wait for `work`, which promises not to throw; `result` runs when the loop takes it in. */
  begin<T>(work: Promise<T>, result: (value: T) => Promise<void>): void {
    const task: Promise<void> = work
      .then((value) => {
        this.inbox.push(() => result(value));
      })
      .catch((error: unknown) => this.logger.error({ err: error }, "A driver broke its promise not to throw"))
      .finally(() => {
        this.running.delete(task);
        this.onResult();
      });
    this.running.add(task);
  }

  /** Takes results in, in their order. @throws where one cannot be written; it is tried again next time. */
  async takeIn(): Promise<void> {
    for (let result = this.inbox[0]; result !== undefined; result = this.inbox[0]) {
      await result();
      this.inbox.shift();
    }
  }

  /** Resolves when all that runs has ended. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.running);
  }
}
