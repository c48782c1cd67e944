/** `gpuctl diagnose`: where a notice's way is broken, why, and what to do. */
import { EXIT } from "../command-error.ts";
import type { Colour, Session } from "../session.ts";
import { type CheckStatus, firstFailure, judgeAll, type Result } from "./check.ts";
import { allChecks } from "./checks.ts";
import { gatherFacts } from "./facts.ts";

const MARKS: Readonly<Record<CheckStatus, { readonly mark: string; readonly colour: Colour }>> = {
  ok: { mark: "✓", colour: "green" },
  warn: { mark: "‼", colour: "yellow" },
  fail: { mark: "✗", colour: "red" },
  not_asked: { mark: "–", colour: "dim" },
};

/** The results as people read them. */
export function describeResults(
  results: readonly Result[],
  { say, paint }: Pick<Session, "say" | "paint">,
): string[] {
  const lines: string[] = [];
  let group = "";
  for (const result of results) {
    if (result.group !== group) lines.push("", paint("bold", result.group));
    group = result.group;
    const { mark, colour } = MARKS[result.status];
    lines.push(`  ${paint(colour, mark)} ${result.name}: ${result.seen}`);
    if (result.next !== null) lines.push(`      ${say("next:", "下一步：")} ${result.next}`);
  }
  const first = firstFailure(results);
  const warnings = results.filter(({ status }) => status === "warn").length;
  lines.push(
    "",
    first === undefined
      ? say(
          warnings === 0 ? "Nothing is wrong." : `Nothing is broken; ${warnings} warnings above.`,
          warnings === 0 ? "一切正常。" : `没有故障；上面有 ${warnings} 条警告。`,
        )
      : paint("red", say(`The cause: ${first.name}: ${first.seen}`, `原因：${first.name}：${first.seen}`)),
  );
  return lines;
}

/** @returns 0 when nothing failed. */
export async function diagnose(session: Session): Promise<number> {
  const { say, json, print, tell } = session;
  if (!json) tell(say("Asking all parts; this takes a few seconds.", "正在询问各部分，需要几秒。"));
  const results = judgeAll(allChecks(await gatherFacts(session), say));
  if (json) print(JSON.stringify({ at: new Date().toISOString(), results }, null, 2));
  else for (const line of describeResults(results, session)) print(line);
  return firstFailure(results) === undefined ? EXIT.fine : EXIT.wrong;
}
