/** Walks along a trial's steps as they come, and says at which it stopped and why. */

import { formatDuration } from "@gpu-power-manager/shared/duration";
import { Why } from "@gpu-power-manager/shared/why";
import { CommandError, EXIT } from "../command-error.ts";
import { describeWhy } from "../commands/why.ts";
import { firstFailure, judgeAll } from "../diagnose/check.ts";
import { allChecks } from "../diagnose/checks.ts";
import { gatherFacts } from "../diagnose/facts.ts";
import type { Session } from "../session.ts";
import type { Signs } from "./signs.ts";
import { placed, type Reached, type Step } from "./step.ts";

export class Walk {
  private readonly session: Session;
  private readonly beganAt = Date.now();
  private readonly began = performance.now();
  private beforeMs = 0;

  private readonly limitMs: number;

  /** @param limitMs no step is waited for longer, whatever it may take by itself. */
  constructor(session: Session, limitMs = Number.POSITIVE_INFINITY) {
    this.session = session;
    this.limitMs = limitMs;
  }

  /** A step has come that nothing had to be waited for. */
  tell(step: Pick<Step<never>, "id" | "name">, { status, seen, at }: Reached): void {
    const { json, print, paint } = this.session;
    const { beganAt, beforeMs } = this;
    const afterMs = Math.round(
      placed(at, { beganAt, beforeMs, seenMs: status === "skipped" ? beforeMs : this.sinceMs() }),
    );
    this.beforeMs = afterMs;
    if (json) {
      print(JSON.stringify({ step: step.id, status, afterMs, seen }));
      return;
    }
    const mark = { ok: paint("green", "✓"), warn: paint("yellow", "‼"), skipped: paint("dim", "–") }[status];
    print(`${paint("dim", seconds(afterMs))}  ${mark} ${step.name}: ${seen}`);
  }

  /** Waits for each step in turn. @returns the exit code: 1 at the first that does not come. */
  async along<S extends Signs>(steps: ReadonlyArray<Step<S>>, signs: S): Promise<number> {
    const { say } = this.session;
    for (const step of steps) {
      const limitMs = Math.min(step.limitMs, this.limitMs);
      const deadline = performance.now() + limitMs;
      for (;;) {
        const reached = step.reached(signs, say);
        if (reached !== undefined) {
          this.tell(step, reached);
          break;
        }
        if (signs.failure !== undefined) throw signs.failure;
        const refused = step.refused?.(signs, say);
        if (refused !== undefined) return await this.stopAt(step, refused);
        const left = deadline - performance.now();
        if (left <= 0) {
          const limit = formatDuration(limitMs);
          const hint = step.hint === undefined ? "" : say(`; ${step.hint}`, `；${step.hint}`);
          return await this.stopAt(step, say(`not seen within ${limit}`, `${limit}内未见到`) + hint);
        }
        await signs.next(left);
      }
    }
    if (this.session.json) this.session.print(JSON.stringify({ ok: true, afterMs: this.beforeMs }));
    return EXIT.fine;
  }

  /** Says that a step does not come, and what else is known of the cause. @returns the exit code. */
  async stopAt(step: Pick<Step<never>, "id" | "name">, seen: string): Promise<number> {
    const { json, print, paint } = this.session;
    const afterMs = Math.round(this.sinceMs());
    if (json) print(JSON.stringify({ step: step.id, status: "fail", afterMs, seen }));
    else print(`${paint("dim", seconds(afterMs))}  ${paint("red", "✗")} ${step.name}: ${seen}`);
    const { cause, next, why } = await this.causes();
    if (json) print(JSON.stringify({ ok: false, stoppedAt: step.id, seen, cause, next, why }));
    else {
      const { say } = this.session;
      if (cause !== null) print(`      ${say("diagnose:", "诊断：")} ${cause}`);
      if (next !== null) print(`      ${say("next:", "下一步：")} ${next}`);
      for (const line of why === null ? [] : describeWhy(why, say, paint)) print(`      ${line}`.trimEnd());
    }
    return EXIT.wrong;
  }

  /** The first ✗ of a diagnosis, and what the decision hangs on; both as far as power can be asked. */
  private async causes() {
    const { say, client } = this.session;
    const [facts, why] = await Promise.all([
      gatherFacts(this.session),
      client.ask("/why", Why).catch((error: unknown) => {
        if (error instanceof CommandError) return null;
        throw error;
      }),
    ]);
    const first = firstFailure(judgeAll(allChecks(facts, say)));
    return {
      cause: first === undefined ? null : `${first.group}: ${first.name}: ${first.seen}`,
      next: first?.next ?? null,
      why,
    };
  }

  private sinceMs(): number {
    return performance.now() - this.began;
  }
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(3).padStart(8)} s`;
