import { announcement, confirmAction, toast } from "./dialog.js";
import { ApiError, call } from "./provider-api.js";
import { readSettings } from "./settings.js";

/** Runs one action of the API on a machine, tells the person how it went, then lets the list load again. */
async function carryOut(action, machine, fields, onDone) {
  const { UHostId, Zone, Region } = machine;
  try {
    await call(action, { UHostId, Zone, Region, ...fields });
    toast("success", "操作已提交");
  } catch (error) {
    toast("error", error instanceof ApiError ? error.message : "网络异常，请稍后再试");
  }
  onDone();
}

async function ask(dialog) {
  const { dialogMore } = await readSettings();
  confirmAction(dialog);
  if (dialogMore === "beforeConfirm") announcement();
}

export async function startMachine(machine, onDone) {
  const act = () => carryOut("StartCompShareInstance", machine, {}, onDone);
  const { dialogLess } = await readSettings();
  if (dialogLess) await act();
  else await ask({ title: "启动主机", machine, warning: "启动后将按量计费，确定启动以下主机？", act });
}

function stopMachine(machine, onDone) {
  return ask({
    title: "关闭主机",
    machine,
    warning: "关机后将释放 GPU 资源，再次启动时可能因库存不足而失败。",
    consent: "我已知晓关机后 GPU 资源不予保留",
    act: () => carryOut("StopCompShareInstance", machine, { BasicImageId: machine.BasicImageId }, onDone),
  });
}

function otherAction(title, action, machine, onDone) {
  return ask({
    title,
    machine,
    warning: `确定对以下主机执行「${title}」？`,
    act: () => carryOut(action, machine, {}, onDone),
  });
}

/** The items of a row's menu. */
export function menuItems(machine, shownState, onDone) {
  const running = shownState === "Running";
  const stopped = shownState === "Stopped";
  return [
    { text: "关闭", enabled: running, choose: () => stopMachine(machine, onDone) },
    {
      text: "重启",
      enabled: running,
      choose: () => otherAction("重启", "RebootCompShareInstance", machine, onDone),
    },
    {
      text: "重装系统",
      enabled: stopped,
      choose: () => otherAction("重装系统", "ReinstallCompShareInstance", machine, onDone),
    },
    {
      text: "删除",
      enabled: stopped,
      choose: () => otherAction("删除", "TerminateCompShareInstance", machine, onDone),
    },
  ];
}
