import { element } from "./element.js";
import { classOf, settings } from "./settings.js";

/** How long a short message stays. */
const TOAST_MS = 4000;

export function toast(kind, text) {
  const message = element("div", `uc-fe-message uc-fe-message-${kind}`, text);
  document.body.append(message);
  setTimeout(() => message.remove(), TOAST_MS);
}

function button(text, className, onClick) {
  const made = element("button", classOf("buttons", `uc-fe-button ${className}`), element("span", "", text));
  made.type = "button";
  made.addEventListener("click", onClick);
  return made;
}

export function setDisabled(made, disabled) {
  made.disabled = disabled;
  made.classList.toggle(classOf("buttons", "uc-fe-button-disabled"), disabled);
}

function modal(title, ...content) {
  const wrap = element("div", "uc-fe-modal-wrap", element("div", "uc-fe-modal-mask"));
  const box = element("div", "uc-fe-modal", element("div", "uc-fe-modal-title", title), ...content);
  box.setAttribute("role", "dialog");
  wrap.append(box);
  document.body.append(wrap);
  return wrap;
}

/** Something the provider wants everybody to read; covers the page until it is closed. */
export function announcement() {
  const close = button("知道了", "uc-fe-button-styletype-primary", () => wrap.remove());
  const wrap = modal(
    "公告",
    element(
      "div",
      "uc-fe-modal-body",
      "平台将于本周日 02:00-04:00 进行网络升级，期间部分实例可能闪断，敬请谅解。",
    ),
    element("div", "uc-fe-modal-footer", close),
  );
  wrap.classList.add("uc-fe-modal-wrap-top");
}

/**
 * Asks the person to confirm an action on one machine, then carries it out.
 * `consent` is the text of a box to be ticked first; `act` may throw an error whose message is shown.
 */
export function confirmAction({ title, machine, warning, consent, act }) {
  const body = element(
    "div",
    "uc-fe-modal-body",
    element("p", "", warning),
    element("p", "uc-fe-modal-target", `${machine.Name}（${settings().confirmNames ?? machine.UHostId}）`),
  );
  const cancel = button("取消", "", () => wrap.remove());
  const primary = button("确定", "uc-fe-button-styletype-primary", async () => {
    setDisabled(primary, true);
    try {
      await act();
    } finally {
      wrap.remove();
    }
  });
  if (consent !== undefined) {
    setDisabled(primary, true);
    const box = element(
      "span",
      "uc-fe-checkbox",
      element("span", "uc-fe-checkbox-icon-wrap", element("i", "uc-fe-checkbox-icon")),
      element("span", "uc-fe-checkbox-text", consent),
    );
    box.addEventListener("click", () => {
      setDisabled(primary, !box.classList.toggle("uc-fe-checkbox-checked"));
    });
    body.append(box);
  }
  const wrap = modal(title, body, element("div", "uc-fe-modal-footer", cancel, primary));
}
