/** What may be kept of a page: its picture and its HTML without what is secret. */
import type { Page } from "playwright";
import { z } from "zod";
import { PIECES, secretTexts } from "./secret-texts.ts";
import { BLOT } from "./secrets.ts";

/** A page that hangs must not hold up the step that is being documented. */
const SHOT_TIMEOUT_MS = 5_000;
const MASK_COLOR = "#000000";
/** Texts that nobody can search: what a person typed, other documents, pictures that a script draws. */
const OPAQUE = "input:not([type=checkbox]):not([type=radio]), textarea, iframe, frame, canvas, object, embed";

export interface Blotting {
  /** Matches whatever is secret. */
  readonly pattern: RegExp | undefined;
  /** Selectors of elements that show secrets. */
  readonly elements: readonly string[];
}

/** Runs in the page, on a copy of it that runs no script and loads nothing. */
const CLEAN = `({ source, elements, blot }) => {
  const copy = new DOMParser().parseFromString(document.documentElement.outerHTML, "text/html");
  // Scripts hold what the page was told, in ways of their own.
  for (const each of copy.querySelectorAll("script")) each.textContent = "";
  for (const each of copy.querySelectorAll("input, textarea")) {
    each.removeAttribute("value");
    each.textContent = "";
  }
  for (const each of copy.querySelectorAll("[srcdoc]")) each.removeAttribute("srcdoc");
  if (elements.length > 0) {
    for (const each of copy.querySelectorAll(elements.join(","))) {
      for (const inner of [each, ...each.querySelectorAll("*")]) {
        for (const { name } of [...inner.attributes]) if (name !== "class") inner.setAttribute(name, blot);
      }
      each.textContent = blot;
    }
  }
  if (source !== null) {
    const pattern = new RegExp(source, "g");
    const texts = [];
    const walker = copy.createTreeWalker(copy, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT | NodeFilter.SHOW_COMMENT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      if (node.nodeType === Node.TEXT_NODE) texts.push(node);
      else if (node.nodeType === Node.COMMENT_NODE) node.data = node.data.replaceAll(pattern, blot);
      else {
        for (const { name, value } of [...node.attributes]) {
          const cleaned = value.replaceAll(pattern, blot);
          if (cleaned !== value) node.setAttribute(name, cleaned);
        }
      }
    }
    // From the last to the first, so that what is cut out moves no piece that is still to come.
    for (const pieces of (${PIECES})(texts, pattern).reverse()) {
      for (const [index, { node, from, to }] of [...pieces.entries()].reverse()) {
        node.replaceData(from, to - from, index === 0 ? blot : "");
      }
    }
  }
  return copy.documentElement.outerHTML;
}`;

/** The page's HTML without secrets, scripts and what was typed. @throws when the page does not answer. */
export async function blottedHtml(page: Page, { pattern, elements }: Blotting): Promise<string> {
  const args = JSON.stringify({ source: pattern?.source ?? null, elements, blot: BLOT });
  return z.string().parse(await page.evaluate(`(${CLEAN})(${args})`));
}

/** A picture of the page with black bars over what is secret. @throws when the page does not answer. */
export async function blottedShot(page: Page, { pattern, elements }: Blotting): Promise<Buffer> {
  const mask = [OPAQUE, ...elements].map((selector) => page.locator(selector));
  if (pattern !== undefined) mask.push(secretTexts(page, pattern));
  return await page.screenshot({ timeout: SHOT_TIMEOUT_MS, mask, maskColor: MASK_COLOR });
}
