/** WeCom's group robot (developer.work.weixin.qq.com/document/path/91770). Its address is its key; nothing is signed. */
import { z } from "zod";
import { cutToBytes, shorter } from "../alerts/message.ts";
import { bodyOf, type Marks } from "./markdown.ts";
import { byCode, notTheRobot, type Robot } from "./robot.ts";

/** Of the text in UTF-8; beyond it: 40058. */
export const WECOM_TEXT_BYTES = 4_096;
const PER_MINUTE = 20;
/** The limit is by minute, and a minute later it is open again. */
const PAUSE_MS = 60_000;
const COLOURS = { critical: "warning", warning: "warning", none: "info", resolved: "info" } as const;
const MARKS: Marks = {
  strong: (text) => `**${text}**`,
  quiet: (text) => `<font color="comment">${text}</font>`,
  newline: "\n",
};
const Answer = z.object({ errcode: z.number(), errmsg: z.string().default("") });

export const wecom: Robot = {
  perMinute: PER_MINUTE,
  request: (message, { url }) => {
    let content = "";
    for (const form of shorter(message)) {
      content = `<font color="${COLOURS[form.severity]}">**${form.title}**</font>\n${bodyOf(form, MARKS)}`;
      if (Buffer.byteLength(content) <= WECOM_TEXT_BYTES) break;
    }
    const markdown = { content: cutToBytes(content, WECOM_TEXT_BYTES) };
    return { url, body: JSON.stringify({ msgtype: "markdown", markdown }) };
  },
  judge: (answer) => {
    const parsed = Answer.safeParse(answer);
    if (!parsed.success) return notTheRobot("what answers at its address is not WeCom");
    return byCode(parsed.data.errcode, parsed.data.errmsg, {
      limit: [45_009, 45_033],
      pauseMs: PAUSE_MS,
      // The system is busy.
      passing: [-1],
      hints: {
        93000: "the robot was removed from its group, or the address in ALERT_WECOM_ROBOT_URL is wrong",
      },
    });
  },
};
