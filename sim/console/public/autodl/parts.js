/** Buttons, boxes and menus as this console's component library draws them. */
import { element } from "../element.js";
import { knobs } from "./api.js";

/** How long a short message stays. */
const MESSAGE_MS = 4000;
/** Ids that the library makes up anew each time. */
let made = Math.floor(Math.random() * 9000) + 1000;

export function nextId() {
  made += 1;
  return `el-id-${made}-${made % 7}`;
}

/** The class as the present release of the console writes it: `part` is row, status or buttons. */
export function classOf(part, name) {
  return knobs().changedSelectors.includes(part) ? name.replaceAll("el-", "nx-") : name;
}

export function button(text, className, onClick) {
  const each = element(
    "button",
    classOf("buttons", `el-button ${className}`.trim()),
    element("span", "", text),
  );
  each.type = "button";
  each.addEventListener("click", onClick);
  return each;
}

export function setDisabled(each, disabled) {
  each.disabled = disabled;
  each.classList.toggle("is-disabled", disabled);
}

export function message(text) {
  const box = element("div", "el-message", element("p", "el-message__content", text));
  box.id = nextId();
  document.body.append(box);
  setTimeout(() => box.remove(), MESSAGE_MS);
}

function box(title, words, ...buttons) {
  const inner = element(
    "div",
    "el-message-box",
    element("div", "el-message-box__header", title),
    element("div", "el-message-box__content", element("p", "", words)),
    element("div", "el-message-box__btns", ...buttons),
  );
  inner.setAttribute("role", "dialog");
  inner.id = nextId();
  const overlay = element("div", "el-overlay", inner);
  document.body.append(overlay);
  return overlay;
}

export function announcement() {
  const overlay = box(
    "平台公告",
    "部分地区将进行网络维护，期间实例可能闪断。",
    button("我知道了", "el-button--primary", () => overlay.remove()),
  );
}

export function confirm(title, words, act) {
  const yes = button("确定", "el-button--primary", async () => {
    setDisabled(yes, true);
    try {
      await act();
    } finally {
      overlay.remove();
    }
  });
  const overlay = box(
    title,
    words,
    button("取消", "", () => overlay.remove()),
    yes,
  );
}

let open = null;

export function closeMenu() {
  open?.remove();
  open = null;
}

/** Opens a menu below `anchor`, at the end of the body. */
export function openMenu(anchor, items) {
  closeMenu();
  const list = element("ul", "el-dropdown-menu");
  list.setAttribute("role", "menu");
  for (const { text, enabled, choose } of items) {
    const item = element("li", `el-dropdown-menu__item${enabled ? "" : " is-disabled"}`, text);
    item.setAttribute("role", "menuitem");
    item.addEventListener("click", () => enabled && choose());
    list.append(item);
  }
  open = element("div", "el-popper", list);
  open.id = nextId();
  const { bottom, left } = anchor.getBoundingClientRect();
  open.style.top = `${bottom + scrollY}px`;
  open.style.left = `${left + scrollX}px`;
  document.body.append(open);
}

document.addEventListener("click", closeMenu);
