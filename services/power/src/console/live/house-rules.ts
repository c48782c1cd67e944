/**
 * What a person may make of the console's page: nothing but the console's own pages is opened, nothing leaves the page for
 * a window, a file or a printer of this host.
 */
import type { BrowserContext, CDPSession, Dialog, Page, Request, Route } from "playwright";
import { firstLine } from "../first-line.ts";

export const REFUSALS = ["elsewhere", "window", "download", "file", "dialog"] as const;
/** `elsewhere`: an address that is none of the console's. `window`: a new one; one of the console's own is shown in place. */
export type Refusal = (typeof REFUSALS)[number];

export interface HouseRulesParts {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly cdp: CDPSession;
  /** Whether an origin is the console's. */
  readonly ours: (origin: string) => boolean;
  /** @param detail for the person: an origin, a file's name, what a dialog says. */
  readonly refused: (what: Refusal, detail: string) => void;
}

/** Printing would open a dialog that nobody sees and that holds the page; runs in the page. */
const NO_PRINT = "window.print = () => {};";

/** Keeps the rules from now on. @returns what ends it. */
export async function keepHouseRules(parts: HouseRulesParts): Promise<() => Promise<void>> {
  const { page, context, cdp, ours, refused } = parts;
  const away = (url: string) => /^https?:/.test(url) && !ours(new URL(url).origin);
  const refuse = (url: string) => refused("elsewhere", new URL(url).origin);

  // Of the page itself each hop of a redirect is asked about; frames inside it (a captcha is often one) are not.
  const { frameTree } = await cdp.send("Page.getFrameTree");
  const onPaused = ({
    requestId,
    frameId,
    request,
  }: {
    requestId: string;
    frameId: string;
    request: { url: string };
  }) => {
    const foreign = frameId === frameTree.frame.id && away(request.url);
    if (foreign) refuse(request.url);
    // Aborted, not blocked: then the page stays where it is, instead of making room for an error's page.
    const answer = foreign
      ? cdp.send("Fetch.failRequest", { requestId, errorReason: "Aborted" })
      : cdp.send("Fetch.continueRequest", { requestId });
    answer.catch(() => undefined);
  };
  cdp.on("Fetch.requestPaused", onPaused);
  await cdp.send("Fetch.enable", { patterns: [{ urlPattern: "*", resourceType: "Document" }] });

  // A new window's first request comes before there is a window to look at.
  const isForeign = (url: URL) => !ours(url.origin);
  const onRoute = async (route: Route, request: Request) => {
    if (!request.isNavigationRequest() || isInside(request, page)) return await route.fallback();
    refuse(request.url());
    await route.abort("aborted");
  };
  await context.route(isForeign, onRoute);
  const onWindow = async (window: Page) => {
    if (window === page) return;
    const url = window.url();
    await window.close().catch(() => undefined);
    if (!/^https?:/.test(url) || away(url)) return refused("window", "");
    refused("window", new URL(url).origin);
    await page.goto(url, { waitUntil: "commit" }).catch((error: unknown) => firstLine(error));
  };
  context.on("page", onWindow);

  const onDialog = async (dialog: Dialog) => {
    if (dialog.type() !== "beforeunload") refused("dialog", dialog.message());
    // As Playwright does where nobody listens: a page may be left.
    await (dialog.type() === "beforeunload" ? dialog.accept() : dialog.dismiss()).catch(() => undefined);
  };
  page.on("dialog", onDialog);
  const onFile = () => refused("file", "");
  page.on("filechooser", onFile);
  const onDownload = (download: { suggestedFilename: () => string; cancel: () => Promise<void> }) => {
    refused("download", download.suggestedFilename());
    download.cancel().catch(() => undefined);
  };
  page.on("download", onDownload);
  const print = await cdp.send("Page.addScriptToEvaluateOnNewDocument", { source: NO_PRINT });
  await page.evaluate(NO_PRINT).catch(() => undefined);

  return async () => {
    context.off("page", onWindow);
    page.off("dialog", onDialog);
    page.off("filechooser", onFile);
    page.off("download", onDownload);
    cdp.off("Fetch.requestPaused", onPaused);
    await Promise.allSettled([
      context.unroute(isForeign, onRoute),
      cdp.send("Fetch.disable"),
      cdp.send("Page.removeScriptToEvaluateOnNewDocument", print),
    ]);
  };
}

/** Whether the request is of a frame inside the page, or of the page itself, which is asked about elsewhere. */
function isInside(request: Request, page: Page): boolean {
  try {
    return request.frame().page() === page;
  } catch {
    // There is no window for it yet.
    return false;
  }
}
