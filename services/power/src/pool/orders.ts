/** Starts and stops that people ordered: judged in the reconciler's pass, done the way of power's own. */
import { describeError } from "@gpu-power-manager/shared/errors";
import type { Decision } from "./decide/decision.ts";
import { judgeOrder, type Order, type Verdict } from "./decide/order.ts";
import type { Snapshot } from "./decide/snapshot.ts";

/** Whoever ordered waits for the answer; what cannot be confirmed within this is refused. */
const PATIENCE_MS = 25_000;
/** Between tries while something is waited for. */
const AGAIN_MS = 250;

export type Obeyed =
  | { readonly done: true; readonly attemptId: string }
  | { readonly done: false; readonly words: string };

interface OpenOrder {
  readonly order: Order;
  readonly answer: (obeyed: Obeyed) => void;
}

/** What the pass has to do for the orders that are open. */
export interface OrderWants {
  readonly ask: boolean;
  readonly compare: boolean;
  /** When they are to be judged again; infinity when none is open. */
  readonly due: number;
}

export class Orders {
  private open: OpenOrder[] = [];

  /** Resolves when the attempt has begun, or the order is refused. */
  give(order: Order): Promise<Obeyed> {
    return new Promise((answer) => {
      this.open.push({ order, answer });
    });
  }

  /** Refuses what is open; nothing is judged any more. */
  refuseAll(words: string): void {
    for (const { answer } of this.open.splice(0)) answer({ done: false, words });
  }

  /** @param begin begins an attempt; undefined when one could not begin. */
  async judge(
    snapshot: () => Snapshot,
    now: () => number,
    begin: (decision: Extract<Decision, { kind: "start" | "stop" }>) => Promise<string | undefined>,
  ): Promise<OrderWants> {
    const wants = { ask: false, compare: false, due: Number.POSITIVE_INFINITY };
    const open = this.open.splice(0);
    for (const each of open) {
      const { order, answer } = each;
      const verdict = judgeOrder(order, snapshot(), now());
      const settled = await this.settle(order, verdict, now(), begin).catch((error: unknown) => {
        answer({
          done: false,
          words: `It could not be written down (${describeError(error)}); nothing was sent.`,
        });
        return null;
      });
      if (settled === null) continue;
      if (settled !== undefined) {
        answer(settled);
        continue;
      }
      this.open.push(each);
      wants.ask ||= verdict.kind === "ask";
      wants.compare ||= verdict.kind === "compare";
      wants.due = Math.min(wants.due, now() + AGAIN_MS);
    }
    return wants;
  }

  private async settle(
    order: Order,
    verdict: Verdict,
    now: number,
    begin: (decision: Extract<Decision, { kind: "start" | "stop" }>) => Promise<string | undefined>,
  ): Promise<Obeyed | undefined> {
    if (verdict.kind === "refuse") return { done: false, words: verdict.words };
    if (verdict.kind === "do") {
      const { action: kind, instance } = order;
      const attemptId = await begin(
        kind === "start" ? { kind, instance, reason: "ordered" } : { kind, instance, reason: verdict.reason },
      );
      return attemptId === undefined
        ? { done: false, words: "Another attempt has begun at the same moment; look at the status." }
        : { done: true, attemptId };
    }
    if (now < order.at + PATIENCE_MS) return undefined;
    const words = {
      ask: "the gateway could not be asked whether a task is active",
      wait: "no answer came to whether a task is active",
      compare: "the console's page and API could not be compared",
    }[verdict.kind];
    return { done: false, words: `Within ${PATIENCE_MS / 1_000} s ${words}; look at the status.` };
  }
}
