/**
 * Which way a request came: the page's own script, a program beside the page, one that cannot be told, or a program
 * that signs its requests and needs no page.
 */
export type Lane = "page" | "api" | "unclear" | "signed";

/**
 * Tells the lanes apart by what a browser adds by itself and a page's script cannot forge. Chromium sends
 * Sec-Fetch-Mode with every fetch to loopback or HTTPS; Playwright's APIRequestContext does not. A program that
 * forwards headers it learned from the page sends that name in lower case, Chromium writes it with capitals.
 * Elsewhere (plain HTTP, other hosts) Chromium leaves it out: a request with an Origin is then `unclear`.
 *
 * @param rawHeaders names and values alternating, as `IncomingMessage.rawHeaders`
 * @param trustworthy whether a browser regards the API's address as trustworthy (loopback or HTTPS)
 */
export function laneOf(rawHeaders: readonly string[], trustworthy: boolean): Exclude<Lane, "signed"> {
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  if (names.includes("Sec-Fetch-Mode")) return "page";
  if (trustworthy) return "api";
  return names.some((name) => name.toLowerCase() === "origin") ? "unclear" : "api";
}

/** Whether browsers regard the address as trustworthy, and so send Sec-Fetch-* headers to it. */
export function isTrustworthy(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return (
    protocol === "https:" || hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.")
  );
}
