/**
 * For an element that a person points at: selectors that match it alone, made of what its makers named and not of what a
 * build made up or of its place among others. What runs here runs in the page.
 */
import type { Pointed } from "@gpu-power-manager/shared/profile-doctor";
import type { Page } from "playwright";
import { z } from "zod";
import type { Profile } from "../profile.ts";
import { linesOf } from "./profile-lines.ts";

/** Proposals that a person looks through. */
const MAX_PROPOSALS = 8;
const MAX_TOLD = 5;
const MAX_TEXT = 60;

/**
 * `(element, { kind, row, within, texts })` → proposals, best first, each with the elements that it matches outside its scope.
 * `kind`: `lone` is alone on the page, or in the box that is `within`, `part` is alone in its row and in every other row at most once, `row` matches
 * this row and its like, and nothing else.
 */
export const PROPOSER = `(element, { kind, row, within, texts, maxProposals }) => {
  const visible = (each) => each.checkVisibility();
  const fits = (each) => texts === undefined || texts.includes((each.textContent ?? "").trim());
  const quoted = (value) => JSON.stringify(value);
  /** Words that a person chose: no counter, no hash, no state that comes and goes. */
  const isMadeUp = (word) =>
    /^(?:css|sc|jss|emotion|data-v)[-_]?/i.test(word) ||
    word.split(/[-_:.]+/).some((part) => /^\\d+$/.test(part) || (part.length >= 4 && /\\d/.test(part) && /[a-z]/i.test(part))) ||
    /[a-z][A-Z][a-z]*[A-Z]/.test(word) && !/^[A-Z][a-z]{2,}(?:[A-Z][a-z]{2,})+$/.test(word);
  const isState = (word) =>
    /^(?:is|has)-/.test(word) || /(?:^|[-_])(?:active|disabled|selected|checked|hover|focus|focused|open|loading|running|stopped|starting|stopping)$/i.test(word);
  const isStable = (word) => word.length > 1 && !isMadeUp(word) && !isState(word);

  /** Ways to name one element by itself; the weight says how much its makers meant it as a name. */
  const namesOf = (each) => {
    const tag = each.localName;
    const names = [];
    if (each.id && isStable(each.id)) names.push({ selector: "#" + CSS.escape(each.id), weight: 0 });
    for (const { name, value } of each.attributes) {
      if (value === "" || value.length > 60) continue;
      if (name.startsWith("data-") && isStable(name.slice(5)) && (isStable(value) || /^\\d{1,2}$/.test(value)))
        names.push({ selector: tag + "[" + name + "=" + quoted(value) + "]", weight: /test|qa|cy/.test(name) ? 1 : 2 });
      if (["role", "name", "aria-label", "type"].includes(name) && isStable(value))
        names.push({ selector: tag + "[" + name + "=" + quoted(value) + "]", weight: name === "type" ? 5 : 3 });
    }
    const classes = [...each.classList].filter(isStable).sort((a, b) => b.length - a.length);
    for (const one of classes) names.push({ selector: tag + "." + CSS.escape(one), weight: 4 });
    if (classes.length > 1)
      names.push({ selector: tag + classes.map((one) => "." + CSS.escape(one)).join(""), weight: 5 });
    return names;
  };

  const rows = (() => {
    try {
      return row === undefined ? [] : [...document.querySelectorAll(row)].filter(visible);
    } catch {
      return [];
    }
  })();
  const own = rows.find((each) => each.contains(element) && each !== element);
  const scope = kind === "part" ? own : (within ?? document);
  if (scope === undefined) return [];
  const likeRow = (each) => each.localName === element.localName && each.parentElement === element.parentElement;

  /** Whether it matches what is pointed at, and nothing else where it is looked for. */
  const matchesAlone = (selector) => {
    const found = [...scope.querySelectorAll(selector)].filter((each) => visible(each) && fits(each));
    if (kind === "row") return found.includes(element) && found.every(likeRow);
    if (kind === "lone") return found.length === 1 && found[0] === element;
    const perRow = rows.map((each) => [...each.querySelectorAll(selector)].filter((one) => visible(one) && fits(one)).length);
    return found.length === 1 && found[0] === element && perRow.every((count) => count <= 1);
  };
  const coverage = (selector) => {
    if (kind === "row") return [...document.querySelectorAll(selector)].filter(visible).length;
    if (kind !== "part") return 0;
    return rows.filter((each) => [...each.querySelectorAll(selector)].some((one) => visible(one) && fits(one))).length;
  };

  const candidates = namesOf(element);
  const inner = [...candidates, { selector: element.localName, weight: 6 }];
  let depth = 0;
  for (let above = element.parentElement; above !== null && above !== own && above !== within && above !== document.body; above = above.parentElement) {
    depth += 1;
    for (const outer of namesOf(above))
      for (const name of inner)
        for (const sign of depth === 1 ? [" > ", " "] : [" "])
          candidates.push({ selector: outer.selector + sign + name.selector, weight: 7 + outer.weight + name.weight + depth });
    if (depth === 6) break;
  }
  const seen = new Set();
  return candidates
    .filter(({ selector }) => !seen.has(selector) && seen.add(selector) && matchesAlone(selector))
    .map((each) => ({ ...each, covers: coverage(each.selector) }))
    .sort((a, b) => b.covers - a.covers || a.weight - b.weight || a.selector.length - b.selector.length)
    .slice(0, maxProposals)
    .map(({ selector, covers }) => ({
      selector,
      covers,
      elsewhere: [...document.querySelectorAll(selector)].filter(
        (each) => visible(each) && each !== element && (kind === "lone" || !rows.some((one) => one.contains(each))),
      ),
    }));
}`;

