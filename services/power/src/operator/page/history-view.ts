/** History as people read it: each attempt unfolds to its steps. */

import { dayReportLines } from "@gpu-power-manager/shared/day-report-words";
import type { ArtifactList, HistoryPage } from "@gpu-power-manager/shared/history-page";
import { reasonWords } from "@gpu-power-manager/shared/reason-words";
import { type Html, html } from "./html.ts";
import { length, type Speech } from "./language.ts";
import { LANE_WORDS, LOGIN_WORDS, STATE_WORDS } from "./words.ts";

type Entry = HistoryPage["entries"][number];

/** To the second: steps of one attempt lie close together. */
function exact({ language, zone }: Speech, at: number): Html {
  const text = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", {
    timeZone: zone,
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  }).format(at);
  return html`<time datetime="${new Date(at).toISOString()}">${text}</time>`;
}

/** @param artifacts all that are kept; those that name an attempt are shown with it. */
export function historyView(page: HistoryPage, artifacts: ArtifactList["artifacts"], speech: Speech): Html {
  const { say } = speech;
  const told = new Set<string>();
  const items: Html[] = [];
  for (const each of page.entries) {
    const { entry } = each;
    if (entry.kind === "intent" || entry.kind === "outcome") {
      if (told.has(entry.attemptId)) continue;
      told.add(entry.attemptId);
      items.push(attempt(entry.attemptId, page.entries, artifacts, speech));
    } else if (entry.kind !== "state" && entry.kind !== "worker" && entry.kind !== "served")
      items.push(single(each, speech));
  }
  if (items.length === 0) return html`<p class="note">${say("Nothing has happened yet.", "尚无记录。")}</p>`;
  const more =
    page.next === null
      ? ""
      : html`<button type="button" class="plain more" data-before="${page.next}">${say("Older", "更早")}</button>`;
  return html`<ol class="history">${items}</ol>${more}`;
}

function attempt(
  id: string,
  entries: readonly Entry[],
  artifacts: ArtifactList["artifacts"],
  speech: Speech,
): Html {
  const { say } = speech;
  const own = entries.flatMap(({ entry }) =>
    entry.kind === "intent" || entry.kind === "outcome" ? (entry.attemptId === id ? [entry] : []) : [],
  );
  const intent = own.find((entry) => entry.kind === "intent");
  const outcome = own.find((entry) => entry.kind === "outcome");
  const first = intent ?? outcome;
  if (first === undefined) return html``;
  const action = first.action === "start" ? say("Start", "开机") : say("Stop", "关机");
  const reason = intent?.kind === "intent" ? reasonWords(intent.reason) : undefined;
  const good = outcome?.kind === "outcome" && outcome.outcome === "succeeded";
  const result =
    outcome?.kind !== "outcome"
      ? say("under way", "进行中")
      : good
        ? say("done", "成功")
        : outcome.outcome.replaceAll("_", " ");
  const from = first.at;
  const to = outcome?.at ?? Number.POSITIVE_INFINITY;
  const between = entries
    .flatMap(({ entry }) =>
      entry.kind === "state" && entry.instance === first.instance && entry.at >= from && entry.at <= to
        ? [entry]
        : [],
    )
    .sort((a, b) => a.at - b.at);
  const pictures = artifacts.filter(
    ({ name, at, kind }) =>
      kind === "png" &&
      (name.includes(id) || (Date.parse(at) >= from && Date.parse(at) <= Math.min(to, from + 900_000))),
  );
  const lane = outcome?.kind === "outcome" ? outcome.lane : undefined;
  const step = (at: number, words: Html | string) =>
    html`<li>${exact(speech, at)} <span class="quiet">+${length(say, at - from)}</span> ${words}</li>`;
  return html`<li class="${outcome === undefined ? "is-busy" : good ? "is-good" : "is-failed"}"><details><summary><span class="what">${action} ${first.instance}</span> <span class="result">${result}</span>${reason === undefined ? "" : html` <span class="because">${say(reason.en, reason.zh)}</span>`} <span class="when">${exact(speech, from)}</span></summary>
<ol class="steps">${intent === undefined ? "" : step(intent.at, say("requested and written down", "已请求并记录"))}${between.map(
    (entry) => step(entry.at, say(`seen ${STATE_WORDS[entry.to].en}`, `观察到${STATE_WORDS[entry.to].zh}`)),
  )}${outcome?.kind === "outcome" ? step(outcome.at, html`${result}${lane === undefined ? "" : ` (${say(LANE_WORDS[lane].en, LANE_WORDS[lane].zh)})`}${outcome.message === undefined ? "" : `: ${outcome.message}`}`) : ""}</ol>${pictures.map(
    ({ name }) =>
      html`<a class="shot" href="api/v1/artifacts/${name}" target="_blank" rel="noopener"><img loading="lazy" src="api/v1/artifacts/${name}" alt="${say("What the console showed", "控制台画面")}" width="240"></a>`,
  )}<p class="note">${say("attempt", "尝试")} ${id}</p></details></li>`;
}

