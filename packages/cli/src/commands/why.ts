/** `gpuctl why`: the decision that holds, and what would change it. */
import { Why } from "@gpu-power-manager/shared/why";
import type { Say } from "../language.ts";
import type { Paint, Session } from "../session.ts";
import { localTime } from "../times.ts";

type Condition = Why["start"][number];

export function describeWhy(why: Why, say: Say, paint: Paint): string[] {
  const told =
    why.asOf === why.at
      ? []
      : [
          paint(
            "dim",
            say(
              `As ${why.actingInstance ?? "?"} told at ${localTime(why.asOf)}; the power that was asked stands by.`,
              `由 ${why.actingInstance ?? "?"} 于 ${localTime(why.asOf)} 告知；被询问的 power 处于待命状态。`,
            ),
          ),
        ];
  const decided = why.decisions.map(({ kind, instance, words, until }) => {
    const what = instance === null ? kind : `${kind} ${instance}`;
    const end = until === null ? "" : say(`, until ${localTime(until)}`, `，至 ${localTime(until)}`);
    return paint("bold", `${what}: ${say(words.en, words.zh)}${end}`);
  });
  const lines = [...told, ...decided];
  const condition = ({ holds, words, value, from }: Condition) => {
    const mark = holds ? paint("green", "✓") : paint("yellow", "✗");
    const when = from === null ? "" : say(`; from ${localTime(from)} on`, `；${localTime(from)} 起成立`);
    return `  ${mark} ${say(words.en, words.zh)} (${value}${when})`;
  };
  lines.push(
    "",
    say("For a start all of these have to hold:", "启动需要以下条件全部成立："),
    ...why.start.map(condition),
  );
  for (const { instance, conditions } of why.stops) {
    const title = say(
      `For a stop of ${instance} all of these have to hold:`,
      `停止 ${instance} 需要以下条件全部成立：`,
    );
    lines.push("", title, ...conditions.map(condition));
  }
  for (const { instance, conditions } of why.releases) {
    const title = say(
      `For a start that keeps ${instance} from being deleted all of these have to hold:`,
      `为避免 ${instance} 被删除而开机，需要以下条件全部成立：`,
    );
    lines.push("", title, ...conditions.map(condition));
  }
  lines.push(
    "",
    why.nextAt === null
      ? say("It is decided anew when something happens.", "有事发生时会重新判断。")
      : say(
          `It is decided anew at ${localTime(why.nextAt)}, or when something happens before.`,
          `${localTime(why.nextAt)} 重新判断，或在此之前有事发生时。`,
        ),
  );
  return lines;
}

export async function printWhy({ client, json, print, say, paint }: Session): Promise<void> {
  const why = await client.ask("/why", Why);
  if (json) print(JSON.stringify(why, null, 2));
  else for (const line of describeWhy(why, say, paint)) print(line);
}