/** Runs in the page: what is at this point, and proposals for it. */
const POINT = `({ x, y, kind, row, dialog, texts, maxProposals, maxTold, maxText }) => {
  const textOf = (each) => (each.textContent ?? "").trim().replace(/\\s+/g, " ").slice(0, maxText);
  const hit = document.elementFromPoint(x, y);
  if (hit === null) return null;
  const propose = ${PROPOSER};
  const closest = (selector) => {
    try {
      return hit.closest(selector) ?? undefined;
    } catch {
      return undefined;
    }
  };
  const within = dialog === undefined ? undefined : closest(dialog);
  const row_ = kind === "row" ? hit.closest("tr,[role=row],li") ?? hit : undefined;
  // A person points at a word, and means what can be clicked around it.
  const ways = row_ !== undefined ? [row_] : [hit, hit.closest("button,a,[role=button],[role=menuitem]")].filter((each) => each !== null);
  for (const element of [...new Set(ways)].reverse()) {
    const proposals = propose(element, { kind, row, within, texts, maxProposals });
    if (proposals.length === 0 && element !== hit) continue;
    return {
      tag: element.localName,
      text: textOf(element),
      proposals: proposals.map(({ selector, covers, elsewhere }) => ({
        selector,
        covers,
        elsewhere: elsewhere.slice(0, maxTold).map((each) => each.localName + " " + textOf(each)),
      })),
    };
  }
  return { tag: hit.localName, text: textOf(hit), proposals: [] };
}`;

const AtPoint = z
  .object({
    tag: z.string(),
    text: z.string(),
    proposals: z.array(z.object({ selector: z.string(), covers: z.int(), elsewhere: z.array(z.string()) })),
  })
  .nullable();

/**
 * @param line the profile's line for which a selector is sought, such as `page.row`.
 * @param point in CSS pixels of the page's window.
 * @returns undefined where the profile has no such line, null where nothing is at the point.
 */
export async function proposeSelectors(
  page: Page,
  profile: Profile,
  line: string,
  point: { readonly x: number; readonly y: number },
): Promise<Pick<Pointed, "tag" | "text" | "proposals"> | null | undefined> {
  const sought = linesOf(profile).find(({ name }) => name === line);
  if (sought === undefined) return undefined;
  const inRow = sought.within === "rows";
  const args = JSON.stringify({
    ...point,
    kind: line === "page.row" ? "row" : inRow ? "part" : "lone",
    row: line === "page.row" ? undefined : profile.page.row,
    dialog: sought.inDialog ? profile.page.dialog : undefined,
    texts: sought.texts,
    maxProposals: MAX_PROPOSALS,
    maxTold: MAX_TOLD,
    maxText: MAX_TEXT,
  });
  return AtPoint.parse(await page.evaluate(`(${POINT})(${args})`));
}
