/** DingTalk's group robot by its documented rules: signed address, 20,000 bytes, 20 a minute or silence for ten. */
import { createHmac } from "node:crypto";
import { z } from "zod";
import { type Answer, type Asked, count, HOUR_MS, json, type Memory, read } from "./answer.ts";

const CLOSED_MS = 600_000;
const Body = z.object({
  msgtype: z.literal("markdown"),
  markdown: z.object({ title: z.string().min(1), text: z.string().min(1) }),
});
const says = (errcode: number, errmsg: string) => json({ errcode, errmsg });

function isSigned(url: URL, secret: string, at: number): boolean {
  const timestamp = url.searchParams.get("timestamp") ?? "";
  const expected = createHmac("sha256", secret).update(`${timestamp}\n${secret}`, "utf8").digest("base64");
  return url.searchParams.get("sign") === expected && Math.abs(at - Number(timestamp)) <= HOUR_MS;
}

export function dingtalkAnswers(
  { token, secret }: { readonly token: string; readonly secret: string },
  { at, url, body }: Asked,
  memory: Memory,
): Answer {
  if (url.pathname !== "/robot/send" || url.searchParams.get("access_token") !== token)
    return says(300_001, "token is not exist");
  if (!isSigned(url, secret, at)) return says(310_000, "description:机器人发送签名不匹配");
  if (count(memory, at) > 20) memory.closedUntil = at + CLOSED_MS;
  if (at < memory.closedUntil) return says(130_101, "send too fast, exceed 20 times per minute");
  if (Buffer.byteLength(body) > 20_000) return says(460_101, "message too long, exceed 20000 bytes");
  const parsed = Body.safeParse(read(body));
  if (!parsed.success) return says(400_102, "invalid message");
  return json({ errcode: 0, errmsg: "ok" }, `${parsed.data.markdown.title}\n${parsed.data.markdown.text}`);
}
