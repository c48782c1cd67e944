/** The status in sentences: is it on, why, and what comes next. Pure. */

import { HOLD_WORDS, reasonWords } from "@gpu-power-manager/shared/reason-words";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import type { Why } from "@gpu-power-manager/shared/why";
import type { Say } from "./language.ts";

export interface Next {
  readonly words: string;
  /** Milliseconds since 1970; null where something has to happen first. */
  readonly at: number | null;
}

/** The state that stands above all: running where any runs, unknown where that may be. */
export function mainState(status: PowerStatus): PowerStatus["instances"][number]["state"] {
  const states = status.instances.map(({ state }) => state);
  for (const state of ["running", "starting", "stopping", "unknown"] as const)
    if (states.includes(state)) return state;
  return states.length === 0 ? "unknown" : "stopped";
}

const sentence = (say: Say, text: string) =>
  say(`${text.charAt(0).toUpperCase()}${text.slice(1)}.`, `${text}。`);

/** One sentence. */
export function whySentence(status: PowerStatus, say: Say): string {
  const unknown = status.instances.find(({ state, words }) => state === "unknown" && words !== null);
  const attempt = status.instances.find((each) => each.attempt !== null);
  const decision =
    status.decisions.find(({ kind }) => kind === "start" || kind === "stop") ??
    status.decisions.find(({ kind, instance }) => kind === "keep" && instance !== undefined) ??
    status.decisions[0];
  if (mainState(status) === "unknown" && unknown?.words)
    return say(`Its state is not known: ${unknown.words}`, `状态未知：${unknown.words}`);
  if (decision === undefined)
    return say("Nothing has been decided yet: the console is being looked at.", "尚未判断：正在查看控制台。");
  const words = reasonWords(decision.reason);
  if (attempt?.attempt)
    return attempt.attempt.action === "start"
      ? say(`${attempt.id} is being started.`, `正在启动 ${attempt.id}。`)
      : say(`${attempt.id} is being stopped.`, `正在关闭 ${attempt.id}。`);
  const since =
    status.hold === null
      ? ""
      : say(` (${status.hold.by}: ${status.hold.reason})`, `（${status.hold.by}：${status.hold.reason}）`);
  const held = /held|hold/.test(decision.reason) ? since : "";
  if (decision.kind === "keep")
    return say(`It stays on because ${words.en}${held}.`, `保持开机，因为${words.zh}${held}。`);
  if (decision.kind === "wait" && mainState(status) === "stopped")
    return say(`It stays off because ${words.en}${held}.`, `保持关机，因为${words.zh}${held}。`);
  return sentence(say, say(words.en, words.zh) + held);
}

/** @param why undefined where this power cannot tell. */
export function nextStep(status: PowerStatus, why: Why | undefined, say: Say): Next {
  const until = (text: string | null | undefined) => (text == null ? null : Date.parse(text));
  const keep = why?.decisions.find(({ kind }) => kind === "keep");
  const wait = why?.decisions.find(({ kind }) => kind === "wait");
  if (status.instances.some(({ attempt }) => attempt !== null))
    return { words: say("It is watched every moment until it is there.", "持续观察直到完成。"), at: null };
  if (status.hold !== null) {
    const { mode, by, reason, until: end } = status.hold;
    const held = HOLD_WORDS[mode];
    if (end === null)
      return {
        words: sentence(
          say,
          say(
            `${held.en} (${by}: ${reason}) until somebody resumes`,
            `${held.zh}（${by}：${reason}），直到有人恢复`,
          ),
        ),
        at: null,
      };
    const words = say(
      `${held.en.charAt(0).toUpperCase()}${held.en.slice(1)} (${by}: ${reason}); power decides by itself again`,
      `${held.zh}（${by}：${reason}）；恢复自行判断`,
    );
    return { words, at: until(end) };
  }
  if (keep?.reason === "idle_not_reached")
    return { words: say("Stopped if no work comes before", "若无新任务则关机"), at: until(keep.until) };
  if (keep?.reason === "scheduled")
    return { words: say("The schedule keeps it on", "按日程保持开机至"), at: until(keep.until) };
  if (wait?.reason === "budget_spent")
    return { words: say("Started when the budget begins anew", "预算重新开始后开机"), at: until(wait.until) };
  if (wait?.reason === "quiet_time")
    return { words: say("Started when the quiet time is over", "安静时段结束后开机"), at: until(wait.until) };
  if (keep !== undefined && keep.until !== null)
    return { words: say("Decided anew", "重新判断"), at: until(keep.until) };
  if (keep !== undefined)
    return { words: say("It stays on until that is over.", "在此之前保持开机。"), at: null };
  if (wait?.reason === "no_demand")
    return { words: say("Started as soon as a job comes.", "一有任务立即开机。"), at: null };
  if (why?.nextAt != null) return { words: say("Decided anew", "重新判断"), at: until(why.nextAt) };
  return { words: say("Decided anew as soon as something happens.", "有变化时立即重新判断。"), at: null };
}
