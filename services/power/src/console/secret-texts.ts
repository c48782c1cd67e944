/** Finds secret texts in a page, also where it cuts one into several elements. What runs here runs in the page. */
import type { Page } from "playwright";

const ENGINE = "secret-text";

/**
 * `(nodes, pattern)` → for each match the pieces of text nodes that make it up: texts are read on from node to
 * node as if nothing lay between them.
 */
export const PIECES = `(nodes, pattern) => {
  const starts = [];
  let text = "";
  for (const node of nodes) {
    starts.push(text.length);
    text += node.data;
  }
  const matches = [];
  let first = 0;
  for (const { index, 0: { length } } of text.matchAll(pattern)) {
    while (first + 1 < nodes.length && starts[first + 1] <= index) first += 1;
    const pieces = [];
    for (let at = first; at < nodes.length && starts[at] < index + length; at += 1) {
      const from = Math.max(0, index - starts[at]);
      const to = Math.min(nodes[at].data.length, index + length - starts[at]);
      if (from < to) pieces.push({ node: nodes[at], from, to });
    }
    matches.push(pieces);
  }
  return matches;
}`;

/** A selector engine of Playwright: the elements whose own text is a piece of a secret, in open shadow trees, too. */
const SELECTOR_ENGINE = `({
  query(root, selector) {
    return this.queryAll(root, selector)[0] ?? null;
  },
  queryAll(root, selector) {
    const bytes = Uint8Array.from(atob(selector), (letter) => letter.codePointAt(0));
    const pattern = new RegExp(new TextDecoder().decode(bytes), "g");
    const nodes = [];
    const collect = (node) => {
      if (node.nodeType === Node.TEXT_NODE) nodes.push(node);
      if (node.shadowRoot) collect(node.shadowRoot);
      for (const child of node.childNodes) collect(child);
    };
    collect(root);
    const holders = (${PIECES})(nodes, pattern).flat().map(({ node }) => node.parentElement ?? node.parentNode.host);
    return [...new Set(holders)];
  },
})`;

let registered: Promise<void> | undefined;

/** Makes `secretTexts` usable; to be awaited before a page is opened. */
export async function registerSecretTexts(): Promise<void> {
  // Playwright takes a name once a process. Apart from the page's own scripts, which could have changed anything.
  registered ??= import("playwright").then(({ selectors }) =>
    selectors.register(ENGINE, SELECTOR_ENGINE, { contentScript: true }),
  );
  await registered;
}

/** The elements that show a match of the pattern, looked for anew each time the locator is used. */
export function secretTexts(page: Page, pattern: RegExp) {
  return page.locator(`${ENGINE}=${Buffer.from(pattern.source, "utf8").toString("base64")}`);
}
