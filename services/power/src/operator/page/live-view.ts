/** The document of the live view: the console's page in a frame of ours, who controls it, and what can be done about that. */
import type { Role } from "../credentials.ts";
import { html } from "./html.ts";
import type { Speech } from "./language.ts";
import { brand, document, languageSwitch, whoWords } from "./shell.ts";

export interface LiveOptions {
  readonly speech: Speech;
  readonly pool: string;
  readonly role: Role;
  readonly name: string;
  readonly csrf: string;
  /** A viewer may only where the operator allows it. */
  readonly mayWatch: boolean;
}

export function liveDocument({ speech, pool, role, name, csrf, mayWatch }: LiveOptions): string {
  const { say } = speech;
  const screen = html`<div class="live-bar"><p id="live-who" class="live-who" role="status" aria-live="polite">${say("Connecting…", "正在连接…")}</p>
<div class="live-acts"><button type="button" id="live-take" hidden>${say("Take control", "取得控制")}</button><button type="button" id="live-give" hidden></button><button type="button" class="plain" id="live-keep" hidden>${say("Keep it", "不移交")}</button><button type="button" class="plain" id="live-release" hidden>${say("Give control back", "交还控制")}</button></div></div>
<p id="live-said" class="live-said" role="alert"></p>
<div id="live-frame" class="live-frame"><canvas id="live-screen" width="1280" height="720" role="img" aria-label="${say("The console's page, as it is now", "控制台页面的实时画面")}"></canvas>
<textarea id="live-keys" class="live-keys" aria-label="${say("What you type here goes to the console's page; F6 leaves it", "在此输入的内容会发送到控制台页面；按 F6 离开")}" autocomplete="off" autocapitalize="off" spellcheck="false" disabled></textarea></div>
<p class="note">${say(
    "The picture is the browser of power itself. Taking control, you use it with mouse, keyboard, paste and touch (two fingers scroll); power waits meanwhile. After 10 minutes without a touch it goes on by itself. What you type is neither logged nor kept. F6 leaves the picture.",
    "画面来自 power 自己的浏览器。取得控制后，可使用鼠标、键盘、粘贴和触摸（双指滚动）；期间 power 不执行操作，10 分钟无操作后自动恢复。您输入的内容不会被记录或保存。按 F6 离开画面。",
  )}</p>`;
  const body = html`<header class="top">${brand}<a href="./">${say("Back to the page", "返回页面")}</a>
<nav aria-label="${say("Account", "账户")}">${languageSwitch(speech)}<span class="who">${whoWords(speech, role, name)}</span></nav></header>
<main class="live"><h1 class="live-title">${say("The console's page", "控制台页面")}</h1>${
    mayWatch
      ? screen
      : html`<p class="refused" role="alert">${say(
          "Viewers may not watch the console's page. The operator allows it with VIEWERS_WATCH=true.",
          "只读身份不能查看控制台页面。运维可用 VIEWERS_WATCH=true 允许。",
        )}</p>`
  }<noscript><p class="note">${say("The live view needs JavaScript.", "实时画面需要 JavaScript。")}</p></noscript></main>`;
  return document({
    title: `${say("Console", "控制台")} · ${pool}`,
    speech,
    body,
    data: { csrf, name, page: "live" },
    script: mayWatch ? "live.js" : "main.js",
  });
}
