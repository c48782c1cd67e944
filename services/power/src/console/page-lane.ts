/** The page, driven like a person would: read the list, find a row by its id, click with confirmations. */
import type { Locator, Page, Request, Response } from "playwright";
import { z } from "zod";
import { type ApiLane, firstLine, verdict } from "./api-lane.ts";
import { type ActionResult, NOT_ALLOWED } from "./driver.ts";
import { fromPage, Row } from "./interpret.ts";
import type { Action, Profile, Step } from "./profile.ts";

/** Pages of the list beyond which a row is not looked for. */
const MAX_PAGES = 100;

/** Runs in the page: what each drawn row shows. A string, because its types are the browser's. */
const READ_ROWS = `({ row, id, state }) => Array.from(document.querySelectorAll(row))
  .filter((each) => each.checkVisibility())
  .map((each) => {
    const text = (selector) => each.querySelector(selector)?.textContent?.trim() ?? null;
    return { id: text(id), state: text(state) };
  })`;
/** Runs in the page: whether the first row's id is another one than before, and nothing loads. */
const TURNED = `({ row, id, loading, before }) => {
  const first = document.querySelector(row)?.querySelector(id)?.textContent?.trim();
  return first !== undefined && first !== before && (loading === undefined || document.querySelector(loading) === null);
}`;

const Rows = z.array(Row);

export type PageRead =
  | { readonly ok: true; readonly rows: readonly Row[] }
  | { readonly ok: false; readonly login: boolean; readonly words: string };

export class PageLane {
  private readonly profile: () => Profile;
  private readonly api: ApiLane;

  constructor(profile: () => Profile, api: ApiLane) {
    this.profile = profile;
    this.api = api;
  }

  onLogin(page: Page): boolean {
    return page.url().includes(this.profile().login.urlContains);
  }

  /**
   * Loads the list anew and waits until it is drawn from an answer that came after the load began, or until
   * the console asks for a login.
   */
  async load(page: Page): Promise<{ ok: true } | { ok: false; login: boolean; words: string }> {
    const { console: site, timeouts, api } = this.profile();
    const deadline = Date.now() + timeouts.load;
    const listed = page.waitForResponse(
      (response) => this.api.actionFields(response.request())?.get(api.actionField) === api.list.action,
      { timeout: timeouts.load },
    );
    listed.catch(() => undefined);
    try {
      await page.goto(site.url, { waitUntil: "commit", timeout: timeouts.load });
      // Only now: before, the address may still be that of a login page of which we do not know yet if it holds.
      const login = page.waitForURL((url) => this.isLogin(url.href), {
        timeout: timeouts.load,
        waitUntil: "commit",
      });
      login.catch(() => undefined);
      await Promise.race([listed, login]);
      if (!this.onLogin(page))
        await Promise.race([this.drawn(page, Math.max(1, deadline - Date.now())), login]);
      if (this.onLogin(page)) return { ok: false, login: true, words: "The console asks for a login." };
      return { ok: true };
    } catch (error) {
      return { ok: false, login: this.onLogin(page), words: `The list is not drawn: ${firstLine(error)}` };
    }
  }

  private isLogin(url: string): boolean {
    return url.includes(this.profile().login.urlContains);
  }

  private async drawn(page: Page, timeout: number): Promise<void> {
    const { ready, loading } = this.profile().page;
    await page.locator(ready).first().waitFor({ state: "visible", timeout });
    if (loading !== undefined) await page.locator(loading).first().waitFor({ state: "detached", timeout });
  }

  /** What the list shows of these machines, over as many of its pages as it takes. */
  async read(page: Page, providerIds: readonly string[]): Promise<PageRead> {
    const rows: Row[] = [];
    try {
      for (let turned = 0; turned < MAX_PAGES; turned += 1) {
        rows.push(...(await this.rowsOn(page)));
        if (providerIds.every((id) => rows.some((row) => row.id === id))) break;
        if (!(await this.turn(page))) break;
      }
      return { ok: true, rows };
    } catch (error) {
      return { ok: false, login: this.onLogin(page), words: `The list cannot be read: ${firstLine(error)}` };
    }
  }

