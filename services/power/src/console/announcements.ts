/** Announcements that the profile allows to be closed: noticed when they come, and taken out of the way. */
import { setTimeout as pause } from "node:timers/promises";
import type { Locator, Page } from "playwright";
import type { Profile } from "./profile.ts";
import { wholeText } from "./words.ts";

/** One that stays although its button was pressed is tried again after this. */
const AGAIN_MS = 100;

/**
 * Runs in the page: `seen` resolves once an announcement is shown. Playwright's own locator handlers would do the
 * same, but ask the browser three more times for each click, which is a third of what a click takes.
 */
const WATCH = `({ dialog, contains }) => {
  const shown = (each) => {
    const { width, height } = each.getBoundingClientRect();
    return width > 0 && height > 0 && each.checkVisibility({ visibilityProperty: true });
  };
  const announced = () => Array.from(document.querySelectorAll(dialog))
    .some((each) => contains.some((text) => each.textContent.includes(text)) && shown(each));
  const { promise, resolve } = Promise.withResolvers();
  const look = () => announced() && stop(true);
  const observer = new MutationObserver(look);
  const stop = (seen) => {
    observer.disconnect();
    resolve(seen);
  };
  observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  look();
  return { seen: promise, stop };
}`;

export class Announcements {
  private readonly profile: () => Profile;

  constructor(profile: () => Profile) {
    this.profile = profile;
  }

  /** The dialogs that are no announcements: whichever ask something. */
  others(page: Page): Locator {
    const { dialog, dismiss } = this.profile().page;
    return dismiss.reduce<Locator>(
      (found, { contains }) => found.filter({ hasNotText: contains }),
      page.locator(dialog).filter({ visible: true }),
    );
  }

  /** Closes those that lie over the page now. */
  async dismiss(page: Page): Promise<void> {
    const { dialog, dismiss } = this.profile().page;
    for (const { contains, click, text } of dismiss) {
      const box = page.locator(dialog).filter({ visible: true, hasText: contains });
      if ((await box.count()) === 0) continue;
      let button = box.first().locator(click).filter({ visible: true });
      if (text !== undefined) button = button.filter({ hasText: wholeText(text) });
      // No mouse: a click that is under way elsewhere goes on with it.
      await button.first().dispatchEvent("click", {}, { timeout: this.profile().timeouts.step });
    }
  }

  /** Closes whatever comes, until the function that it returns is called. Never throws. */
  keepClear(page: Page): () => Promise<void> {
    const { dialog, dismiss } = this.profile().page;
    if (dismiss.length === 0) return async () => {};
    const args = JSON.stringify({ dialog, contains: dismiss.map(({ contains }) => contains) });
    let over = false;
    let stop = async () => {};
    const watch = async () => {
      while (!over) {
        const watching = await page.evaluateHandle<{ seen: Promise<boolean>; stop: (seen: boolean) => void }>(
          `(${WATCH})(${args})`,
        );
        stop = async () => await watching.evaluate((each) => each.stop(false));
        if (over) await stop();
        if (!(await watching.evaluate((each) => each.seen))) return;
        await this.dismiss(page);
        await pause(AGAIN_MS);
      }
    };
    // The page may be loaded anew or be gone under it.
    watch().catch(() => undefined);
    return async () => {
      over = true;
      await stop().catch(() => undefined);
    };
  }
}
