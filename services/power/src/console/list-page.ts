/** The page with the list of machines: loads it, reads it, turns its pages. */
import type { Page } from "playwright";
import { z } from "zod";
import type { ApiLane } from "./api-lane.ts";
import { firstLine } from "./first-line.ts";
import { Row } from "./interpret.ts";
import type { Profile } from "./profile.ts";

/** Pages of the list beyond which a row is not looked for. */
const MAX_PAGES = 100;

const BLANK = "about:blank";
/** A page that does not go is left where it is. */
const LEAVE_MS = 5_000;

/** Runs in the page: what each drawn row shows, and whether a dialog lies over them. A string, because its types are the browser's. */
const READ = `({ row, id, state, dialog }) => ({
  rows: Array.from(document.querySelectorAll(row))
    .filter((each) => each.checkVisibility())
    .map((each) => {
      const text = (selector) => each.querySelector(selector)?.textContent?.trim() ?? null;
      return { id: text(id), state: text(state) };
    }),
  covered: Array.from(document.querySelectorAll(dialog)).some((each) => {
    const { width, height } = each.getBoundingClientRect();
    return width > 0 && height > 0 && each.checkVisibility({ visibilityProperty: true });
  }),
})`;
/** Runs in the page: whether the first row's id is another one than before, and nothing loads. */
const TURNED = `({ row, id, loading, before }) => {
  const first = document.querySelector(row)?.querySelector(id)?.textContent?.trim();
  return first !== undefined && first !== before && (loading === undefined || document.querySelector(loading) === null);
}`;

const Shown = z.object({ rows: z.array(Row), covered: z.boolean() });
/** What one page of the list shows now. */
export type Shown = z.output<typeof Shown>;

export type PageLoad =
  | { readonly ok: true }
  | { readonly ok: false; readonly login: boolean; readonly words: string };
export type PageRead =
  | { readonly ok: true; readonly rows: readonly Row[] }
  | { readonly ok: false; readonly login: boolean; readonly words: string };

export class ListPage {
  private readonly profile: () => Profile;
  private readonly api: ApiLane;

  constructor(profile: () => Profile, api: ApiLane) {
    this.profile = profile;
    this.api = api;
  }

  /**
   * Loads the list anew and waits until it is drawn from an answer that came after the load began, or until
   * the console asks for a login.
   */
  async load(page: Page): Promise<PageLoad> {
    const { console: site, timeouts, api } = this.profile();
    const deadline = Date.now() + timeouts.load;
    const listed = page.waitForResponse(
      (response) => this.api.asked(response.request())?.action === api.list.action,
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

  /** The list as it is, loaded where the page was left. */
  async open(page: Page): Promise<PageLoad> {
    return page.url() === BLANK ? await this.load(page) : { ok: true };
  }

  /** Leaves the page: its scripts ask and draw for nobody, and hold memory. Never throws. */
  async leave(page: Page): Promise<void> {
    if (page.url() !== BLANK) await page.goto(BLANK, { timeout: LEAVE_MS }).catch(() => undefined);
  }

  onLogin(page: Page): boolean {
    return this.isLogin(page.url());
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
        rows.push(...(await this.look(page)).rows);
        if (providerIds.every((id) => rows.some((row) => row.id === id))) break;
        if (!(await this.turn(page))) break;
      }
      return { ok: true, rows };
    } catch (error) {
      return { ok: false, login: this.onLogin(page), words: `The list cannot be read: ${firstLine(error)}` };
    }
  }

  /** What the list shows this moment, in one question to the browser. @throws when the browser does not answer. */
  async look(page: Page): Promise<Shown> {
    const { row, id, state, dialog } = this.profile().page;
    return Shown.parse(await page.evaluate(`(${READ})(${JSON.stringify({ row, id, state, dialog })})`));
  }

  /** Goes to the list's next page; false when there is none. */
  private async turn(page: Page): Promise<boolean> {
    const { next, row, id, loading } = this.profile().page;
    if (next === undefined) return false;
    const button = page.locator(next.click).first();
    if ((await button.count()) === 0) return false;
    const classes = ((await button.getAttribute("class")) ?? "").split(/\s+/);
    if (next.disabledClass !== undefined && classes.includes(next.disabledClass)) return false;
    if (await button.isDisabled()) return false;
    const before = (await this.look(page)).rows[0]?.id;
    await button.click({ timeout: this.profile().timeouts.step });
    const args = JSON.stringify({ row, id, loading, before });
    await page.waitForFunction(`(${TURNED})(${args})`, undefined, { timeout: this.profile().timeouts.load });
    return true;
  }
}
