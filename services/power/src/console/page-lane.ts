/** Starts and stops by clicking like a person would: in the machine's own row, with its confirmations. */
import type { Locator, Page } from "playwright";
import { Announcements } from "./announcements.ts";
import type { ApiLane } from "./api-lane.ts";
import { type ActionResult, NOT_ALLOWED } from "./driver.ts";
import { firstLine } from "./first-line.ts";
import { fromPage, verdict } from "./interpret.ts";
import type { ListPage } from "./list-page.ts";
import { followRequest } from "./page-request.ts";
import type { Action, Profile, Step } from "./profile.ts";
import { naming, wholeText } from "./words.ts";

export class PageLane {
  private readonly profile: () => Profile;
  private readonly api: ApiLane;
  private readonly list: ListPage;
  private readonly announcements: Announcements;

  constructor(profile: () => Profile, api: ApiLane, list: ListPage) {
    this.profile = profile;
    this.api = api;
    this.list = list;
    this.announcements = new Announcements(profile);
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
    const request = followRequest(page, (each) => this.api.asksFor(each, action, providerId), {
      answerMs: timeouts.api,
      clicksMs: timeouts.step * (action.steps.length + 1),
    });
    let mayHaveActed = false;
    let letBe = async () => {};
    try {
      const row = await this.find(page, providerId, action);
      if (typeof row === "string") return { outcome: "not_tried", message: row };
      letBe = this.announcements.keepClear(page);
      const asks = this.confirmation(page, providerId, others);
      for (const [index, step] of action.steps.entries()) {
        const target = this.target(page, row, asks, step);
        const visible = target.waitFor({ state: "visible", timeout: timeouts.step });
        visible.catch(() => undefined);
        const sent = await Promise.race([visible.then(() => false), request.seen.then(() => true)]);
        if (sent) break;
        if (!allowed())
          return mayHaveActed ? { ...NOT_ALLOWED, outcome: "uncertain", lane: "page" } : NOT_ALLOWED;
        // After a click behind which nothing more is required, the console may have acted.
        mayHaveActed ||= action.steps.slice(index + 1).every((rest) => rest.optional);
        await target.click({ timeout: timeouts.step });
      }
      return verdict(await request.body, "page", api);
    } catch (error) {
      const message = (await this.strangerAsks(page, providerId, others))
        ? "The confirmation names another machine; it is left alone."
        : firstLine(error);
      return mayHaveActed
        ? { outcome: "uncertain", lane: "page", message }
        : { outcome: "not_tried", message };
    } finally {
      request.end();
      await letBe();
    }
  }

  /**
   * The machine's row, on whatever page of the list it is, showing a state from which the action can begin;
   * else why not. The page is loaded anew where it shows something else: it may be stale.
   */
  async find(page: Page, providerId: string, action: Action): Promise<Locator | string> {
    const { row, id } = this.profile().page;
    const origin = action === this.profile().start ? "stopped" : "running";
    for (let loads = 0; ; loads += 1) {
      const { rows, covered } = await this.list.look(page);
      const shown = fromPage(rows, providerId, this.profile());
      if (typeof shown === "object" && shown.state === origin && !covered) {
        // Two rows with one id would mean that the page is not what the profile says.
        if (rows.filter((each) => each.id === providerId).length > 1)
          return "The page shows the machine more than once.";
        const ours = page.locator(`${id}:text-is(${JSON.stringify(providerId)})`);
        return page.locator(row).filter({ has: ours });
      }
      if (loads === 1) {
        if (covered) return "A dialog that the profile does not know lies over the page.";
        return typeof shown === "object"
          ? `The page shows the machine as ${shown.state}.`
          : "The page does not show the machine and its state; its selectors may have changed.";
      }
      const loaded = await this.list.load(page);
      if (!loaded.ok) return loaded.words;
      await this.announcements.dismiss(page);
      const read = await this.list.read(page, [providerId]);
      if (!read.ok) return read.words;
    }
  }

  /** What a step clicks; several where the profile is ambiguous. */
  target(page: Page, row: Locator, asks: Locator, step: Step): Locator {
    const root = step.in === "row" ? row : step.in === "dialog" ? asks : page.locator("body");
    let target = root.locator(step.click);
    if (step.text !== undefined) target = target.filter({ hasText: wholeText(step.text) });
    if (step.disabledClass !== undefined) target = target.and(page.locator(`:not(.${step.disabledClass})`));
    return target.filter({ visible: true });
  }

  /** The dialog that asks to confirm: one that names our machine, or none of the others. */
  confirmation(page: Page, providerId: string, others: readonly string[]): Locator {
    const asks = this.announcements.others(page);
    if (others.length === 0) return asks;
    return asks.filter({ hasNotText: naming(others) }).or(asks.filter({ hasText: naming([providerId]) }));
  }

  private async strangerAsks(page: Page, providerId: string, others: readonly string[]): Promise<boolean> {
    if (others.length === 0) return false;
    const strangers = this.announcements
      .others(page)
      .filter({ hasText: naming(others) })
      .filter({ hasNotText: naming([providerId]) });
    return await strangers.count().then(
      (count) => count > 0,
      () => false,
    );
  }
}
