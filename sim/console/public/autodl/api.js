/** How this page asks its API, and reads the stand-in's knobs. */

let current = null;

/** What the stand-in wants of this page; see PageSettings in src/pages.ts. */
export function knobs() {
  return current;
}

export async function readKnobs() {
  current = await (await fetch("/standin.json")).json();
  return current;
}

/** A request that was refused; the message is for the person. */
export class ApiError extends Error {}

function toLogin() {
  localStorage.removeItem("token");
  location.assign("/login");
  // The page is leaving: nothing may go on.
  return new Promise(() => {});
}

export async function call(action, fields) {
  const token = localStorage.getItem("token");
  if (token === null) return await toLogin();
  const answer = await fetch(`/api/v1/${action}`, {
    method: "POST",
    headers: { "content-type": "application/json", Authorization: token, AppVersion: "v5.80.0" },
    body: JSON.stringify(fields),
  });
  if (!answer.ok) throw new ApiError(`服务异常 (${answer.status})`);
  const body = await answer.json().catch(() => ({ code: "", msg: "服务返回异常" }));
  if (body.code === "AuthorizeFailed") return await toLogin();
  if (body.code !== "Success") throw new ApiError(body.msg);
  return body.data;
}
