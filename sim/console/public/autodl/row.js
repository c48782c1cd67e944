import { element } from "../element.js";
import { ApiError, call, knobs, readKnobs } from "./api.js";
import { announcement, button, classOf, confirm, message, openMenu, setDisabled } from "./parts.js";

const STATE_TEXT = {
  shutdown: "已关机",
  shutdown_by_starting_error: "已关机",
  shutdown_by_running_error: "已关机",
  starting: "开机中",
  running: "运行中",
  stopping: "关机中",
};
/** What the knob `pageDisagrees` calls a state. */
const SHOWN = { Stopped: "shutdown", Starting: "starting", Running: "running", Stopping: "stopping" };

async function carryOut(action, fields, onDone) {
  try {
    await call(action, fields);
    message("操作成功");
  } catch (error) {
    message(error instanceof ApiError ? error.message : "网络异常");
  }
  onDone();
}

async function ask(title, words, machine, act) {
  const { dialogLess, dialogMore, confirmNames } = await readKnobs();
  if (dialogLess) return await act();
  confirm(title, `${words}（${confirmNames ?? machine.uuid}）`, act);
  if (dialogMore === "beforeConfirm") announcement();
}

function actions(machine, shown, onDone) {
  const { uuid } = machine;
  const off = STATE_TEXT[shown] === "已关机";
  const on = button("开机", "is-link", () =>
    ask("开机", "确定开机吗？", machine, () =>
      carryOut("instance/power_on", { instance_uuid: uuid, payload: "gpu" }, onDone),
    ),
  );
  const offButton = button("关机", "is-link", () =>
    ask("关机", "关机后GPU将释放，确定关机吗？", machine, () =>
      carryOut("instance/power_off", { instance_uuid: uuid }, onDone),
    ),
  );
  const more = button("更多", "is-link", (event) => {
    event.stopPropagation();
    openMenu(more, [
      {
        text: "无卡模式开机",
        enabled: off,
        choose: () =>
          ask("无卡模式开机", "确定以无卡模式开机吗？", machine, () =>
            carryOut("instance/power_on", { instance_uuid: uuid, payload: "non_gpu" }, onDone),
          ),
      },
      {
        text: "释放实例",
        enabled: off,
        choose: () =>
          ask("释放实例", "释放后数据将清空，确定吗？", machine, () =>
            carryOut("instance/release", { instance_uuid: uuid }, onDone),
          ),
      },
    ]);
  });
  setDisabled(on, true);
  const { buttonDisabledMs, buttonDisabledAlways } = knobs();
  if (!buttonDisabledAlways) setTimeout(() => setDisabled(on, false), buttonDisabledMs);
  setDisabled(offButton, shown !== "running");
  return element("div", "cell", ...(off ? [on] : [offButton]), more);
}

/** What a row is drawn from. */
export function rowKey(machine) {
  const { changedSelectors, halfLoaded, shownStates, buttonDisabledAlways } = knobs();
  return JSON.stringify([
    machine,
    changedSelectors,
    halfLoaded,
    shownStates[machine.uuid],
    buttonDisabledAlways,
  ]);
}

export function drawRow(machine, onDone) {
  const whole = knobs().halfLoaded !== "rows";
  const shown = SHOWN[knobs().shownStates[machine.uuid]] ?? machine.status;
  const text = STATE_TEXT[shown] ?? "状态未知";
  const mode = machine.start_mode === "non_gpu" && shown === "running" ? [element("em", "", "无卡模式")] : [];
  const cell = (index, ...content) =>
    element("td", `el-table_1_column_${index} el-table__cell`, element("div", "cell", ...content));
  const row = element(
    "tr",
    classOf("row", "el-table__row"),
    cell(
      1,
      element("div", "", machine.name),
      element("span", classOf("row", "el-text instance-id"), machine.uuid),
    ),
    cell(2, ...(whole ? [element("span", classOf("status", "el-tag el-tag--light"), text), ...mode] : [])),
    cell(3, `GPU空闲 ${machine.gpu_idle_num}/${machine.gpu_all_num}`),
    cell(4, machine.region_name),
    element("td", "el-table_1_column_5 el-table__cell", ...(whole ? [actions(machine, shown, onDone)] : [])),
  );
  row.setAttribute("data-v-3fc1a9d2", "");
  return row;
}
