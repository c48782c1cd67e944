/** Looks for every selector of the profile on the live page, so that a person knows which one no longer fits. */
import type { Page } from "playwright";
import { z } from "zod";
import type { SelectorReport } from "./driver.ts";
import type { Profile } from "./profile.ts";

interface Sought {
  readonly name: string;
  readonly selector: string;
  readonly expected: SelectorReport["expected"];
}

/** Runs in the page: how many visible elements each selector has; -1 for one that is none. */
const COUNT = `(selectors) => selectors.map((selector) => {
  try {
    return Array.from(document.querySelectorAll(selector)).filter((each) => each.checkVisibility()).length;
  } catch {
    return -1;
  }
})`;

/** What the profile looks for on the list, before anything is clicked; the steps behind the first open with a click. */
export function soughtAtRest({ page, start, stop }: Profile): Sought[] {
  const inRow = (selector: string) => `${page.row} ${selector}`;
  const [startStep] = start.steps;
  const [stopStep] = stop.steps;
  return [
    { name: "page.ready", selector: page.ready, expected: "some" },
    ...(page.loading === undefined
      ? []
      : [{ name: "page.loading", selector: page.loading, expected: "none" } as const]),
    { name: "page.row", selector: page.row, expected: "some" },
    { name: "page.id", selector: inRow(page.id), expected: "some" },
    { name: "page.state", selector: inRow(page.state), expected: "some" },
    { name: "page.dialog", selector: page.dialog, expected: "none" },
    // A list of one page has none; what a row offers depends on its machine's state.
    ...(page.next === undefined
      ? []
      : [{ name: "page.next", selector: page.next.click, expected: "any" } as const]),
    ...(startStep === undefined
      ? []
      : [{ name: "start.steps[0]", selector: inRow(startStep.click), expected: "any" } as const]),
    ...(stopStep === undefined
      ? []
      : [{ name: "stop.steps[0]", selector: inRow(stopStep.click), expected: "any" } as const]),
  ];
}

/** Clicks nothing. @throws when the page does not answer. */
export async function inspectPage(page: Page, profile: Profile): Promise<SelectorReport[]> {
  const sought = soughtAtRest(profile);
  const counts = z
    .array(z.int())
    .parse(await page.evaluate(`(${COUNT})(${JSON.stringify(sought.map(({ selector }) => selector))})`));
  return sought.map((each, index) => ({ ...each, count: Math.max(0, counts[index] ?? 0) }));
}
