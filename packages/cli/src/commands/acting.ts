/** `gpuctl hold`, `resume`, `start`, `stop`, `reload`. */

import { Ordered } from "@gpu-power-manager/shared/api";
import { HoldAnswer, type HoldMode } from "@gpu-power-manager/shared/holds-and-needs";
import { HOLD_WORDS } from "@gpu-power-manager/shared/reason-words";
import { z } from "zod";
import type { Session } from "../session.ts";
import { localTime } from "../times.ts";

export interface Because {
  readonly reason: string;
  readonly actor: string;
}

export async function hold(
  session: Session,
  mode: HoldMode,
  length: string | undefined,
  because: Because,
): Promise<void> {
  const body = { ...because, mode, ...(length === undefined ? {} : { for: length }) };
  const answer = await session.client.ask("/hold", HoldAnswer, { method: "PUT", body });
  const { print, say } = session;
  if (session.json) return print(JSON.stringify(answer, null, 2));
  const words = HOLD_WORDS[mode];
  const until = answer.hold?.until ?? null;
  const end =
    until === null
      ? say("until `gpuctl resume`", "直到 `gpuctl resume`")
      : say(`until ${localTime(until)}`, `至 ${localTime(until)}`);
  print(`${say(words.en, words.zh)}, ${end}.`);
}

export async function resume(session: Session, because: Because): Promise<void> {
  const answer = await session.client.ask("/hold", HoldAnswer, { method: "DELETE", body: because });
  if (session.json) return session.print(JSON.stringify(answer, null, 2));
  session.print(session.say("Power decides by itself again.", "power 恢复自行判断。"));
}

export async function order(
  session: Session,
  action: "start" | "stop",
  instance: string,
  because: Because & { readonly force?: boolean },
): Promise<void> {
  const path = `/instances/${encodeURIComponent(instance)}/${action}`;
  // A stop first asks the gateway and both witnesses.
  const signal = AbortSignal.timeout(40_000);
  const ordered = await session.client.ask(path, Ordered, { method: "POST", body: because, signal });
  if (session.json) return session.print(JSON.stringify(ordered, null, 2));
  const { say } = session;
  session.print(
    say(
      `The ${action} of ${instance} has begun (attempt ${ordered.attemptId}); \`gpuctl watch\` shows how it ends.`,
      `${instance} 的 ${action} 已开始（尝试 ${ordered.attemptId}）；\`gpuctl watch\` 可查看结果。`,
    ),
  );
}

export async function reload(session: Session, because: Because): Promise<void> {
  const answer = await session.client.ask("/reload", z.object({ reloaded: z.literal(true) }), {
    method: "POST",
    body: because,
  });
  if (session.json) return session.print(JSON.stringify(answer, null, 2));
  session.print(
    session.say(
      "Pool file and profile are in use as they are on disk.",
      "已使用磁盘上的机器池文件和 profile。",
    ),
  );
}
