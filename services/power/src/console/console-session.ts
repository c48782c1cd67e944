/** Being logged in at the console with a page that has shown how its API is asked: kept up, noticed when gone. */
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { ApiLane } from "./api-lane.ts";
import type { BrowserKeeper, Tab } from "./browser.ts";
import type { ConsoleEvents, SessionState, UnknownReason } from "./driver.ts";
import { firstLine } from "./first-line.ts";
import type { ListPage } from "./list-page.ts";
import type { Login } from "./login.ts";
import type { SavedSession } from "./saved-session.ts";
import { type Beginning, endOf, type SessionTimes } from "./session-times.ts";

/** After the API refused, the page is asked at most this often whether the login is gone. */
const LOGIN_CHECK_EVERY_MS = 15_000;

export interface NotReady {
  readonly ok: false;
  readonly reason: UnknownReason;
  readonly words: string;
}
export type Ready = { readonly ok: true; readonly tab: Tab } | NotReady;

export interface SessionParts {
  readonly keeper: BrowserKeeper;
  readonly api: ApiLane;
  readonly list: ListPage;
  readonly login: Login;
  readonly saved: SavedSession;
  readonly events: ConsoleEvents;
  /** The names of the cookies whose end is the session's. */
  readonly cookies: () => readonly string[];
  readonly logger: Logger;
  readonly now: () => number;
}

export class ConsoleSession {
  private readonly parts: SessionParts;
  private current: SessionState = "unknown";
  /** The console has let this process in once. */
  private knownGood = false;
  private beginning: Beginning | null = null;
  private endsAt: number | null = null;
  private lastLoginCheck = Number.NEGATIVE_INFINITY;

  constructor(parts: SessionParts) {
    this.parts = parts;
  }

  get state(): SessionState {
    return this.current;
  }

  /** When the session began and ends, as far as that is known. */
  get times(): SessionTimes {
    const { beginning, endsAt } = this;
    return { begunAt: beginning?.at ?? null, endsAt: beginning?.byItself === true ? null : endsAt };
  }

  /** Logged in and able to ask the API this moment, as in the steady state; undefined where `prepare` is needed. */
  atHand(): Ready | undefined {
    const { keeper, api } = this.parts;
    const { tab } = keeper;
    if (tab === undefined || !api.learnt || this.current !== "logged_in") return undefined;
    return { ok: true, tab };
  }

  /** Launches, loads and logs in as far as needed. To be called by whoever has the page's turn. */
  async prepare(): Promise<Ready> {
    const { keeper, api, list, login, events, logger } = this.parts;
    let tab: Tab;
    try {
      tab = await keeper.open();
    } catch (error) {
      events.failed("browser_down");
      return { ok: false, reason: "browser_down", words: firstLine(error) };
    }
    const load = () => list.load(tab.page);
    const asked = this.current === "login_required";
    if (this.current === "login_required") {
      if (!(await login.tryAgain(tab.page, load))) return this.required();
      this.current = "unknown";
    }
    const atHand = this.atHand();
    if (atHand !== undefined) return atHand;
    const loaded = await load();
    if (!loaded.ok && loaded.login) {
      if (!(await login.byItself(tab.page, load))) return this.required();
    } else if (!loaded.ok && !api.learnt) {
      events.failed("page_not_loaded");
      const reason = keeper.tab === undefined ? "browser_down" : "console_unreachable";
      return { ok: false, reason, words: loaded.words };
    }
    if (this.current !== "logged_in") logger.info("logged in at the console");
    this.current = "logged_in";
    const byItself = login.succeeded();
    if (byItself) events.login("by_itself");
    else if (asked) events.login("came_back");
    // A look at a session that is still good is nothing new.
    else if (!this.knownGood) events.login("kept");
    if (byItself || asked) await this.begins(byItself);
    else if (!this.knownGood) this.beginning = await this.parts.saved.beginning();
    this.knownGood = true;
    await this.save();
    return { ok: true, tab };
  }

  /**
   * A person may have passed the login in the page, which has just shown how its API is asked: the API says whether it is
   * so. @returns whether it is.
   */
  async passedByPerson(providerIds: readonly string[]): Promise<boolean> {
    const { keeper, api, login, events, logger } = this.parts;
    const { tab } = keeper;
    if (tab === undefined || this.current === "logged_in") return false;
    if (!(await api.list(tab.context, providerIds)).ok) return false;
    logger.info("a person has logged in at the console");
    if (this.current === "login_required") events.login("came_back");
    login.succeeded();
    this.current = "logged_in";
    this.knownGood = true;
    return true;
  }

  /** The console asks for a login. */
  required(): NotReady {
    const { api, events, logger } = this.parts;
    if (this.current !== "login_required") {
      events.failed("login_required");
      events.login("asked_for");
      logger.error(
        "The console asks for a login; no action is tried. Log in by hand with HEADLESS=false, or set CONSOLE_USER and CONSOLE_PASSWORD where the profile can use them",
      );
    }
    this.current = "login_required";
    this.beginning = null;
    this.endsAt = null;
    api.forget();
    return { ok: false, reason: "login_required", words: "The console asks for a login." };
  }

  /** The API refused: the next look loads the page, and so finds out whether it is the login that is gone. */
  doubt(): void {
    const { now } = this.parts;
    if (now() - this.lastLoginCheck < LOGIN_CHECK_EVERY_MS) return;
    this.lastLoginCheck = now();
    this.current = "unknown";
  }

  /** The browser is gone. */
  lost(): void {
    this.parts.api.forget();
    if (this.current === "logged_in") this.current = "unknown";
  }

  /** Somebody, or power itself, has logged in. */
  async begins(byItself: boolean): Promise<void> {
    this.beginning = { at: this.parts.now(), byItself };
    await this.parts.saved.begins(this.beginning).catch((error: unknown) => {
      this.parts.logger.warn(
        { cause: firstLine(error) },
        "When the console session began cannot be kept; check STATE_DIR",
      );
    });
  }

  /** Keeps cookies and local storage for the next browser. */
  async save(): Promise<void> {
    const { keeper, saved, logger } = this.parts;
    if (keeper.tab === undefined) return;
    try {
      const state = await keeper.tab.context.storageState();
      this.endsAt = endOf(state, this.parts.cookies());
      await saved.save(JSON.stringify(state));
    } catch (error) {
      logger.warn({ cause: firstLine(error) }, "The console session cannot be saved; check STATE_DIR");
    }
  }
}