function single({ entry, at }: Entry, speech: Speech): Html {
  const { say } = speech;
  const when = html`<span class="when">${exact(speech, Date.parse(at))}</span>`;
  if (entry.kind === "gap") {
    const found = entry.covered
      ? say("another listener heard", "另一个 listener 听到了")
      : entry.recovered === null
        ? say("what came in it cannot be known", "其间发生了什么无法得知")
        : say(`${entry.recovered} missed jobs recovered`, `找回 ${entry.recovered} 个漏掉的任务`);
    return html`<li class="is-gap"><div class="row"><span class="what">${say("Notices not heard", "听不到通知")}</span> <span class="result">${length(say, entry.to - entry.from)}</span> <span class="because">${entry.cause.replaceAll("_", " ")}, ${found}</span> ${when}</div></li>`;
  }
  if (entry.kind === "login") {
    const words = LOGIN_WORDS[entry.event];
    return html`<li class="${entry.event === "asked_for" ? "is-failed" : "is-good"}"><div class="row"><span class="what">${say("Login at the console", "控制台登录")}</span> <span class="result"></span> <span class="because">${say(words.en, words.zh)}</span> ${when}</div></li>`;
  }
  if (entry.kind === "budget") {
    const spent = entry.level === "spent";
    const period = { day: say("day", "本日"), week: say("week", "本周"), month: say("month", "本月") }[
      entry.period
    ];
    return html`<li class="${spent ? "is-failed" : "is-gap"}"><div class="row"><span class="what">${say("Budget", "预算")}: ${period}</span> <span class="result">${spent ? say("spent", "已用完") : say("nearly spent", "即将用完")}</span> <span class="because">${entry.spent.toFixed(2)} / ${entry.amount}</span> ${when}</div></li>`;
  }
  if (entry.kind === "report") {
    const lines = dayReportLines(entry, say).map((line) => html`<li>${line}</li>`);
    return html`<li><details><summary><span class="what">${say("Report of", "日报")} ${entry.day}</span> <span class="result"></span> <span class="because"></span> ${when}</summary><ul class="steps">${lines}</ul></details></li>`;
  }
  if (entry.kind !== "operator") return html``;
  const refused = entry.outcome === "refused";
  return html`<li class="${refused ? "is-failed" : "is-person"}"><div class="row"><span class="what">${entry.actor ?? entry.token}: ${entry.action.replaceAll("_", " ")}${entry.instance === undefined ? "" : ` ${entry.instance}`}</span> <span class="result">${refused ? say("refused", "被拒绝") : entry.forced ? say("forced", "强制") : (entry.action === "hold" ? entry.message : "")}</span> <span class="because">${entry.reason}${refused && entry.message !== undefined ? `: ${entry.message}` : ""}</span> ${when}</div></li>`;
}
