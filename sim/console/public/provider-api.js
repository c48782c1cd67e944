import { settings, toLogin } from "./settings.js";

/** A request that the provider refused, or did not answer as agreed; the message is for the person. */
export class ApiError extends Error {}

function csrfToken() {
  const cookie = document.cookie.split("; ").find((pair) => pair.startsWith("U_CSRF_TOKEN="));
  return localStorage.getItem("u-csrf-token") ?? cookie?.split("=")[1] ?? "";
}

/** Calls one action of the provider's API, as this page's user. */
export async function call(action, fields) {
  const { apiUrl, projectId, user } = settings();
  const answer = await fetch(`${apiUrl}/?Action=${action}`, {
    method: "POST",
    credentials: "include",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "u-csrf-token": csrfToken(),
      "x-api-lang": "zh_CN",
    },
    body: new URLSearchParams({
      Action: action,
      ProjectId: projectId,
      _user: user,
      _timestamp: String(Date.now()),
      ...fields,
    }),
  });
  if (!answer.ok) throw new ApiError(`服务异常 (${answer.status})`);
  let body;
  try {
    body = await answer.json();
  } catch {
    throw new ApiError("服务返回异常");
  }
  // 271 and 272 are the stand-in's codes for a session that ended.
  if (body.RetCode === 271 || body.RetCode === 272) {
    toLogin();
    return await new Promise(() => {});
  }
  if (body.RetCode !== 0) throw new ApiError(body.Message ?? `错误 ${body.RetCode}`);
  return body;
}
