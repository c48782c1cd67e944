/** Feishu's custom robot by its documented rules: signed body, 20 KB, 100 a minute, errors as `code`. */
import { createHmac } from "node:crypto";
import { z } from "zod";
import { type Answer, type Asked, count, HOUR_MS, json, type Memory, read } from "./answer.ts";

const Signed = z.object({ timestamp: z.string(), sign: z.string() });
const Card = z.object({
  msg_type: z.literal("interactive"),
  card: z.object({
    header: z.object({
      template: z.enum(["red", "orange", "blue", "green"]),
      title: z.object({ tag: z.literal("plain_text"), content: z.string() }),
    }),
    elements: z
      .array(
        z.object({
          tag: z.literal("div"),
          text: z.object({ tag: z.literal("lark_md"), content: z.string().min(1) }),
        }),
      )
      .min(1),
  }),
});
const says = (code: number, msg: string) => json({ code, data: {}, msg });

function isSigned(body: unknown, secret: string, at: number): boolean {
  const { data } = Signed.safeParse(body);
  if (data === undefined) return false;
  const expected = createHmac("sha256", `${data.timestamp}\n${secret}`).update("").digest("base64");
  // In seconds: a time in milliseconds is thousands of years away.
  return data.sign === expected && Math.abs(at - Number(data.timestamp) * 1_000) <= HOUR_MS;
}

export function feishuAnswers(
  { hook, secret }: { readonly hook: string; readonly secret: string },
  { at, url, body }: Asked,
  memory: Memory,
): Answer {
  if (url.pathname !== `/open-apis/bot/v2/hook/${hook}`)
    return says(19_001, "param invalid: incoming webhook access token invalid");
  if (count(memory, at) > 100) return says(11_232, "frequency limited psm[lark.oapi.app_platform_runtime]");
  const content = read(body);
  if (Buffer.byteLength(body) > 20_480 || content === undefined) return says(9_499, "Bad Request");
  if (!isSigned(content, secret, at))
    return says(19_021, "sign match fail or timestamp is not within one hour from current time");
  const parsed = Card.safeParse(content);
  if (!parsed.success) return says(9_499, "Bad Request");
  const { header, elements } = parsed.data.card;
  const text = [header.title.content, ...elements.map((each) => each.text.content)].join("\n");
  return json({ code: 0, data: {}, msg: "success", StatusCode: 0, StatusMessage: "success" }, text);
}
