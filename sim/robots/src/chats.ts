/** Telegram's bot and Slack's incoming webhook, as far as Alertmanager speaks to them. */
import { z } from "zod";
import { type Answer, type Asked, json, read } from "./answer.ts";

const ChatId = z.union([z.string(), z.number()]).transform(String);
const Telegram = z.object({ chat_id: ChatId, text: z.string().min(1).max(4_096) });
const Slack = z.object({ attachments: z.array(z.object({ title: z.string(), text: z.string() })).min(1) });

export function telegramAnswers(token: string, chat: string, { at, url, body }: Asked): Answer {
  if (url.pathname !== `/bot${token}/sendMessage`)
    return { status: 401, body: { ok: false, error_code: 401, description: "Unauthorized" } };
  const { data } = Telegram.safeParse(read(body));
  if (data === undefined || data.chat_id !== chat)
    return { status: 400, body: { ok: false, error_code: 400, description: "Bad Request: chat not found" } };
  const result = { message_id: 1, date: Math.floor(at / 1_000), chat: { id: Number(chat), type: "group" } };
  return json({ ok: true, result }, data.text);
}

export function slackAnswers(path: string, { url, body }: Asked): Answer {
  if (url.pathname !== path) return { status: 403, body: "invalid_token" };
  const { data } = Slack.safeParse(read(body));
  if (data === undefined) return { status: 400, body: "invalid_payload" };
  return {
    status: 200,
    body: "ok",
    text: data.attachments.map(({ title, text }) => `${title}\n${text}`).join("\n"),
  };
}
