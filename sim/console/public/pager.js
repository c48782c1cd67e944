import { element } from "./element.js";

/** The pager below the list; `go(page)` is called with the page to show, counted from 0. */
export function drawPager(page, pages, total, go) {
  const link = (name, text, target) => {
    const allowed = target >= 0 && target < pages;
    const made = element(
      "li",
      `uc-fe-pagination-${name}${allowed ? "" : " uc-fe-pagination-disabled"}`,
      text,
    );
    if (allowed) made.addEventListener("click", () => go(target));
    return made;
  };
  const numbers = Array.from({ length: pages }, (_, index) => {
    const made = link("item", String(index + 1), index);
    made.classList.toggle("uc-fe-pagination-item-active", index === page);
    return made;
  });
  return element(
    "ul",
    "uc-fe-pagination",
    element("li", "uc-fe-pagination-total", `共 ${total} 条`),
    link("prev", "‹", page - 1),
    ...numbers,
    link("next", "›", page + 1),
  );
}
