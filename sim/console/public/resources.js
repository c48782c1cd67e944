import { announcement, toast } from "./dialog.js";
import { element } from "./element.js";
import { drawPager } from "./pager.js";
import { ApiError, call } from "./provider-api.js";
import { drawRow, rowKey, templateContainer } from "./row.js";
import { readSettings, settings } from "./settings.js";

/** Rows a page. */
const PAGE_SIZE = 10;
const COLUMNS = ["", "名称", "登录", "资源 ID", "状态", "GPU", "可用区", "计费方式", "操作"];

const tbody = element("tbody");
const holder = element("div", "uc-fe-table-holder");
const foot = element("div", "list-foot");
const templates = element("div");
let page = 0;
/** Counts loads, so that a late answer never overwrites a newer one. */
let loads = 0;
/** Rows on show, by UHostId. */
let rows = new Map();

const table = element(
  "table",
  "uc-fe-table",
  element("thead", "", element("tr", "", ...COLUMNS.map((title) => element("th", "", title)))),
  tbody,
);

function showInstead(...content) {
  rows = new Map();
  tbody.replaceChildren();
  foot.replaceChildren();
  holder.replaceChildren(...content);
}

const loading = () => element("div", "uc-fe-loading", element("i", "uc-fe-loading-icon"), "加载中");

function draw({ UHostSet, TotalCount }) {
  const kept = rows;
  rows = new Map();
  for (const machine of UHostSet) {
    const key = rowKey(machine);
    const before = kept.get(machine.UHostId);
    rows.set(machine.UHostId, before?.key === key ? before : { key, row: drawRow(machine, afterAction) });
  }
  const wanted = [...rows.values()].map(({ row }) => row);
  const same = wanted.length === tbody.children.length && wanted.every((row, i) => row === tbody.children[i]);
  if (!same) tbody.replaceChildren(...wanted);
  if (holder.firstElementChild !== table) holder.replaceChildren(table);
  if (UHostSet.length === 0) tbody.replaceChildren(element("tr", "uc-fe-table-empty", emptyCell()));
  templates.replaceChildren(...(settings().hiddenTemplateButton ? [templateContainer()] : []));
  const pages = Math.max(1, Math.ceil(TotalCount / PAGE_SIZE));
  foot.replaceChildren(drawPager(page, pages, TotalCount, goTo));
}

function emptyCell() {
  const cell = element("td", "", "暂无数据");
  cell.colSpan = COLUMNS.length;
  return cell;
}

/** Loads the list's page; `visibly` shows the loading state meanwhile. */
async function load(visibly) {
  loads += 1;
  const mine = loads;
  if (visibly) showInstead(loading());
  try {
    await readSettings();
    const answer = await call("DescribeCompShareInstance", {
      Offset: String(page * PAGE_SIZE),
      Limit: String(PAGE_SIZE),
    });
    if (mine !== loads) return;
    if (settings().halfLoaded === "table") showInstead(loading());
    else draw(answer);
  } catch (error) {
    if (mine !== loads) return;
    const text = error instanceof ApiError ? error.message : "网络异常，请稍后再试";
    // A refresh that failed leaves the old rows: the page is stale, not empty.
    if (rows.size === 0) showInstead(element("div", "uc-fe-error", `加载失败：${text}`));
    else toast("error", text);
  }
}

function goTo(target) {
  page = target;
  load(true);
}

function afterAction() {
  if (!settings().stalePage) load(false);
}

/** One turn of the page's own refresh; the settings are read first, since they may have stopped it. */
function refreshLater() {
  const { refreshMs } = settings() ?? { refreshMs: 0 };
  if (refreshMs === 0) return;
  setTimeout(async () => {
    try {
      const { stalePage } = await readSettings();
      if (!stalePage) await load(false);
    } finally {
      refreshLater();
    }
  }, refreshMs);
}

const refresh = element("button", "uc-fe-button", "刷新");
refresh.addEventListener("click", () => load(true));
document
  .querySelector("#app")
  .append(
    element("h1", "", "实例列表"),
    element(
      "div",
      "toolbar",
      element("button", "uc-fe-button uc-fe-button-styletype-primary", "创建实例"),
      refresh,
    ),
    holder,
    foot,
    templates,
  );
await load(true);
if (settings()?.dialogMore === "onLoad") announcement();
refreshLater();
