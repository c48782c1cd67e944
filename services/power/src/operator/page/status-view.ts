/** The page's upper part: everything that is asked first, in sections that are replaced one by one as it changes. */

import { costWords } from "@gpu-power-manager/shared/cost-words";
import type { Diagnosis } from "@gpu-power-manager/shared/diagnosis";
import type { Words } from "@gpu-power-manager/shared/reason-words";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import type { Why } from "@gpu-power-manager/shared/why";
import type { AlertsView } from "../alerts.ts";
import type { Role } from "../credentials.ts";
import { type Action, actionsOf } from "./actions.ts";
import { type Html, html } from "./html.ts";
import { clockTime, length, type Speech } from "./language.ts";
import { mainState, nextStep, whySentence } from "./outlook.ts";
import type { Usage } from "./usage.ts";
import { STATE_WORDS, sessionWords } from "./words.ts";

/** All that the page shows at a glance. */
export interface Overview {
  readonly pool: string;
  /** Or why there is none to tell. */
  readonly status: PowerStatus | { readonly words: string };
  /** Undefined where this power does not act. */
  readonly why: Why | undefined;
  readonly listeners: Diagnosis["listeners"];
  readonly alerts: AlertsView;
  readonly usage: readonly Usage[];
  readonly role: Role;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** A moment that the browser keeps counting from. */
function since(speech: Speech, at: number, now: number): Html {
  return html`<time datetime="${new Date(at).toISOString()}" data-since>${length(speech.say, now - at)}</time>`;
}

function moment(speech: Speech, at: number, now: number): Html {
  return html`<time datetime="${new Date(at).toISOString()}">${clockTime(speech, at, now)}</time>`;
}

const ago = (speech: Speech, at: number, now: number) =>
  speech.language === "zh" ? html`${since(speech, at, now)}前` : html`${since(speech, at, now)} ago`;

export function statusView(overview: Overview, speech: Speech): Html {
  const { status, now } = overview;
  if ("words" in status)
    return html`<section id="hero" class="hero is-unknown" data-live aria-live="polite">
<p class="eyebrow">${overview.pool}</p>
<h1><span class="lamp" aria-hidden="true"></span>${speech.say("Not known here", "此处无法得知")}</h1>
<p class="why">${status.words}</p></section>${facts(overview, undefined, speech)}`;
  return html`${hero(overview, status, speech)}${facts(overview, status, speech)}${actions(overview, status, speech)}${
    status.instances.length > 1 ? machines(status, speech, now) : ""
  }`;
}

function hero({ pool, why, now }: Overview, status: PowerStatus, speech: Speech): Html {
  const { say } = speech;
  const state = mainState(status);
  const first = status.instances.find((each) => each.state === state);
  const on = status.instances.filter((each) => each.state === "running").length;
  const titles: Readonly<Record<typeof state, string>> = {
    running:
      status.instances.length > 1
        ? say(
            `${on} of ${status.instances.length} GPUs are on`,
            `${status.instances.length} 台 GPU 中 ${on} 台已开机`,
          )
        : say("The GPU is on", "GPU 已开机"),
    starting: say("The GPU is starting", "GPU 正在启动"),
    stopping: say("The GPU is stopping", "GPU 正在关机"),
    stopped: say("The GPU is off", "GPU 已关机"),
    unknown: say("The GPU's state is unknown", "GPU 状态未知"),
  };
  const next = nextStep(status, why, say);
  const from = state === "running" ? (first?.runningSince ?? first?.since) : first?.since;
  return html`<section id="hero" class="hero is-${state}" data-live aria-live="polite">
<p class="eyebrow">${pool}${first === undefined ? "" : html` · ${first.id}`}</p>
<h1><span class="lamp" aria-hidden="true"></span>${titles[state]}</h1>
<p class="since">${
    from == null || state === "unknown"
      ? say("since when is not known", "何时开始尚未得知")
      : html`${say("for", "已持续")} ${since(speech, Date.parse(from), now)} · ${say("since", "始于")} ${moment(speech, Date.parse(from), now)}`
  }</p>
<p class="why">${whySentence(status, say)}</p>
<p class="next"><span class="label">${say("Next", "接下来")}</span> ${next.words}${
    next.at === null
      ? ""
      : html`${say(":", "：")} <strong>${moment(speech, next.at, now)}</strong> <span class="quiet">(${say("in", "还有")} <time datetime="${new Date(next.at).toISOString()}" data-until>${length(say, next.at - now)}</time>)</span>`
  }</p>${scheduleLine(status, speech, now)}${budgetLine(status, speech)}</section>`;
}

/** What the schedules ask for, and when that changes. */
function scheduleLine({ schedule }: PowerStatus, speech: Speech, now: number): Html | string {
  const { say } = speech;
  if (schedule === null || (schedule.rule === null && schedule.nextChangeAt === null)) return "";
  const what =
    schedule.rule === null
      ? say("nothing asked for", "无要求")
      : `${schedule.rule} (${schedule.keepsOn ? say("kept on", "保持开机") : schedule.noStarts ? say("no starts for jobs", "任务不触发开机") : say("quiet", "安静时段")})`;
  return html`<p class="next"><span class="label">${say("Schedule", "日程")}</span> ${what}${
    schedule.nextChangeAt === null
      ? ""
      : html`${say(", changes", "，变化于")} <strong>${moment(speech, Date.parse(schedule.nextChangeAt), now)}</strong>`
  }</p>`;
}

/** What is spent of each budget. */
function budgetLine({ budgets }: PowerStatus, { say }: Speech): Html | string {
  if (budgets.length === 0) return "";
  const periods = {
    day: say("today", "今天"),
    week: say("this week", "本周"),
    month: say("this month", "本月"),
  };
  const shown = budgets.map(
    ({ period, spent, amount, currency }) =>
      `${periods[period]} ${spent.toFixed(2)} / ${amount} ${currency}${spent >= amount ? say(" (spent)", "（已用完）") : ""}`,
  );
  return html`<p class="next"><span class="label">${say("Budget", "预算")}</span> ${shown.join(" · ")}</p>`;
}

type Mood = "good" | "bad" | "plain" | "busy";

const fact = (id: string, mood: Mood, label: string, value: Html | string, note: Html | string) =>
  html`<section id="fact-${id}" class="fact mood-${mood}" data-live><h2>${label}</h2><p class="value">${value}</p><div class="note">${note}</div></section>`;

function facts(overview: Overview, status: PowerStatus | undefined, speech: Speech): Html {
  const { say } = speech;
  const { now } = overview;
  const unknown = say("unknown", "未知");
  return html`<div class="facts">${
    status === undefined
      ? fact("waiting", "bad", say("Waiting", "等待"), unknown, say("no status here", "此处没有状态"))
      : waiting(status, speech, now)
  }${notices(overview, speech)}${
    status === undefined
      ? fact("console", "bad", say("Console", "控制台"), unknown, say("no status here", "此处没有状态"))
      : console_(status, speech, now)
  }${alerts(overview, speech)}${usage(overview.usage, speech)}</div>`;
}

function waiting({ demand, needs }: PowerStatus, speech: Speech, now: number): Html {
  const { say } = speech;
  const { waitingJobs: jobs, bootRequests: boots, oldestWaitingAt, lastJobAt } = demand;
  const label = say("Waiting", "等待");
  if (jobs > 0)
    return fact(
      "waiting",
      "busy",
      label,
      say(jobs === 1 ? "1 job" : `${jobs} jobs`, `${jobs} 个任务`),
      oldestWaitingAt === null
        ? say("since when is not known", "何时开始尚未得知")
        : html`${say("for", "已等待")} ${since(speech, Date.parse(oldestWaitingAt), now)}`,
    );
  const [need] = needs;
  if (need !== undefined)
    return fact(
      "waiting",
      "busy",
      label,
      say(needs.length === 1 ? "1 need" : `${needs.length} needs`, `${needs.length} 项需求`),
      html`${need.by}: ${need.reason}`,
    );
  if (boots > 0)
    return fact(
      "waiting",
      "busy",
      label,
      say(`${boots} requested`, `${boots} 个请求`),
      say("a client wants it on", "有客户端请求开机"),
    );
  return fact(
    "waiting",
    "plain",
    label,
    say("nothing", "无"),
    lastJobAt === null
      ? say("no job has come yet", "尚无任务")
      : html`${say("last job", "上一个任务：")} ${ago(speech, Date.parse(lastJobAt), now)}`,
  );
}

function notices({ listeners, now }: Overview, speech: Speech): Html {
  const { say } = speech;
  const label = say("Notices", "通知");
  const best = listeners
    .filter(({ registered }) => registered)
    .flatMap(({ provenSecondsAgo }) => provenSecondsAgo ?? [])
    .sort((a, b) => a - b)[0];
  if (listeners.length === 0)
    return fact(
      "notices",
      "bad",
      label,
      say("unknown", "未知"),
      say("no listener has been heard of", "没有 listener 的消息"),
    );
  if (best === undefined)
    return fact(
      "notices",
      "bad",
      label,
      say("not heard", "听不到"),
      say("no listener is registered with a proven path", "没有已注册且路径已证明的 listener"),
    );
  const note =
    speech.language === "zh"
      ? html`路径于 ${ago(speech, now - best * 1_000, now)}得到证明`
      : html`path proven ${ago(speech, now - best * 1_000, now)}`;
  return best > 120
    ? fact("notices", "bad", label, say("in doubt", "存疑"), note)
    : fact("notices", "good", label, say("heard", "可听到"), note);
}

function console_(
  { session, sessionBegunAt, sessionEndsAt, instances, control }: PowerStatus,
  speech: Speech,
  now: number,
): Html {
  const { say } = speech;
  const words = sessionWords(session);
  const seen = instances.flatMap(({ observedAt }) => (observedAt === null ? [] : Date.parse(observedAt)));
  const note =
    seen.length === 0
      ? say("not looked at yet", "尚未查看")
      : speech.language === "zh"
        ? html`${ago(speech, Math.max(...seen), now)}查看`
        : html`looked at ${ago(speech, Math.max(...seen), now)}`;
  const mood = session === "logged_in" || session === "not_used" ? "good" : "bad";
  const link = session === "login_required" ? say("Log in", "去登录") : say("Look at it", "查看页面");
  const where = html`<a href="live">${link}</a>`;
  if (control !== null) {
    const by = say(`${control.by} controls it`, `${control.by} 正在控制`);
    return fact(
      "console",
      "busy",
      say("Console", "控制台"),
      by,
      html`${ago(speech, Date.parse(control.since), now)} · ${where}`,
    );
  }
  const begun =
    sessionBegunAt === null
      ? ""
      : html` ${say("for", "已")} ${since(speech, Date.parse(sessionBegunAt), now)}`;
  const end =
    sessionEndsAt === null
      ? ""
      : html` · ${say("ends", "到期")} ${moment(speech, Date.parse(sessionEndsAt), now)}`;
  return fact(
    "console",
    mood,
    say("Console", "控制台"),
    say(words.en, words.zh),
    html`${note}${begun === "" ? "" : html` · ${say("logged in", "登录")}${begun}`}${end} · ${where}`,
  );
}

function alerts({ alerts: view, now }: Overview, speech: Speech): Html {
  const { say } = speech;
  const label = say("Alerts", "告警");
  if ("words" in view)
    return fact("alerts", "plain", label, say("unknown", "未知"), say(view.words.en, view.words.zh));
  const [first, ...others] = view.alerts;
  const asked = Date.parse(view.at);
  if (first === undefined)
    return fact(
      "alerts",
      "good",
      label,
      say("none", "无"),
      speech.language === "zh"
        ? html`${ago(speech, asked, now)}查询`
        : html`asked ${ago(speech, asked, now)}`,
    );
  const line = ({ name, summary, since: from, runbook }: typeof first) =>
    html`<li><strong>${say(summary.en, summary.zh)}</strong> ${name} · ${since(speech, Date.parse(from), now)}${runbook === null ? "" : html` · ${say("what to do:", "处理方法：")} ${runbook}`}</li>`;
  return fact(
    "alerts",
    first.severity === "critical" ? "bad" : "busy",
    label,
    say(others.length === 0 ? "1 fires" : `${others.length + 1} fire`, `${others.length + 1} 个正在触发`),
    html`<ul class="alerts">${[first, ...others].map(line)}</ul>`,
  );
}

function usage(rows: readonly Usage[], { say }: Speech): Html {
  return html`<section id="fact-usage" class="fact wide" data-live><h2>${say("Hours and cost", "时长与费用")}</h2><dl class="usage">${rows.map(
    ({ label, hours, cost, note }) =>
      html`<div><dt>${say(label.en, label.zh)}</dt><dd><span class="value">${hours ?? say("unknown", "未知")}</span>${cost === null ? "" : html` <span class="cost">${cost}</span>`}${note === null ? "" : html`<span class="note">${say(note.en, note.zh)}</span>`}</dd></div>`,
  )}</dl></section>`;
}

function machines({ instances }: PowerStatus, speech: Speech, now: number): Html {
  const { say } = speech;
  const saidOf = ({ en, zh }: Words) => say(en, zh);
  return html`<section id="machines" class="panel" data-live><h2>${say("Machines", "机器")}</h2><ul class="machines">${instances.map(
    ({ id, state, since: from, words, restReason, ...machine }) =>
      html`<li class="is-${state}"><span class="lamp" aria-hidden="true"></span><strong>${id}</strong> ${say(STATE_WORDS[state].en, STATE_WORDS[state].zh)}${from === null ? "" : html` · ${since(speech, Date.parse(from), now)}`}${words === null ? "" : html`<span class="note">${words}</span>`}${restReason === null ? "" : html`<span class="note">${restReason}</span>`}<span class="note">${saidOf(costWords(machine))}</span></li>`,
  )}</ul></section>`;
}

export const ACTION_WORDS = {
  start: { en: "Start", zh: "开机" },
  stop: { en: "Stop", zh: "关机" },
  hold: { en: "Hold…", zh: "下达指令…" },
  resume: { en: "Resume", zh: "恢复" },
} as const;

function actions({ why, role }: Overview, status: PowerStatus, { say }: Speech): Html {
  const several = status.instances.length > 1;
  const shown = actionsOf(status, why, role, say);
  const one = ({ name, instance, possible, words }: Action) => {
    const id = `say-${name}-${instance ?? "pool"}`;
    const label =
      say(ACTION_WORDS[name].en, ACTION_WORDS[name].zh) +
      (several && instance !== null ? ` ${instance}` : "");
    return html`<li><button type="button" class="act act-${name}" data-act="${name}" data-instance="${instance ?? ""}" data-will="${words}" aria-describedby="${id}"${possible ? "" : html` disabled`}>${label}</button><p id="${id}" class="note">${words}</p></li>`;
  };
  return html`<section id="actions" class="panel" data-live aria-label="${say("What can be done", "操作")}"><ul class="actions">${shown.map(one)}</ul><noscript><p class="note">${say("Acting needs JavaScript; gpuctl does the same.", "操作需要 JavaScript；也可使用 gpuctl。")}</p></noscript></section>`;
}
