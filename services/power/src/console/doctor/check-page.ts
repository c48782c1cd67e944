/** Looks for every selector of the profile on the live page, so that a person knows which one no longer fits. */
import type { ProfileCheck } from "@gpu-power-manager/shared/profile-doctor";
import type { Page } from "playwright";
import { z } from "zod";
import type { Profile } from "../profile.ts";
import { linesOf, type ProfileLine } from "./profile-lines.ts";

export type LineFound = NonNullable<ProfileCheck["selectors"]>[number];

/** Texts and places that are told of one line: a list has a hundred rows. */
const MAX_TOLD = 20;
const MAX_TEXT = 60;

/**
 * Runs in the page. Of each line its visible elements; of those that are looked for in rows, how many each row has.
 * `valid` is false for what is no selector.
 */
const LOOK = `({ lines, row, state, maxTold, maxText }) => {
  const all = (root, selector) => Array.from(root.querySelectorAll(selector)).filter((each) => each.checkVisibility());
  const textOf = (each) => (each.textContent ?? "").trim().replace(/\\s+/g, " ");
  const rowsFound = (() => {
    try {
      return all(document, row);
    } catch {
      return [];
    }
  })();
  const shownIn = (each) => {
    try {
      return each.querySelector(state)?.textContent?.trim() ?? null;
    } catch {
      return null;
    }
  };
  return lines.map(({ selector, within, texts, shown }) => {
    const fits = (each) => texts === undefined || texts.includes((each.textContent ?? "").trim());
    try {
      const roots = within === "rows"
        ? rowsFound.filter((each) => shown === undefined || shown.includes(shownIn(each)))
        : [document];
      const found = roots.map((root) => all(root, selector).filter(fits));
      const flat = found.flat();
      return {
        valid: true,
        roots: roots.length,
        counts: found.map((each) => each.length),
        texts: [...new Set(flat.map((each) => textOf(each).slice(0, maxText)))].slice(0, maxTold),
        boxes: flat.slice(0, maxTold).map((each) => {
          const { x, y, width, height } = each.getBoundingClientRect();
          return { x, y, width, height };
        }),
      };
    } catch {
      return { valid: false, roots: 0, counts: [], texts: [], boxes: [] };
    }
  });
}`;

const Looked = z.array(
  z.object({
    valid: z.boolean(),
    roots: z.int(),
    counts: z.array(z.int()),
    texts: z.array(z.string()),
    boxes: z.array(z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() })),
  }),
);
type Looked = z.output<typeof Looked>[number];

/** Clicks nothing. @throws when the page does not answer. */
export async function checkPage(page: Page, profile: Profile): Promise<LineFound[]> {
  const lines = linesOf(profile);
  const { row, state } = profile.page;
  const args = JSON.stringify({ lines, row, state, maxTold: MAX_TOLD, maxText: MAX_TEXT });
  const looked = Looked.parse(await page.evaluate(`(${LOOK})(${args})`));
  return lines.flatMap((line, index) => {
    const found = looked[index];
    return found === undefined ? [] : [judgeLine(line, found, profile)];
  });
}

/** What was found → what that says of the line. Pure. */
export function judgeLine(line: ProfileLine, found: Looked, profile: Profile): LineFound {
  const { name, selector, within } = line;
  const count = found.counts.reduce((sum, each) => sum + each, 0);
  const told = { name, selector, count, texts: found.texts, boxes: found.boxes };
  const say = (verdict: LineFound["verdict"], words: string): LineFound => ({ ...told, verdict, words });
  if (!found.valid) return say("missing", "It is no CSS selector.");
  if (within === "later") return say("not_shown", "It shows only after a click; a dry run looks for it.");
  if (within === "rows" && found.roots === 0) {
    return line.shown === undefined
      ? say("missing", "There is no row in which to look.")
      : say("not_shown", `No row shows ${line.shown.join(" or ")} now, so it cannot be looked for.`);
  }
  const lone = found.counts.filter((each) => each === 1).length;
  const empty = found.counts.filter((each) => each === 0).length;
  switch (line.wanted) {
    case "any":
      return say(count === 0 ? "not_shown" : "found", `${count} on the page.`);
    case "some":
      return count === 0 ? say("missing", "Nothing on the page.") : say("found", `${count} on the page.`);
    case "none":
      return count === 0
        ? say("found", "None, as it is right while nothing loads or asks.")
        : say("ambiguous", `${count} on the page, where none is right while nothing loads or asks.`);
    case "one": {
      const rows = `${found.roots} ${found.roots === 1 ? "row" : "rows"}`;
      if (lone === found.roots) return unlistedTexts(say("found", `One in each of ${rows}.`), profile);
      if (empty > 0) return say("missing", `Nothing in ${empty} of ${rows}.`);
      return say("ambiguous", `More than one in ${found.roots - lone} of ${rows}.`);
    }
  }
}

/** A state that the page shows and the profile does not list is a doubt each time. */
function unlistedTexts(found: LineFound, { page }: Profile): LineFound {
  if (found.name !== "page.state") return found;
  const unlisted = found.texts.filter((text) => !Object.hasOwn(page.states, text));
  if (unlisted.length === 0) return found;
  const words = `page.states does not list ${unlisted.map((text) => `"${text}"`).join(", ")}.`;
  return { ...found, words: `${found.words} But ${words}`, unlisted };
}
