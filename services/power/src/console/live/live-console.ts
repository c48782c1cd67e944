/**
 * The console's page, shown to people and lent to one of them. Looking changes nothing but that the page stays open. Whoever
 * controls has the page's turn: power's own work on it waits, and nothing new is begun.
 */
import { describeError } from "@gpu-power-manager/shared/errors";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { CDPSession } from "playwright";
import type { BrowserKeeper, Tab } from "../browser.ts";
import { firstLine } from "../first-line.ts";
import type { Profile } from "../profile.ts";
import type { Turns } from "../turns.ts";
import { Hand } from "./hand.ts";
import { keepHouseRules, type Refusal } from "./house-rules.ts";
import type { PageInput } from "./input.ts";
import { film, type Level, type Picture } from "./picture.ts";

export interface LiveConsoleParts {
  readonly keeper: BrowserKeeper;
  readonly turns: Turns;
  readonly profile: () => Profile;
  /** Launches, loads and logs in as far as power can by itself; to be called in the page's turn. Never throws. */
  readonly show: (tab: Tab | undefined) => Promise<void>;
  readonly logger: Logger;
}

/** Whom the page is shown to. */
export interface Audience {
  readonly picture: (picture: Picture) => void;
  /** Resolves once one of them can take another picture. */
  readonly room: () => Promise<void>;
  readonly refused: (what: Refusal, detail: string) => void;
}

/** What belongs to one page of the browser, and goes with it. */
interface Attached {
  readonly tab: Tab;
  readonly cdp: CDPSession;
  readonly hand: Hand;
  stopFilm: (() => Promise<void>) | undefined;
  endRules: (() => Promise<void>) | undefined;
}

/** The page's turn in a person's hands. */
interface Loan {
  /** What power was about is done. */
  begun: boolean;
  end: () => void;
}

export class LiveConsole {
  private readonly parts: LiveConsoleParts;
  private audience: Audience | undefined;
  private level: Level = { quality: 80, scale: 1 };
  private attached: Attached | undefined;
  /** Changes of what is filmed and guarded, one after the other. */
  private work: Promise<void> = Promise.resolve();
  private loan: Loan | undefined;

  constructor(parts: LiveConsoleParts) {
    this.parts = parts;
  }

  /** Somebody looks at the page, so that it is not left between two looks of power's. */
  get watched(): boolean {
    return this.audience !== undefined;
  }

  /** A person has the page, or is about to get it: power begins nothing on it. */
  get controlled(): boolean {
    return this.loan !== undefined;
  }

  /** Shows the page from now on. Never throws. */
  async watch(audience: Audience): Promise<void> {
    this.audience = audience;
    const { keeper, turns, show } = this.parts;
    // Whoever controls has the turn, and the page is open.
    if (!this.controlled)
      await turns.take(async () => {
        await this.change(async () => await (await keeper.open()).showPictures(true));
        await show(keeper.tab);
      });
    await this.follow();
  }

  /** Nobody looks any more. */
  async unwatch(): Promise<void> {
    this.audience = undefined;
    await this.follow();
    await this.change(async () => await this.parts.keeper.tab?.showPictures(false));
    // Whoever takes a turn leaves the page as power wants it.
    await this.parts.turns.take(async () => {});
  }

  /** How pictures are made from now on. */
  async setLevel(level: Level): Promise<void> {
    this.level = level;
    await this.change(async () => {
      await this.attached?.stopFilm?.();
      if (this.attached !== undefined) this.attached.stopFilm = undefined;
    });
    await this.follow();
  }

  /** Lends the page to a person; resolves when what power was about on it is done. */
  async lend(): Promise<void> {
    const loan: Loan = { begun: false, end: () => {} };
    const ended = new Promise<void>((resolve) => {
      loan.end = resolve;
    });
    this.loan = loan;
    await new Promise<void>((resolve) => {
      const turn = this.parts.turns.take(async () => {
        loan.begun = true;
        resolve();
        await ended;
      });
      turn.catch(() => undefined);
    });
    await this.follow();
  }

  /** The person is done; power goes on. */
  async takeBack(): Promise<void> {
    const { loan } = this;
    this.loan = undefined;
    this.attached?.hand.rest();
    await this.follow();
    loan?.end();
  }

  /** What whoever controls does. */
  input(input: PageInput): void {
    if (this.loan?.begun === true) this.attached?.hand.take(input);
  }

  /** What was not done yet is not done: the page goes to other hands. */
  rest(): void {
    this.attached?.hand.rest();
  }

  /** The browser has another page. */
  async pageCame(): Promise<void> {
    this.attached = undefined;
    await this.follow();
  }

  /** The browser has lost its page. Who controls gets another one; for power the next look opens it. */
  async pageWent(): Promise<void> {
    this.attached = undefined;
    if (!this.controlled) return;
    await this.change(async () => {
      const { page } = await this.parts.keeper.open();
      await page.goto(this.parts.profile().console.url, { waitUntil: "commit" });
    });
  }

  /** Brings what is filmed and guarded in line with who looks and who controls. */
  private async follow(): Promise<void> {
    await this.change(async () => {
      const { audience, level } = this;
      const { tab } = this.parts.keeper;
      if (tab === undefined) return;
      if (this.attached?.tab !== tab) {
        if (audience === undefined) return;
        const cdp = await tab.context.newCDPSession(tab.page);
        this.attached = { tab, cdp, hand: new Hand(cdp), stopFilm: undefined, endRules: undefined };
        await tab.showPictures(true);
      }
      const { attached } = this;
      const { page, context } = tab;
      if (audience === undefined) {
        await attached.stopFilm?.();
        attached.stopFilm = undefined;
      } else
        attached.stopFilm ??= await film({ page, level, onPicture: audience.picture, room: audience.room });
      if (this.controlled && attached.endRules === undefined) {
        const landed = originOf(page.url());
        attached.endRules = await keepHouseRules({
          page,
          context,
          cdp: attached.cdp,
          // Where the console itself has led to before anybody had a hand in it is its login.
          ours: (origin) => origin === landed || this.consoleOrigins().has(origin),
          refused: (what, detail) => this.audience?.refused(what, detail),
        });
      } else if (!this.controlled && attached.endRules !== undefined) {
        const { endRules } = attached;
        attached.endRules = undefined;
        await endRules();
      }
    });
  }

  private consoleOrigins(): Set<string> {
    const { console: site, api } = this.parts.profile();
    return new Set([site.url, api.url, ...site.origins].map((url) => new URL(url).origin));
  }

  /** One change after the other; what fails is the page's end, which is told by the keeper. */
  private async change(step: () => Promise<unknown>): Promise<void> {
    this.work = this.work.then(async () => {
      try {
        await step();
      } catch (error) {
        this.parts.logger.debug({ cause: firstLine(describeError(error)) }, "the live view lost its page");
      }
    });
    await this.work;
  }
}

function originOf(url: string): string | undefined {
  return /^https?:/.test(url) ? new URL(url).origin : undefined;
}
