/** What the server wants of this page; see PageSettings in src/pages.ts. */

let current = null;

export function settings() {
  return current;
}

export function toLogin() {
  location.assign(`/login?redirect=${encodeURIComponent(location.pathname)}`);
}

/** Reads the settings again; a page without a session leaves for the login. */
export async function readSettings() {
  const answer = await fetch("/light-gpu/console/settings.json");
  if (answer.status === 401) {
    toLogin();
    // The page is leaving: nothing may go on with settings it does not have.
    return await new Promise(() => {});
  }
  current = await answer.json();
  return current;
}

/** The class as the present release of the console writes it: `part` is row, status or buttons. */
export function classOf(part, name) {
  return current.changedSelectors.includes(part) ? name.replaceAll("uc-fe-", "ux-next-") : name;
}
