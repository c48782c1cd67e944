/** WeCom's group robot by its documented rules: errors in a 200, 4,096 bytes, 20 a minute. */
import { z } from "zod";
import { type Answer, type Asked, count, json, type Memory, read } from "./answer.ts";

const Body = z.object({ msgtype: z.literal("markdown"), markdown: z.object({ content: z.string() }) });
const says = (errcode: number, errmsg: string) => json({ errcode, errmsg });

export function wecomAnswers(key: string, { at, url, body }: Asked, memory: Memory): Answer {
  if (url.pathname !== "/cgi-bin/webhook/send" || url.searchParams.get("key") !== key)
    return says(93_000, "invalid webhook url");
  if (count(memory, at) > 20) return says(45_009, "api freq out of limit");
  const parsed = Body.safeParse(read(body));
  if (!parsed.success) return says(40_008, "invalid message type");
  const { content } = parsed.data.markdown;
  if (Buffer.byteLength(content) > 4_096) return says(40_058, "markdown.content exceed max length 4096");
  if (content === "") return says(44_004, "empty content");
  return json({ errcode: 0, errmsg: "ok" }, content);
}
