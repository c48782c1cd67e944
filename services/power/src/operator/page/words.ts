/** Words of the page for states and sessions that come as bare names. */
import type { InstanceState, Lane } from "@gpu-power-manager/shared/events";
import type { LoginEvent } from "@gpu-power-manager/shared/history-entries";
import type { Words } from "@gpu-power-manager/shared/reason-words";

export const STATE_WORDS: Readonly<Record<InstanceState, Words>> = {
  running: { en: "on", zh: "已开机" },
  starting: { en: "starting", zh: "启动中" },
  stopping: { en: "stopping", zh: "关机中" },
  stopped: { en: "off", zh: "已关机" },
  unknown: { en: "unknown", zh: "未知" },
};

export const LOGIN_WORDS: Readonly<Record<LoginEvent, Words>> = {
  asked_for: { en: "the console asks for a login", zh: "控制台要求登录" },
  by_itself: { en: "power has logged in by itself", zh: "power 已自动登录" },
  came_back: { en: "it is logged in again", zh: "已重新登录" },
  kept: { en: "the saved session was good", zh: "保存的会话有效" },
};

const SESSION_WORDS: Readonly<Record<string, Words>> = {
  logged_in: { en: "logged in", zh: "已登录" },
  login_required: { en: "asks for a login", zh: "需要登录" },
  not_used: { en: "by the signed API", zh: "使用签名 API" },
  unknown: { en: "not known yet", zh: "尚未得知" },
};

export const LANE_WORDS: Readonly<Record<Lane, Words>> = {
  signed: { en: "by the signed API", zh: "经签名 API" },
  api: { en: "by the API", zh: "经 API" },
  page: { en: "by the page", zh: "经页面" },
};

/** Of the console's session; the bare word for one of a newer version. */
export function sessionWords(session: string): Words {
  const bare = session.replaceAll("_", " ");
  return SESSION_WORDS[session] ?? { en: bare, zh: bare };
}
