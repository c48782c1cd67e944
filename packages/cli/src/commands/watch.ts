/** `gpuctl watch`: what happens, as it happens, until it is interrupted. */
import { Happening } from "@gpu-power-manager/shared/history-page";
import { PowerStatus } from "@gpu-power-manager/shared/status";
import { z } from "zod";
import { CommandError, EXIT } from "../command-error.ts";
import type { Session } from "../session.ts";
import { localTime } from "../times.ts";
import { describeHappening } from "./history.ts";

/** Between tries after the stream ended: power may be restarting. */
const AGAIN_MS = 1_000;

export interface StreamEvent {
  readonly event: string;
  readonly data: unknown;
}

/** Reads server-sent events out of a body, however it is cut. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (event !== undefined && data !== undefined) yield { event, data: JSON.parse(data) };
    }
  }
}

/** The events of power's stream, again and again, until the signal. @throws CommandError when power refuses. */
export async function* followEvents(session: Session, signal: AbortSignal): AsyncGenerator<StreamEvent> {
  for (let tries = 0; !signal.aborted; tries += 1) {
    try {
      const response = await session.client.fetch("/events", { signal });
      if (response.body === null) return;
      yield* readEvents(response.body);
    } catch (error) {
      if (signal.aborted) return;
      const away = error instanceof CommandError ? error.exitCode === EXIT.unreachable : true;
      if (!away || tries === 0) throw error;
    }
    session.tell(
      session.say("Power has ended the stream; asking again.", "power 已结束数据流，正在重新连接。"),
    );
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

const Line = z.discriminatedUnion("event", [
  z.object({ event: z.literal("status"), data: PowerStatus.or(z.object({ words: z.string() })) }),
  z.object({ event: z.literal("history"), data: Happening }),
]);

export async function watch(session: Session, signal: AbortSignal): Promise<void> {
  const { json, print, say, paint } = session;
  let last = "";
  for await (const event of followEvents(session, signal)) {
    if (json) {
      print(JSON.stringify(event));
      continue;
    }
    const line = Line.safeParse(event);
    // Of a newer power.
    if (!line.success) continue;
    const time = paint("dim", localTime(new Date().toISOString()));
    if (line.data.event === "history") print(`${time}  ${describeHappening(line.data.data, say)}`);
    else {
      const text = "words" in line.data.data ? line.data.data.words : inShort(line.data.data);
      if (text !== last) print(`${time}  ${paint("bold", text)}`);
      last = text;
    }
  }
}

function inShort({ instances, demand, decisions }: PowerStatus): string {
  const machines = instances.map(({ id, state }) => `${id} ${state}`).join(", ");
  const why = decisions.map(({ kind, reason }) => `${kind} ${reason}`).join(", ");
  return `${machines}; ${demand.waitingJobs} waiting; ${why}`;
}
