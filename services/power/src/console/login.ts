import type { Logger } from "@gpu-power-manager/shared/logger";
import type { Page } from "playwright";
import { firstLine } from "./first-line.ts";
import type { Profile } from "./profile.ts";

/** Wrong passwords in a row after which only a person goes on, so that no account is locked. */
const MAX_TRIES = 3;
const FIRST_PAUSE_MS = 30_000;
/** Between looks whether the session has come back by itself. */
const RELOAD_EVERY_MS = 60_000;

type Load = () => Promise<{ ok: boolean; login?: boolean }>;

export interface LoginOptions {
  readonly profile: () => Profile;
  readonly credentials: { readonly user: string; readonly password: string } | undefined;
  readonly headless: boolean;
  readonly logger: Logger;
  readonly now: () => number;
}

/** Getting past a login page: by itself where the profile allows it, else by noticing that a person did. */
export class Login {
  private readonly options: LoginOptions;
  private tries = 0;
  private filledIn = false;
  private notBefore = 0;
  private lastReload = 0;

  constructor(options: LoginOptions) {
    this.options = options;
  }

  /** The console has let us in. @returns whether by what was filled in here. */
  succeeded(): boolean {
    const { filledIn } = this;
    this.filledIn = false;
    this.tries = 0;
    this.notBefore = 0;
    return filledIn;
  }

  /** Fills the login form in, where there is one and it may be tried. True when the console let us in. */
  async byItself(page: Page, load: Load): Promise<boolean> {
    const { profile, credentials, logger, now } = this.options;
    const { login, timeouts } = profile();
    this.lastReload = now();
    if (login.fields === undefined || credentials === undefined) return false;
    if (this.tries >= MAX_TRIES || now() < this.notBefore) return false;
    this.tries += 1;
    this.notBefore = now() + FIRST_PAUSE_MS * 2 ** (this.tries - 1);
    try {
      await page.locator(login.fields.user).fill(credentials.user, { timeout: timeouts.step });
      await page.locator(login.fields.password).fill(credentials.password, { timeout: timeouts.step });
      await page.locator(login.fields.submit).click({ timeout: timeouts.step });
      await page.waitForURL((url) => !url.href.includes(login.urlContains), {
        timeout: timeouts.load,
        waitUntil: "commit",
      });
    } catch (error) {
      logger.warn(
        { tries: this.tries, cause: firstLine(error) },
        "Logging in by itself failed; check CONSOLE_USER and CONSOLE_PASSWORD",
      );
      return false;
    }
    this.filledIn = (await load()).ok;
    return this.filledIn;
  }

  /** While a login is asked for: has a person passed it, or has the session come back? */
  async tryAgain(page: Page, load: Load): Promise<boolean> {
    const { profile, now } = this.options;
    if (!page.url().includes(profile().login.urlContains)) return true;
    if (await this.byItself(page, load)) return true;
    // In a visible window a person may be typing in this very page.
    if (!this.options.headless) return false;
    if (now() - this.lastReload < RELOAD_EVERY_MS) return false;
    this.lastReload = now();
    return (await load()).ok;
  }
}
