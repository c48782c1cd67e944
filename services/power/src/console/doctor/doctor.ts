/** Holds a profile against the live console, for whoever mends it. Nothing of it changes a machine. */
import type { DryRun, Pointed, ProfileCheck } from "@gpu-power-manager/shared/profile-doctor";
import type { ApiLane } from "../api-lane.ts";
import type { Tab } from "../browser.ts";
import type { Evidence } from "../evidence.ts";
import { firstLine } from "../first-line.ts";
import type { ListPage } from "../list-page.ts";
import type { PageLane } from "../page-lane.ts";
import type { Profile } from "../profile.ts";
import type { Secrets } from "../secrets.ts";
import type { Turns } from "../turns.ts";
import { checkAnswer } from "./check-answers.ts";
import { checkPage } from "./check-page.ts";
import { dryRun } from "./dry-run.ts";
import { type LearntAction, learnAction } from "./learn-action.ts";
import { proposeSelectors } from "./propose-selectors.ts";
import { WatchedHand } from "./watch-hand.ts";

export interface DoctorParts {
  readonly lane: PageLane;
  readonly evidence: Evidence;
  readonly providerIds: () => readonly string[];
  readonly profile: () => Profile;
  /** The browser's page as it is; nothing is launched and nobody logged in for a look. */
  readonly tab: () => Tab | undefined;
  /** A person has the page. */
  readonly lent: () => boolean;
  readonly api: ApiLane;
  readonly list: ListPage;
  readonly turns: Turns;
  readonly secrets: Secrets;
}

const NO_BROWSER = "The browser is not open yet.";
const LENT = "A person controls the console's page in the live view; look again afterwards.";
const NOT_LENT =
  "Take control of the console's page in the live view first: what is done there is what is learnt from.";
const NO_LOGIN = "The console asks for a login, so its list is not shown.";
const NOT_LEARNT =
  "The page has not asked for its list as the profile says: compare api.url, api.body, api.actionIn and api.list.action with what the page sends.";

export class Doctor {
  private readonly parts: DoctorParts;
  private watched:
    | { readonly action: "start" | "stop"; readonly providerId: string; readonly hand: WatchedHand }
    | undefined;

  constructor(parts: DoctorParts) {
    this.parts = parts;
  }

  /** Every selector on the live page, where nothing is clicked; or why it cannot be looked at. Never throws. */
  async checkSelectors(): Promise<NonNullable<ProfileCheck["selectors"]> | { readonly words: string }> {
    const { profile, secrets } = this.parts;
    return await this.onList(async ({ page }) =>
      (await checkPage(page, profile())).map((line) => ({
        ...line,
        texts: line.texts.map((text) => secrets.blot(text)),
      })),
    );
  }

  /** Selectors, and what the API answers. Never throws. */
  async check(): Promise<Pick<ProfileCheck, "selectors" | "selectorsWords" | "api" | "apiWords">> {
    const [selectors, api] = [await this.checkSelectors(), await this.checkAnswers()];
    return {
      ...("words" in selectors
        ? { selectors: null, selectorsWords: selectors.words }
        : { selectors, selectorsWords: null }),
      ...("refused" in api ? { api: null, apiWords: api.refused } : { api, apiWords: null }),
    };
  }

  /** Selectors for a line of the profile that match the element at this point alone. Never throws. */
  async point(
    line: string,
    point: { readonly x: number; readonly y: number },
  ): Promise<Pointed | { readonly words: string }> {
    const { profile, secrets } = this.parts;
    return await this.onPage(async ({ page }) => {
      const found = await proposeSelectors(page, profile(), line, point);
      if (found === undefined) return { words: `The profile has no line ${line} that looks for something.` };
      if (found === null) return { words: "There is nothing at this point of the page's window." };
      return { line, ...found, text: secrets.blot(found.text) };
    });
  }

  /** Walks a start or stop up to the click that acts. Never throws. */
  async dryRun(
    action: "start" | "stop",
    providerId: string,
  ): Promise<Pick<DryRun, "steps" | "stopped" | "words">> {
    const { profile, api, lane, evidence, providerIds, secrets } = this.parts;
    const walked = await this.onList((tab) =>
      dryRun(tab.page, action, providerId, providerIds(), {
        profile: profile(),
        api,
        lane,
        picture: (label) => evidence.keep(tab, label),
      }),
    );
    const blotted = { ...walked, words: secrets.blot(walked.words) };
    return "steps" in blotted ? blotted : { ...blotted, steps: [], stopped: [] };
  }

  /** From now on a person does an action by hand, and is watched; the reason where that cannot be. Never throws. */
  async learn(action: "start" | "stop", providerId: string): Promise<{ readonly words: string } | undefined> {
    const { profile, tab, lent } = this.parts;
    const open = tab();
    if (open === undefined) return { words: NO_BROWSER };
    if (!lent()) return { words: NOT_LENT };
    await this.watched?.hand.end();
    try {
      this.watched = { action, providerId, hand: await WatchedHand.begin(open.page, profile()) };
      return undefined;
    } catch (error) {
      return { words: `The page does not answer: ${firstLine(error)}` };
    }
  }

  /** It is done: what was learnt, or why nothing. Never throws. */
  async learnt(): Promise<
    (LearntAction & { readonly action: "start" | "stop" }) | { readonly words: string }
  > {
    const { profile, api, secrets } = this.parts;
    const { watched } = this;
    this.watched = undefined;
    if (watched === undefined)
      return { words: "Nothing is being learnt; begin with the action to be learnt." };
    const { action, providerId, hand } = watched;
    const { sent, clicks } = await hand.end();
    const isSecret = (text: string) => secrets.blot(text) !== text;
    const entry = api.entry(providerId);
    const learnt = learnAction(action, providerId, sent, clicks, { profile: profile(), entry, isSecret });
    return { action, ...learnt };
  }

  private async checkAnswers(): Promise<NonNullable<ProfileCheck["api"]> | { readonly refused: string }> {
    const { profile, tab, api, secrets } = this.parts;
    const open = tab();
    if (open === undefined) return { refused: NO_BROWSER };
    if (!api.learnt) return { refused: NOT_LEARNT };
    const answer = await api.firstPage(open.context);
    if (!answer.ok) return { refused: secrets.blot(answer.words) };
    const found = checkAnswer(answer.body, api.unseen(), profile());
    return { ...found, words: found.words === null ? null : secrets.blot(found.words) };
  }

  /** What only looks may look while a person has the page, too. */
  private async onPage<T>(look: (tab: Tab) => Promise<T>): Promise<T | { readonly words: string }> {
    const open = this.parts.tab();
    if (open === undefined || !this.parts.lent()) return await this.onList(look);
    return await look(open).catch((error: unknown) => ({
      words: `The page does not answer: ${firstLine(error)}`,
    }));
  }

  /** In turn: a page that is just being loaded has nothing on it. One that does not fit the profile is looked at all the more. */
  private async onList<T>(look: (tab: Tab) => Promise<T>): Promise<T | { readonly words: string }> {
    const { tab, lent, list, turns } = this.parts;
    if (tab() === undefined) return { words: NO_BROWSER };
    if (lent()) return { words: LENT };
    return await turns
      .take(async () => {
        const open = tab();
        if (open === undefined) return { words: NO_BROWSER };
        const loaded = await list.open(open.page);
        if (list.onLogin(open.page)) return { words: NO_LOGIN };
        const reached = /^https?:/.test(open.page.url());
        return loaded.ok || reached ? await look(open) : { words: loaded.words };
      })
      .catch((error: unknown) => ({ words: `The page does not answer: ${firstLine(error)}` }));
  }
}
