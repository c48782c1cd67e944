import { element } from "./element.js";

let open = null;

export function closeMenu() {
  open?.remove();
  open = null;
}

/** Opens a row's menu below `anchor`, at the end of the body: `items` are {text, enabled, choose}. */
export function openMenu(anchor, items) {
  closeMenu();
  const menu = element("div", "uc-fe-menu");
  for (const { text, enabled, choose } of items) {
    const item = element("div", `uc-fe-menu-item${enabled ? "" : " uc-fe-menu-item-disabled"}`, text);
    item.addEventListener("click", (event) => {
      event.stopPropagation();
      if (!enabled) return;
      closeMenu();
      choose();
    });
    menu.append(item);
  }
  open = element("div", "uc-fe-popup", menu);
  const { right, bottom } = anchor.getBoundingClientRect();
  open.style.top = `${bottom + scrollY + 4}px`;
  open.style.left = `${right + scrollX - 120}px`;
  document.body.append(open);
}

document.addEventListener("click", closeMenu);
