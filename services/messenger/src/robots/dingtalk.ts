/** DingTalk's group robot (open.dingtalk.com/document/robots/custom-robot-access). */
import { createHmac } from "node:crypto";
import { z } from "zod";
import { bodyOf, cut, fit, type Marks } from "./markdown.ts";
import { byCode, notTheRobot, type Robot } from "./robot.ts";

/** Of the whole request; beyond it: 460101. */
export const DINGTALK_BODY_BYTES = 20_000;
const PER_MINUTE = 20;
/** Who sends more than 20 in a minute is not heard for ten. */
const PAUSE_MS = 600_000;
// One newline alone is none in its Markdown.
const MARKS: Marks = { strong: (text) => `**${text}**`, quiet: (text) => `> ${text}`, newline: "\n\n" };
const Answer = z.object({ errcode: z.number(), errmsg: z.string().default("") });

/** The signature of a moment in milliseconds: HMAC-SHA256 by the secret over moment, newline, secret; in Base64. */
export function signDingtalk(at: number, secret: string): string {
  return createHmac("sha256", secret).update(`${at}\n${secret}`).digest("base64");
}

export const dingtalk: Robot = {
  perMinute: PER_MINUTE,
  request: (message, { url, secret }, now) => {
    const address = new URL(url);
    if (secret !== undefined) {
      address.searchParams.set("timestamp", String(now));
      address.searchParams.set("sign", signDingtalk(now, secret));
    }
    const body = fit(message, DINGTALK_BODY_BYTES, (form, most) => {
      const text = cut(`#### ${form.title}\n\n${bodyOf(form, MARKS)}`, most);
      return JSON.stringify({ msgtype: "markdown", markdown: { title: cut(form.title, most), text } });
    });
    return { url: address.href, body };
  },
  judge: (answer) => {
    const parsed = Answer.safeParse(answer);
    if (!parsed.success) return notTheRobot("what answers at its address is not DingTalk");
    return byCode(parsed.data.errcode, parsed.data.errmsg, {
      limit: [130_101, 130_102, 660_026],
      pauseMs: PAUSE_MS,
      passing: [-1],
      hints: {
        310000:
          "its security setting does not fit: ALERT_DINGTALK_SECRET is wrong or missing, this host's clock is wrong, or it wants a word or an address",
        300001: "the access_token in ALERT_DINGTALK_URL is wrong, or the robot was removed from its group",
      },
    });
  },
};
