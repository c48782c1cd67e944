/** The documents around the views: the page, and signing in. */
import type { Role } from "../credentials.ts";
import { type Html, html } from "./html.ts";
import type { Speech } from "./language.ts";

interface Document {
  readonly title: string;
  readonly speech: Speech;
  readonly body: Html;
  /** Attributes of the body, for the browser's code. */
  readonly data?: Readonly<Record<string, string>>;
  /** Below `page/`; default: that of the operator's page. */
  readonly script?: string;
}

/** Every address is relative, so that the page works below any path of a reverse proxy. */
export function document({ title, speech, body, data = {}, script = "main.js" }: Document): string {
  const attributes = Object.entries(data).map(([name, value]) => html` data-${name}="${value}"`);
  return html`<!doctype html>
<html lang="${speech.language === "zh" ? "zh-CN" : "en"}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">
<title>${title}</title><link rel="icon" href="page/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="page/page.css"><script type="module" src="page/${script}"></script></head>
<body${attributes}>${body}</body></html>
`.text;
}

export const languageSwitch = ({ say, language }: Speech) =>
  html`<a class="switch" href="?language=${language === "zh" ? "en" : "zh"}" lang="${language === "zh" ? "en" : "zh-CN"}">${say("中文", "English")}</a>`;

export const brand = html`<span class="brand"><svg viewBox="0 0 32 32" aria-hidden="true"><rect x="3" y="3" width="26" height="26" rx="8"/><path d="M18 6 9 18h6l-1 8 9-12h-6z"/></svg>GPU Power</span>`;

/** Who is signed in, as the page's head says it. */
export function whoWords({ say }: Speech, role: Role, name: string): string {
  const words = say(role, role === "operator" ? "运维" : "只读");
  return name === "" ? words : `${name} (${words})`;
}

export interface PageOptions {
  readonly speech: Speech;
  readonly pool: string;
  readonly role: Role;
  readonly name: string;
  readonly csrf: string;
  readonly status: Html;
}

export function pageDocument({ speech, pool, role, name, csrf, status }: PageOptions): string {
  const { say } = speech;
  const who = whoWords(speech, role, name);
  const body = html`<a class="skip" href="#now">${say("To the content", "跳到内容")}</a>
<header class="top">${brand}<span id="line" class="line" role="status" data-live-words="${say("live", "实时")}" data-lost-words="${say("connection lost, trying again", "连接中断，正在重试")}"></span>
<nav aria-label="${say("Account", "账户")}">${languageSwitch(speech)}<span class="who">${who}</span><form method="post" action="sign-out"><input type="hidden" name="csrf" value="${csrf}"><button class="plain" type="submit">${say("Sign out", "退出")}</button></form></nav></header>
<main><div id="now">${status}</div>
<section class="panel" id="timeline" aria-labelledby="timeline-title" hidden><div class="panel-head"><h2 id="timeline-title">${say("Time line", "时间线")}</h2><div class="tabs" role="group" aria-label="${say("Length", "时长")}"><button type="button" data-hours="24" aria-pressed="true">${say("24 hours", "24 小时")}</button><button type="button" data-hours="168" aria-pressed="false">${say("7 days", "7 天")}</button></div></div><div id="chart" class="chart"></div><p class="legend" aria-hidden="true"><span class="key is-running">${say("on", "开机")}</span><span class="key is-starting">${say("changing", "变化中")}</span><span class="key is-stopped">${say("off", "关机")}</span><span class="key is-unknown">${say("unknown", "未知")}</span><span class="key is-wait">${say("jobs waited", "任务等待")}</span><span class="key is-gap">${say("notices not heard", "听不到通知")}</span></p><div id="timeline-table"></div></section>
<section class="panel" id="history" aria-labelledby="history-title" hidden><div class="panel-head"><h2 id="history-title">${say("History", "历史")}</h2></div><div id="history-list"></div></section></main>
<footer><p>${say("Times are of", "时间所用时区：")} ${speech.zone}. ${say("The same for scripts: gpuctl.", "脚本请用 gpuctl。")}</p></footer>
${dialogs(speech)}`;
  return document({ title: `${pool} · GPU Power`, speech, body, data: { csrf, name, page: "operator" } });
}

/** One dialog for all that can be done; the browser fills in what it is about. */
function dialogs({ say }: Speech): Html {
  return html`<dialog id="confirm" aria-labelledby="confirm-title"><form method="dialog"><h2 id="confirm-title"></h2><p id="confirm-will"></p>
<fieldset id="confirm-hold" hidden><legend>${say("What is held", "指令")}</legend>
<label><input type="radio" name="mode" value="as_is" checked> ${say("as it is: nothing is started or stopped", "保持现状：不启动也不停止")}</label>
<label><input type="radio" name="mode" value="on"> ${say("on: started, and kept on", "保持开机：启动并保持")}</label>
<label><input type="radio" name="mode" value="off"> ${say("off: not started; stopped once it has no work", "保持关机：不启动，无任务后关机")}</label>
<label class="stacked">${say("For how long", "持续时间")} <select name="for"><option value="30m">${say("30 minutes", "30 分钟")}</option><option value="2h" selected>${say("2 hours", "2 小时")}</option><option value="8h">${say("8 hours", "8 小时")}</option><option value="24h">${say("a day", "一天")}</option><option value="168h">${say("a week", "一周")}</option><option value="">${say("until somebody resumes", "直到有人恢复")}</option></select></label></fieldset>
<label class="stacked">${say("Why (kept in history)", "原因（记入历史）")} <input name="reason" maxlength="200" required autocomplete="off"></label>
<p id="confirm-refused" class="refused" role="alert"></p>
<div class="dialog-foot"><button type="button" class="plain" id="confirm-no">${say("Cancel", "取消")}</button><button type="submit" id="confirm-yes" data-busy="${say("Asking…", "请稍候…")}"></button></div></form></dialog>`;
}

export interface SignInOptions {
  readonly speech: Speech;
  /** Of a one-time link. */
  readonly code: string | undefined;
  /** Where to afterwards, beside the page itself. */
  readonly to: string | undefined;
  /** Why the last try failed. */
  readonly refused: string | undefined;
}

export function signInDocument({ speech, code, to, refused }: SignInOptions): string {
  const { say } = speech;
  const body = html`<main class="sign-in"><div class="card">${brand}<h1>${say("Sign in", "登录")}</h1>
${refused === undefined ? "" : html`<p class="refused" role="alert">${refused}</p>`}
<form method="post" action="sign-in">${to === undefined ? "" : html`<input type="hidden" name="to" value="${to}">`}${
    code === undefined
      ? html`<label class="stacked">${say("Token", "令牌")} <input name="token" type="password" required autocomplete="current-password" autofocus spellcheck="false"></label>
<label class="stacked">${say("Your name, for history (optional)", "您的姓名，记入历史（可选）")} <input name="name" maxlength="64" autocomplete="nickname"></label>
<p class="note">${say("The operator's or the viewer's token: secrets/operator-token, secrets/viewer-token. Or a one-time link: gpuctl page.", "运维或只读令牌：secrets/operator-token、secrets/viewer-token。也可用一次性链接：gpuctl page。")}</p>`
      : html`<input type="hidden" name="code" value="${code}"><p class="note">${say("This one-time link signs this browser in for 12 hours.", "此一次性链接让本浏览器登录 12 小时。")}</p>`
  }<button type="submit">${say("Sign in", "登录")}</button></form>${languageSwitch(speech)}</div></main>`;
  return document({
    title: `${say("Sign in", "登录")} · GPU Power`,
    speech,
    body,
    data: { page: "sign-in" },
  });
}
