/** What the three robots have in common, and how the answer of one is judged. */
import type { Message } from "../alerts/message.ts";
import type { Target } from "../config/robots.ts";

export interface Request {
  readonly url: string;
  /** JSON. */
  readonly body: string;
}

/**
 * - `sent`: it is in the group.
 * - `wait`: too many at a time; the robot takes nothing for `pauseMs`.
 * - `failed`: passes by itself, try again.
 * - `refused`: only a person can mend it: a wrong key, a wrong signature, a word that the robot wants.
 */
export type Verdict =
  | { readonly outcome: "sent" }
  | { readonly outcome: "wait"; readonly pauseMs: number; readonly words: string }
  | { readonly outcome: "failed" | "refused"; readonly words: string };
export const OUTCOMES = ["sent", "wait", "failed", "refused", "held"] as const;

export interface Robot {
  /** Messages within a minute; a robot that got more takes none for a while. */
  readonly perMinute: number;
  /** The request for a message, short enough and signed. */
  readonly request: (message: Message, target: Target, now: number) => Request;
  /** What an answer of HTTP 200 means: all three say there that they did not take it. */
  readonly judge: (answer: unknown) => Verdict;
}

/** An answer that is none of the robot's: a proxy's page, another server. */
export const notTheRobot = (words: string): Verdict => ({ outcome: "failed", words });

/** The answer by its code: 0 is sent, some codes are the limit, some a trouble of the server, all others a refusal. */
export function byCode(
  code: number,
  text: string,
  known: {
    readonly limit: readonly number[];
    readonly pauseMs: number;
    readonly passing: readonly number[];
    readonly hints: Readonly<Record<number, string>>;
  },
): Verdict {
  if (code === 0) return { outcome: "sent" };
  const hint = known.hints[code];
  const words = `it answered ${code}: ${text}${hint === undefined ? "" : `; ${hint}`}`;
  if (known.limit.includes(code)) return { outcome: "wait", pauseMs: known.pauseMs, words };
  return { outcome: known.passing.includes(code) ? "failed" : "refused", words };
}
