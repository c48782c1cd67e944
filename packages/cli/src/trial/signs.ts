/** What is seen while a trial runs: it only grows, and whoever waits is woken by each new sign. */
import { Happening, JobTaken } from "@gpu-power-manager/shared/history-page";
import { PowerStatus } from "@gpu-power-manager/shared/status";
import { CommandError, EXIT } from "../command-error.ts";
import { followEvents } from "../commands/watch.ts";
import type { Session } from "../session.ts";

/** Power answers at once, or it is away. */
const FIRST_STATUS_MS = 10_000;

export class Signs {
  /** Of the power that acts, the latest. */
  status: PowerStatus | undefined;
  /** Since the trial began. */
  readonly history: Happening[] = [];
  readonly jobs: JobTaken[] = [];
  /** Power could not be followed any more. */
  failure: unknown;
  private wakers: Array<() => void> = [];

  /** Something has been seen. */
  readonly changed = (): void => {
    for (const wake of this.wakers.splice(0)) wake();
  };

  /** Resolves at the next sign, or after so long. */
  async next(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wakers.push(resolve);
      timer = setTimeout(resolve, Math.max(0, ms));
    });
    clearTimeout(timer);
  }

  /**
   * Follows power until the signal; resolves once its state is known.
   * @throws CommandError where power cannot be asked, or is not the one that acts.
   */
  async follow(session: Session, signal: AbortSignal): Promise<PowerStatus> {
    void (async () => {
      try {
        for await (const { event, data } of followEvents(session, signal)) this.take(event, data);
      } catch (error) {
        this.failure = error;
        this.changed();
      }
    })();
    const deadline = performance.now() + FIRST_STATUS_MS;
    while (this.status === undefined && this.failure === undefined && performance.now() < deadline)
      await this.next(deadline - performance.now());
    if (this.failure !== undefined) throw this.failure;
    if (this.status === undefined)
      throw new CommandError(
        EXIT.unreachable,
        session.say(
          "Power has no state to tell yet; `gpuctl diagnose` says what it waits for.",
          "power 尚无状态可告；`gpuctl diagnose` 会说明它在等什么。",
        ),
      );
    return this.status;
  }

  private take(event: string, data: unknown): void {
    if (event === "status") {
      const status = PowerStatus.safeParse(data);
      if (status.success) this.status = status.data;
    } else if (event === "history") {
      const entry = Happening.safeParse(data);
      if (entry.success) this.history.push(entry.data);
    } else if (event === "job") {
      const job = JobTaken.safeParse(data);
      if (job.success) this.jobs.push(job.data);
    }
    this.changed();
  }
}