  private async rowsOn(page: Page): Promise<Row[]> {
    const { row, id, state } = this.profile().page;
    return Rows.parse(await page.evaluate(`(${READ_ROWS})(${JSON.stringify({ row, id, state })})`));
  }

  /** Goes to the list's next page; false when there is none. */
  private async turn(page: Page): Promise<boolean> {
    const { next, row, id, loading } = this.profile().page;
    if (next === undefined) return false;
    const button = page.locator(next.click).first();
    if ((await button.count()) === 0) return false;
    if (((await button.getAttribute("class")) ?? "").split(/\s+/).includes(next.disabledClass)) return false;
    const before = (await this.rowsOn(page))[0]?.id;
    await button.click({ timeout: this.profile().timeouts.step });
    const args = JSON.stringify({ row, id, loading, before });
    await page.waitForFunction(`(${TURNED})(${args})`, undefined, { timeout: this.profile().timeouts.load });
    return true;
  }

  /**
   * Starts or stops a machine by clicking in its own row. Nothing in another machine's row is ever clicked,
   * and a confirmation that names another machine is left alone.
   */
  async act(
    page: Page,
    action: Action,
    providerId: string,
    allIds: readonly string[],
    allowed: () => boolean,
  ): Promise<ActionResult> {
    const { timeouts, api } = this.profile();
    const others = allIds.filter((id) => id !== providerId);
    const answer = this.answerTo(page, action, providerId);
    let mayHaveActed = false;
    let letBe: (() => Promise<void>) | undefined;
    try {
      const row = await this.find(page, providerId, action);
      if (typeof row === "string") return { outcome: "not_tried", message: row };
      letBe = await this.keepClear(page);
      for (const [index, step] of action.steps.entries()) {
        const target = this.target(page, row, step);
        const visible = target.waitFor({ state: "visible", timeout: timeouts.step });
        visible.catch(() => undefined);
        const sent = await Promise.race([visible.then(() => false), answer.seen.then(() => true)]);
        if (sent) break;
        if (step.in === "dialog") await this.assertOurs(page, providerId, others);
        if (!allowed())
          return mayHaveActed ? { ...NOT_ALLOWED, outcome: "uncertain", lane: "page" } : NOT_ALLOWED;
        // After a click behind which nothing more is required, the console may have acted.
        mayHaveActed ||= action.steps.slice(index + 1).every((rest) => rest.optional);
        await target.click({ timeout: timeouts.step });
      }
      const body: unknown = await answer.body;
      return verdict(body, "page", api);
    } catch (error) {
      const message = firstLine(error);
      return mayHaveActed
        ? { outcome: "uncertain", lane: "page", message }
        : { outcome: "not_tried", message };
    } finally {
      answer.end();
      await letBe?.().catch(() => undefined);
    }
  }

  /** The page's own request for this action on this machine, and what the provider answered. */
  private answerTo(page: Page, action: Action, providerId: string) {
    const { api, timeouts } = this.profile();
    const isOurs = (request: Request) => {
      const fields = this.api.actionFields(request);
      return fields?.get(api.actionField) === action.action && fields.get(api.list.id) === providerId;
    };
    const seen = Promise.withResolvers<void>();
    const body = Promise.withResolvers<unknown>();
    body.promise.catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const onRequest = (request: Request) => {
      if (!isOurs(request)) return;
      seen.resolve();
      timer = setTimeout(
        () => body.reject(new Error("The provider did not answer the page's request.")),
        timeouts.api,
      );
    };
    const onResponse = (response: Response) => {
      if (isOurs(response.request())) response.json().then(body.resolve, body.reject);
    };
    const onFailed = (request: Request) => {
      if (isOurs(request))
        body.reject(new Error(`The page's request failed: ${request.failure()?.errorText ?? ""}`));
    };
    page.on("request", onRequest);
    page.on("response", onResponse);
    page.on("requestfailed", onFailed);
    const never = setTimeout(
      () => body.reject(new Error("After the clicks the page sent no request.")),
      timeouts.step * (action.steps.length + 1),
    );
    return {
      seen: seen.promise,
      body: body.promise,
      end: () => {
        clearTimeout(timer);
        clearTimeout(never);
        page.off("request", onRequest);
        page.off("response", onResponse);
        page.off("requestfailed", onFailed);
      },
    };
  }

