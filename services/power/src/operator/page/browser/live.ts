/** The live view in the browser: draws the pictures as they come, sends what the person does, and says who controls. */
import type { FromBrowser, ToBrowser } from "../../live/messages.ts";
import { followHand } from "./live-hand.ts";

/** Between tries to reach power again. */
const AGAIN_MS = 1_500;
/** What was said about something that was refused goes away by itself. */
const SAID_MS = 8_000;
/** Number, width and height, as power sends them. */
const HEADER = 12;

const zh = document.documentElement.lang.startsWith("zh");
const say = (en: string, chinese: string) => (zh ? chinese : en);
const one = <T extends Element>(selector: string, kind: new () => T): T => {
  const found = document.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`The page has no ${selector}.`);
  return found;
};

const screen = one("#live-screen", HTMLCanvasElement);
const keys = one("#live-keys", HTMLTextAreaElement);
const who = one("#live-who", HTMLParagraphElement);
const said = one("#live-said", HTMLParagraphElement);
const frame = one("#live-frame", HTMLDivElement);
const buttons = {
  take: one("#live-take", HTMLButtonElement),
  give: one("#live-give", HTMLButtonElement),
  keep: one("#live-keep", HTMLButtonElement),
  release: one("#live-release", HTMLButtonElement),
};
const paper = screen.getContext("2d", { alpha: false });

/** So that a tab that loses its line, as on a phone, comes back as itself. */
const tab = sessionStorage.getItem("live-tab") ?? crypto.getRandomValues(new Uint32Array(4)).join("-");
sessionStorage.setItem("live-tab", tab);

let socket: WebSocket | undefined;
let controls = false;
let clear = 0;

function send(message: FromBrowser): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function tell(words: string, lasting = false): void {
  said.textContent = words;
  clearTimeout(clear);
  if (!lasting) clear = window.setTimeout(() => tell("", true), SAID_MS);
}

async function draw(bytes: ArrayBuffer): Promise<void> {
  const view = new DataView(bytes);
  const [number, width, height] = [view.getUint32(0), view.getUint32(4), view.getUint32(8)];
  const picture = await createImageBitmap(new Blob([new Uint8Array(bytes, HEADER)], { type: "image/jpeg" }));
  if (screen.width !== picture.width || screen.height !== picture.height)
    Object.assign(screen, { width: picture.width, height: picture.height });
  Object.assign(screen.dataset, { width: String(width), height: String(height) });
  paper?.drawImage(picture, 0, 0);
  picture.close();
  screen.dataset.frame = String(number);
  frame.classList.add("is-shown");
  send({ type: "seen", frame: number });
}

function showFloor(floor: Extract<ToBrowser, { type: "floor" }>): void {
  const { you, mayControl, holder, asks, watchers } = floor;
  controls = you === "controls";
  keys.disabled = !controls;
  if (controls) keys.focus({ preventScroll: true });
  frame.classList.toggle("is-controlled", controls);
  const others = watchers - 1;
  const seen = others <= 0 ? "" : say(` · ${others} more look`, ` · 另有 ${others} 人在看`);
  const words: Readonly<Record<typeof you, string>> = {
    controls: say("You control the page; power waits", "您正在控制页面；power 等待中"),
    gets: say("A moment: power finishes what it is about…", "请稍候：power 正在完成手头的操作…"),
    asks: say(`${holder} controls; you have asked for it`, `${holder} 正在控制；您已请求移交`),
    watches:
      holder === null
        ? say("Power has the page", "页面由 power 使用")
        : say(`${holder} controls the page`, `${holder} 正在控制页面`),
  };
  who.textContent = words[you] + seen;
  const mine = you === "controls" || you === "gets";
  buttons.take.hidden = !mayControl || you !== "watches";
  buttons.take.textContent =
    holder === null ? say("Take control", "取得控制") : say("Ask for control", "请求控制");
  buttons.release.hidden = you === "watches";
  buttons.release.textContent = mine
    ? say("Give control back", "交还控制")
    : say("No longer ask", "取消请求");
  buttons.give.hidden = !mine || asks === null;
  buttons.give.textContent = say(`Give control to ${asks}`, `移交给 ${asks}`);
  buttons.keep.hidden = buttons.give.hidden;
  if (mine && asks !== null) tell(say(`${asks} asks for control.`, `${asks} 请求控制。`), true);
}

function showRefusal({ what, detail }: Extract<ToBrowser, { type: "refused" }>): void {
  const words: Readonly<Record<typeof what, string>> = {
    elsewhere: say(
      `${detail} is none of the console's addresses, so it is not opened. Is it its login? Then name it in the profile (console.origins).`,
      `${detail} 不属于控制台，未打开。若是其登录地址，请写入 profile 的 console.origins。`,
    ),
    window:
      detail === ""
        ? say("No new window is opened.", "不会打开新窗口。")
        : say("A new window is shown in place.", "新窗口已在当前页面显示。"),
    download: say(`Nothing is downloaded here: ${detail}`, `此处不下载文件：${detail}`),
    file: say("No file can be given from here.", "此处不能选择文件。"),
    dialog: say(
      `The page said, and was answered with Cancel: ${detail}`,
      `页面提示（已选择取消）：${detail}`,
    ),
  };
  tell(words[what]);
}

function hear(message: ToBrowser): void {
  if (message.type === "floor") showFloor(message);
  else if (message.type === "refused") showRefusal(message);
  else if (message.type === "loggedIn")
    tell(say("Logged in. Power goes on by itself.", "登录成功，power 已恢复工作。"), true);
  else
    tell(
      say("Ten minutes without a touch: power has the page again.", "十分钟无操作：页面已交还 power。"),
      true,
    );
}

function connect(): void {
  const address = new URL(`live/socket?tab=${tab}`, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const opened = new WebSocket(address);
  opened.binaryType = "arraybuffer";
  socket = opened;
  opened.addEventListener("message", ({ data }: MessageEvent<ArrayBuffer | string>) => {
    if (typeof data === "string") hear(JSON.parse(data));
    else void draw(data).catch(() => undefined);
  });
  opened.addEventListener("open", () => send({ type: "look", on: !document.hidden }));
  opened.addEventListener("close", ({ code, reason }) => {
    controls = false;
    frame.classList.remove("is-controlled", "is-shown");
    who.textContent = say("Not connected; trying again…", "未连接，正在重试…");
    for (const button of Object.values(buttons)) button.hidden = true;
    if (code === 4401) location.reload();
    else if (reason !== "") tell(reason);
    setTimeout(connect, AGAIN_MS);
  });
}

for (const [act, button] of Object.entries(buttons))
  button.addEventListener("click", () => {
    tell("", true);
    if (act === "take" || act === "give" || act === "keep" || act === "release")
      send({ type: "control", act });
  });
document.addEventListener("visibilitychange", () => send({ type: "look", on: !document.hidden }));
followHand(screen, keys, () => controls, send);
connect();
