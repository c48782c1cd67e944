/** Feishu's (Lark's) custom robot (open.feishu.cn/document/client-docs/bot-v3/add-custom-bot). */
import { createHmac } from "node:crypto";
import { z } from "zod";
import { bodyOf, cut, fit, type Marks } from "./markdown.ts";
import { byCode, notTheRobot, type Robot } from "./robot.ts";

/** Of the whole request. */
export const FEISHU_BODY_BYTES = 20_480;
const PER_MINUTE = 100;
const PAUSE_MS = 60_000;
const COLOURS = { critical: "red", warning: "orange", none: "blue", resolved: "green" } as const;
const MARKS: Marks = { strong: (text) => `**${text}**`, quiet: (text) => text, newline: "\n" };
/** A robot of the first version says StatusCode. */
const Answer = z.union([
  z.object({ code: z.number(), msg: z.string().default("") }),
  z
    .object({ StatusCode: z.number(), StatusMessage: z.string().default("") })
    .transform(({ StatusCode: code, StatusMessage: msg }) => ({ code, msg })),
]);

/** The signature of a moment in seconds: HMAC-SHA256 over nothing, by moment, newline, secret as the key; in Base64. */
export function signFeishu(at: number, secret: string): string {
  return createHmac("sha256", `${at}\n${secret}`).digest("base64");
}

export const feishu: Robot = {
  perMinute: PER_MINUTE,
  request: (message, { url, secret }, now) => {
    const at = Math.floor(now / 1_000);
    const signed = secret === undefined ? {} : { timestamp: String(at), sign: signFeishu(at, secret) };
    const body = fit(message, FEISHU_BODY_BYTES, (form, most) =>
      JSON.stringify({
        ...signed,
        msg_type: "interactive",
        card: {
          config: { wide_screen_mode: true },
          header: {
            template: COLOURS[form.severity],
            title: { tag: "plain_text", content: cut(form.title, most) },
          },
          elements: [{ tag: "div", text: { tag: "lark_md", content: cut(bodyOf(form, MARKS), most) } }],
        },
      }),
    );
    return { url, body };
  },
  judge: (answer) => {
    const parsed = Answer.safeParse(answer);
    if (!parsed.success) return notTheRobot("what answers at its address is not Feishu");
    return byCode(parsed.data.code, parsed.data.msg, {
      limit: [11_232, 99_991_400],
      pauseMs: PAUSE_MS,
      passing: [2_200],
      hints: {
        19021: "ALERT_FEISHU_SECRET is wrong or missing, or this host's clock is wrong",
        19022: "the robot takes messages from listed addresses only",
        19024: "the robot wants a word that is not in the message; take signing instead",
        19001: "the address in ALERT_FEISHU_URL is wrong, or the robot was removed from its group",
      },
    });
  },
};
