/** Watches what a person does on the page: what is clicked, and which requests leave. Nothing of it is changed. */
import type { JSHandle, Page, Request } from "playwright";
import { z } from "zod";
import type { Profile } from "../profile.ts";
import type { Clicked, SentRequest } from "./learn-action.ts";
import { PROPOSER } from "./propose-selectors.ts";

/** Clicks and requests that are kept; whoever does more than that is not doing one start. */
const MAX_KEPT = 200;

/**
 * Runs in the page: keeps each click with selectors for what was clicked, made in that very moment, before the page
 * takes the element away.
 */
const WATCH = `({ row, dialog, max }) => {
  const propose = ${PROPOSER};
  const clicks = [];
  const closest = (each, selector) => {
    try {
      return each.closest(selector);
    } catch {
      return null;
    }
  };
  const disabledClassOf = (element) => {
    const marks = [...document.querySelectorAll(element.localName)].flatMap((each) => [...each.classList]);
    return marks.find((one) => /(?:^|[-_])disabled$/i.test(one)) ?? null;
  };
  const listen = (event) => {
    if (clicks.length >= max || !(event.target instanceof Element)) return;
    const button = event.target.closest("button,a,[role=button],[role=menuitem],[role=checkbox],li,label");
    const inRow = closest(event.target, row);
    // What the row itself is made of is no control.
    const element = button !== null && (inRow === null || inRow !== button) ? button : event.target;
    const inDialog = closest(event.target, dialog) ?? event.target.closest("[role=dialog],dialog");
    const place = inDialog !== null ? "dialog" : inRow !== null ? "row" : "menu";
    const text = (element.textContent ?? "").trim();
    const texts = text === "" ? undefined : [text];
    const proposals = propose(element, { kind: place === "row" ? "part" : "lone", row, within: inDialog ?? undefined, texts, maxProposals: 4 });
    clicks.push({ in: place, text: text.length > 40 ? "" : text, selectors: proposals.map(({ selector }) => selector), disabledClass: disabledClassOf(element) });
  };
  document.addEventListener("click", listen, { capture: true });
  return { clicks, stop: () => document.removeEventListener("click", listen, { capture: true }) };
}`;

const Clicks = z.array(
  z.object({
    in: z.enum(["row", "menu", "dialog"]),
    text: z.string(),
    selectors: z.array(z.string()),
    disabledClass: z.string().nullable(),
  }),
);

interface Watching {
  readonly clicks: unknown[];
  readonly stop: () => void;
}

export class WatchedHand {
  private readonly page: Page;
  private readonly sent: SentRequest[] = [];
  private readonly watching: JSHandle<Watching>;
  private readonly onRequest = (request: Request) => {
    if (this.sent.length >= MAX_KEPT || !["xhr", "fetch"].includes(request.resourceType())) return;
    this.sent.push({
      method: request.method(),
      url: request.url(),
      body: request.postData(),
      headers: Object.keys(request.headers()),
    });
  };

  /** @throws when the page does not answer. */
  static async begin(page: Page, profile: Profile): Promise<WatchedHand> {
    const { row, dialog } = profile.page;
    const args = JSON.stringify({ row, dialog, max: MAX_KEPT });
    return new WatchedHand(page, await page.evaluateHandle<Watching>(`(${WATCH})(${args})`));
  }

  private constructor(page: Page, watching: JSHandle<Watching>) {
    this.page = page;
    this.watching = watching;
    page.on("request", this.onRequest);
  }

  /** Ends it. Where the page was left meanwhile, its clicks are lost. Never throws. */
  async end(): Promise<{ readonly clicks: readonly Clicked[]; readonly sent: readonly SentRequest[] }> {
    this.page.off("request", this.onRequest);
    const clicks = await this.watching
      .evaluate(({ clicks, stop }) => {
        stop();
        return clicks;
      })
      .then((kept) => Clicks.parse(kept))
      .catch(() => []);
    await this.watching.dispose().catch(() => undefined);
    return { clicks, sent: this.sent };
  }
}
