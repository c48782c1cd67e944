/** Sends a message to a robot, and says whether it is in the group. Keeps nothing: Alertmanager asks again. */
import { describeError } from "@gpu-power-manager/shared/errors";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { Message } from "../alerts/message.ts";
import type { RobotKind, Target } from "../config/robots.ts";
import type { Recorder } from "../telemetry/metrics.ts";
import { dingtalk } from "./dingtalk.ts";
import { feishu } from "./feishu.ts";
import { FRESH, notePause, noteSent, type Pace, waitOf } from "./pace.ts";
import type { Robot, Verdict } from "./robot.ts";
import { wecom } from "./wecom.ts";

/** Less than Alertmanager's patience with us, so that it hears why. */
const ANSWER_MS = 5_000;
/** An answer of a robot is a line; what is longer is none. */
const ANSWER_BYTES = 65_536;

export const ROBOT: Readonly<Record<RobotKind, Robot>> = { wecom, dingtalk, feishu };

export type Delivered =
  | Exclude<Verdict, { outcome: "wait" }>
  | { readonly outcome: "wait" | "held"; readonly waitMs: number; readonly words: string };

export interface DeliveryOptions {
  readonly kind: RobotKind;
  readonly target: Target;
  readonly logger: Logger;
  readonly recorder: Recorder;
  readonly now: () => number;
}

/** One group's robot, with its pace. */
export class Delivery {
  private readonly options: DeliveryOptions;
  private pace: Pace = FRESH;
  /** Messages go one by one: two at once would both see the last free place. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(options: DeliveryOptions) {
    this.options = options;
  }

  /** Resolves with what became of it; never rejects. */
  send(message: Message): Promise<Delivered> {
    const sending = this.turn.then(() => this.now(message));
    this.turn = sending;
    return sending;
  }

  private async now(message: Message): Promise<Delivered> {
    const { kind, logger, recorder, now } = this.options;
    const delivered = await this.try(message);
    recorder.message(kind, delivered.outcome);
    const fields = { robot: kind, title: message.title };
    if (delivered.outcome === "sent") {
      recorder.sent(kind, now());
      logger.info(fields, "The message is in the group");
    } else {
      const level = delivered.outcome === "refused" ? "error" : "warn";
      logger[level](
        { ...fields, ...delivered },
        "The robot has not taken the message; Alertmanager sends it again",
      );
    }
    return delivered;
  }

  private async try(message: Message): Promise<Delivered> {
    const { kind, target, now } = this.options;
    const robot = ROBOT[kind];
    const waitMs = waitOf(this.pace, robot.perMinute, message.severity === "critical", now());
    if (waitMs > 0)
      return { outcome: "held", waitMs, words: `${kind} would not take it now: too many messages at a time` };
    const at = now();
    this.pace = noteSent(this.pace, at);
    const verdict = await this.ask(robot, robot.request(message, target, at));
    if (verdict.outcome !== "wait") return verdict;
    this.pace = notePause(this.pace, now() + verdict.pauseMs);
    return { outcome: "wait", waitMs: verdict.pauseMs, words: verdict.words };
  }

  private async ask(robot: Robot, { url, body }: ReturnType<Robot["request"]>): Promise<Verdict> {
    try {
      const response = await fetch(url, {
        method: "POST",
        body,
        headers: { "content-type": "application/json; charset=utf-8" },
        redirect: "error",
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      const text = (await response.text()).slice(0, ANSWER_BYTES);
      // Feishu says its codes with 4xx as well.
      const answer = parsed(text);
      if (response.status >= 500 || answer === undefined)
        return { outcome: "failed", words: `its server answered HTTP ${response.status}` };
      return robot.judge(answer);
    } catch (error) {
      return { outcome: "failed", words: `its server cannot be reached: ${describeError(error)}` };
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