  /**
   * The machine's row, on whatever page of the list it is, showing a state from which the action can begin;
   * else why not. The page is loaded anew where it shows something else: it may be stale.
   */
  private async find(page: Page, providerId: string, action: Action): Promise<Locator | string> {
    const { row, id, dialog } = this.profile().page;
    const found = page
      .locator(row)
      .filter({ has: page.locator(`${id}:text-is(${JSON.stringify(providerId)})`) });
    const origin = action === this.profile().start ? "stopped" : "running";
    for (let loads = 0; ; loads += 1) {
      const shown = fromPage(await this.rowsOn(page), providerId, this.profile());
      const clear = (await page.locator(dialog).filter({ visible: true }).count()) === 0;
      if (typeof shown === "object" && shown.state === origin && clear) break;
      if (loads === 1) {
        return typeof shown === "object"
          ? `The page shows the machine as ${shown.state}.`
          : "The page does not show the machine and its state; its selectors may have changed.";
      }
      const loaded = await this.load(page);
      if (!loaded.ok) return loaded.words;
      await this.dismiss(page);
      const read = await this.read(page, [providerId]);
      if (!read.ok) return read.words;
    }
    // Two rows with one id would mean that the page is not what the profile says.
    return (await found.count()) === 1 ? found : "The page shows the machine more than once.";
  }

  private target(page: Page, row: Locator, step: Step): Locator {
    const root = step.in === "row" ? row : step.in === "dialog" ? this.dialog(page) : page.locator("body");
    let target = root.locator(step.click);
    if (step.text !== undefined) target = target.filter({ hasText: wholeText(step.text) });
    if (step.disabledClass !== undefined) target = target.and(page.locator(`:not(.${step.disabledClass})`));
    return target.filter({ visible: true });
  }

  /** The dialog that asks to confirm: whichever is no announcement. */
  private dialog(page: Page): Locator {
    const { dialog, dismiss } = this.profile().page;
    return dismiss.reduce<Locator>(
      (found, { contains }) => found.filter({ hasNotText: contains }),
      page.locator(dialog).filter({ visible: true }),
    );
  }

  /** Announcements that may be closed, each with the button that closes it. */
  private announcements(page: Page): Array<{ box: Locator; close: () => Promise<void> }> {
    const { dialog, dismiss } = this.profile().page;
    return dismiss.map(({ contains, click, text }) => {
      const box = page.locator(dialog).filter({ visible: true, hasText: contains });
      let button = box.first().locator(click).filter({ visible: true });
      if (text !== undefined) button = button.filter({ hasText: wholeText(text) });
      return { box, close: () => button.first().click({ timeout: this.profile().timeouts.step }) };
    });
  }

  /** Closes announcements that lie over the page now. */
  private async dismiss(page: Page): Promise<void> {
    for (const { box, close } of this.announcements(page)) {
      if ((await box.count()) > 0) await close();
    }
  }

  /** Closes announcements whenever one gets in the way of a click; returns how to end that. */
  private async keepClear(page: Page): Promise<() => Promise<void>> {
    const announcements = this.announcements(page);
    for (const { box, close } of announcements) await page.addLocatorHandler(box.first(), close);
    return async () => {
      for (const { box } of announcements) await page.removeLocatorHandler(box.first());
    };
  }

  private async assertOurs(page: Page, providerId: string, others: readonly string[]): Promise<void> {
    const text = (await this.dialog(page).allInnerTexts()).join("\n");
    const stranger = others.find((id) => text.includes(id));
    if (stranger !== undefined && !text.includes(providerId)) {
      throw new Error("The confirmation names another machine; it is left alone.");
    }
  }
}

function wholeText(words: readonly string[]): RegExp {
  const alternatives = words.map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  return new RegExp(`^\\s*(?:${alternatives})\\s*$`);
}
