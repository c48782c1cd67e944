import { element } from "../element.js";
import { ApiError, call, knobs, readKnobs } from "./api.js";
import { announcement, button, message, setDisabled } from "./parts.js";
import { drawRow, rowKey } from "./row.js";

/** Rows a page. */
const PAGE_SIZE = 10;

const tbody = element("tbody");
const table = element("table", "el-table__body", tbody);
const holder = element("div", "el-table");
const foot = element("div", "list-foot");
let page = 1;
/** Counts loads, so that a late answer never overwrites a newer one. */
let loads = 0;
let rows = new Map();

function showInstead(...content) {
  rows = new Map();
  tbody.replaceChildren();
  foot.replaceChildren();
  holder.replaceChildren(...content);
}

const loading = () => element("div", "el-loading-mask", "加载中");

function pager({ max_page: pages, result_total: total }) {
  const turn = (text, className, target) => {
    const each = element("button", className, text);
    each.type = "button";
    setDisabled(each, target < 1 || target > pages);
    each.addEventListener("click", () => {
      page = target;
      load(true);
    });
    return each;
  };
  const numbers = Array.from({ length: pages }, (_, index) =>
    element("li", `number${index + 1 === page ? " is-active" : ""}`, String(index + 1)),
  );
  return element(
    "div",
    "el-pagination",
    element("span", "el-pagination__total", `共 ${total} 条`),
    turn("‹", "btn-prev", page - 1),
    ...numbers,
    turn("›", "btn-next", page + 1),
  );
}

function draw(answer) {
  const kept = rows;
  rows = new Map(
    answer.list.map((machine) => {
      const key = rowKey(machine);
      const before = kept.get(machine.uuid);
      return [machine.uuid, before?.key === key ? before : { key, row: drawRow(machine, afterAction) }];
    }),
  );
  tbody.replaceChildren(...[...rows.values()].map(({ row }) => row));
  if (holder.firstElementChild !== table) holder.replaceChildren(table);
  foot.replaceChildren(pager(answer));
}

async function load(visibly) {
  loads += 1;
  const mine = loads;
  if (visibly) showInstead(loading());
  try {
    await readKnobs();
    const answer = await call("instance", {
      date_from: "",
      date_to: "",
      page_index: page,
      page_size: PAGE_SIZE,
      status: [],
      charge_type: [],
    });
    if (mine !== loads) return;
    if (knobs().halfLoaded === "table") showInstead(loading());
    else draw(answer);
  } catch (error) {
    if (mine !== loads) return;
    const text = error instanceof ApiError ? error.message : "网络异常";
    if (rows.size === 0) showInstead(element("div", "el-empty", `加载失败：${text}`));
    else message(text);
  }
}

function afterAction() {
  if (!knobs().stalePage) load(false);
}

function refreshLater() {
  const { refreshMs } = knobs();
  if (refreshMs === 0) return;
  setTimeout(async () => {
    try {
      const { stalePage } = await readKnobs();
      if (!stalePage) await load(false);
    } finally {
      refreshLater();
    }
  }, refreshMs);
}

await readKnobs();
document.querySelector("#app").append(
  element("h1", "", "容器实例"),
  element(
    "div",
    "toolbar",
    button("租用新实例", "el-button--primary", () => {}),
    button("刷新", "", () => load(true)),
  ),
  holder,
  foot,
);
await load(true);
if (knobs().dialogMore === "onLoad") announcement();
refreshLater();
