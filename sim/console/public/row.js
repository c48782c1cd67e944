import { setDisabled } from "./dialog.js";
import { element } from "./element.js";
import { openMenu } from "./menu.js";
import { menuItems, startMachine } from "./row-actions.js";
import { classOf, settings } from "./settings.js";

const STATE_TEXT = {
  Stopped: "已关机",
  Starting: "启动中",
  Initializing: "初始化中",
  Running: "运行中",
  Stopping: "关机中",
  "Install Fail": "安装失败",
  Rebooting: "重启中",
  Resizing: "升级改配中",
  Pending: "等待中",
  Reinstalling: "重装中",
  "": "未知",
};
const CHARGE_TEXT = { Postpay: "按量计费", Month: "包月", Day: "包日", Spot: "抢占式" };

function button(text, className = "") {
  const made = element(
    "button",
    classOf("buttons", `uc-fe-button ${className}`.trim()),
    element("span", "", text),
  );
  made.type = "button";
  return made;
}

function startButton(machine, onDone) {
  const made = button("启动");
  setDisabled(made, true);
  const { buttonDisabledMs, buttonDisabledAlways } = settings();
  if (!buttonDisabledAlways) setTimeout(() => setDisabled(made, false), buttonDisabledMs);
  made.addEventListener("click", () => startMachine(machine, onDone));
  return made;
}

/** A copy of the start button as the component library leaves them about: in the DOM, never to be seen. */
function hiddenStartButton() {
  const made = button("启动");
  made.style.display = "none";
  return made;
}

function actionArea(...buttons) {
  const area = element("div", "uc-fe-action-list", ...buttons);
  area.setAttribute("data-urc-action_list-id", "2");
  return area;
}

/** A whole hidden action area, outside of any row. */
export function templateContainer() {
  const container = element(
    "div",
    "uc-fe-action-template",
    actionArea(button("启动"), button("更多", "action-more")),
  );
  container.style.display = "none";
  return container;
}

function actions(machine, shownState, onDone) {
  const login = button("登录");
  setDisabled(login, shownState !== "Running");
  const more = button("更多", "action-more");
  more.addEventListener("click", (event) => {
    event.stopPropagation();
    openMenu(more, menuItems(machine, shownState, onDone));
  });
  const area = actionArea(login, more);
  if (shownState === "Stopped") area.prepend(startButton(machine, onDone));
  else if (settings().hiddenTemplateButton) area.prepend(hiddenStartButton());
  return area;
}

/** How to log in to the machine, spread over texts, attributes and fields as consoles do. */
function loginBox({ SshLoginCommand, Password, Softwares, IPSet }) {
  const [user, host] = SshLoginCommand.split("@");
  const password = element("input", "uc-fe-input");
  password.readOnly = true;
  password.value = Password;
  password.setAttribute("value", Password);
  const copy = element("i", "uc-fe-icon-copy", "⧉");
  copy.setAttribute("data-clipboard-text", Password);
  copy.title = SshLoginCommand;
  const links = Softwares.map(({ Name, URL: href }) => {
    const link = element("a", "", Name);
    link.href = href;
    return link;
  });
  const addresses = element("span", "uc-fe-login-addresses", IPSet.map(({ IP }) => IP).join(" / "));
  const command = element("code", "", `${user}@`, element("b", "", host));
  return element("div", "uc-fe-login", command, element("span", "", password, copy), addresses, ...links);
}

/** What a row is drawn from; a row is drawn anew only when this changes, as the component library does. */
export function rowKey(machine) {
  const { changedSelectors, buttonDisabledAlways, hiddenTemplateButton, halfLoaded, shownStates } =
    settings();
  const page = [changedSelectors, buttonDisabledAlways, hiddenTemplateButton, halfLoaded];
  return JSON.stringify([machine, shownStates[machine.UHostId], page]);
}

/** One machine's row; `onDone` is called after an action. */
export function drawRow(machine, onDone) {
  const cell = (name, ...content) =>
    element("td", classOf("row", `uc-fe-table-cell uc-fe-table-cell-${name}`), ...content);
  const whole = settings().halfLoaded !== "rows";
  const shownState = settings().shownStates[machine.UHostId] ?? machine.State;
  const status = element(
    "span",
    classOf("status", `uc-fe-status uc-fe-status-${shownState.toLowerCase().replace(" ", "-")}`),
    STATE_TEXT[shownState] ?? shownState,
  );
  const tick = element(
    "span",
    "uc-fe-checkbox",
    element("span", "uc-fe-checkbox-icon-wrap", element("i", "uc-fe-checkbox-icon")),
  );
  tick.addEventListener("click", () => tick.classList.toggle("uc-fe-checkbox-checked"));
  return element(
    "tr",
    classOf("row", "uc-fe-table-row"),
    cell("select", tick),
    cell("name", machine.Name),
    cell("login", loginBox(machine)),
    cell("id", machine.UHostId),
    cell("state", ...(whole ? [status] : [])),
    cell("gpu", `${machine.GpuType} × ${machine.GPU}`),
    cell("zone", machine.Zone),
    cell("charge", CHARGE_TEXT[machine.ChargeType] ?? machine.ChargeType),
    cell("action", ...(whole ? [actions(machine, shownState, onDone)] : [])),
  );
}
