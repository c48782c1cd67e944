/** The page in the browser: what the server has drawn is drawn anew, section by section, when something changes. */
import { followButtons } from "./acting.js";
import { keepTime, serverSays } from "./clocks.js";

/** Changes that come together are drawn together. */
const TOGETHER_MS = 120;
/** Without a change: ages that come with the listener's signs of life. */
const ANYWAY_MS = 10_000;

const year = 365 * 86_400;

function tellZone()          {
  const zone = encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone);
  if (document.cookie.includes(`gpu-power-zone=${zone}`)) return false;
  // biome-ignore lint/suspicious/noDocumentCookie: CookieStore is not in every browser.
  document.cookie = `gpu-power-zone=${zone}; path=${location.pathname}; max-age=${year}; samesite=strict`;
  return true;
}

function replaceSections(markup        )       {
  const now = document.querySelector("#now");
  if (now === null) return;
  const fresh = new DOMParser().parseFromString(markup, "text/html").body;
  const ids = (root         ) => [...root.querySelectorAll("[data-live]")].map(({ id }) => id).join();
  if (ids(fresh) !== ids(now)) {
    now.replaceChildren(...fresh.childNodes);
    return;
  }
  for (const section of fresh.querySelectorAll("[data-live]")) {
    const old = document.getElementById(section.id);
    // A button that has the focus would lose it, with nothing new to show for it.
    if (old !== null && shape(old) !== shape(section)) {
      const focused = old.contains(document.activeElement)
        ? document.activeElement?.getAttribute("aria-describedby")
        : null;
      old.replaceWith(section);
      if (focused) document.querySelector             (`[aria-describedby="${focused}"]`)?.focus();
    }
  }
  keepTime();
}

/** Lengths of time count on by themselves. */
function shape(section         )         {
  const copy = section.cloneNode(true);
  if (!(copy instanceof Element)) return "";
  for (const time of copy.querySelectorAll("time[data-since], time[data-until]")) time.textContent = "";
  return copy.outerHTML;
}

async function redraw()                {
  const response = await fetch("now").catch(() => undefined);
  if (response?.status === 401) location.reload();
  if (response?.ok !== true) return;
  serverSays(response.headers.get("date"));
  replaceSections(await response.text());
}

async function showHistory(before = "")                {
  const response = await fetch(`page/history${before}`).catch(() => undefined);
  const list = document.querySelector("#history-list");
  if (response?.ok !== true || list === null) return;
  const open = new Set(
    [...list.querySelectorAll("details[open] .note")].map(({ textContent }) => textContent),
  );
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").body;
  for (const details of fresh.querySelectorAll("details"))
    details.open = open.has(details.querySelector(".note")?.textContent ?? "");
  list.querySelector(".more")?.remove();
  if (before === "") list.replaceChildren(...fresh.childNodes);
  else list.append(...fresh.childNodes);
}

function follow()       {
  const line = document.querySelector             ("#line");
  const due = { timer: 0, past: false };
  const soon = (past         ) => {
    due.past ||= past;
    if (due.timer !== 0) return;
    due.timer = window.setTimeout(() => {
      if (due.past) {
        void showHistory();
        document.dispatchEvent(new Event("history"));
      }
      Object.assign(due, { timer: 0, past: false });
      void redraw();
    }, TOGETHER_MS);
  };
  const events = new EventSource("api/v1/events");
  const say = (lost         ) => {
    if (line === null) return;
    line.textContent = (lost ? line.dataset.lostWords : line.dataset.liveWords) ?? "";
    line.classList.toggle("is-lost", lost);
  };
  events.addEventListener("open", () => {
    say(false);
    soon(false);
  });
  events.addEventListener("error", () => {
    say(true);
    // Refused for good: the session may be over. Only a page of power's can say so.
    if (events.readyState === EventSource.CLOSED) window.setTimeout(() => void redraw().then(follow), 2_000);
  });
  events.addEventListener("status", () => soon(false));
  events.addEventListener("history", () => soon(true));
}

async function showPast()                {
  for (const id of ["timeline", "history"]) document.getElementById(id)?.removeAttribute("hidden");
  document.addEventListener("click", (event) => {
    const more = event.target instanceof Element ? event.target.closest             (".more") : null;
    if (more) void showHistory(`?before=${more.dataset.before}`);
  });
  await showHistory();
  const { drawTimeline } = await import("./timeline.js");
  await drawTimeline();
}

const zoneIsNew = tellZone();
if (document.body.dataset.page === "operator") {
  follow();
  followButtons(() => void redraw());
  if (zoneIsNew) void redraw();
  setInterval(keepTime, 1_000);
  setInterval(() => void redraw(), ANYWAY_MS);
  void showPast();
}
