/** Owns Chromium: launches it with the saved session, launches it again when it is gone or too large. */
import { readFile } from "node:fs/promises";
import type { Authority } from "@gpu-power-manager/shared/authorities";
import { describeError } from "@gpu-power-manager/shared/errors";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { Browser, BrowserContext, Page } from "playwright";
import { z } from "zod";
import { BLOCKED_URLS, FLAGS } from "./browser-flags.ts";
import type { BrowserRestart } from "./driver.ts";
import type { SavedSession } from "./saved-session.ts";
import { registerSecretTexts } from "./secret-texts.ts";
import { homeThatTrusts, type TrustedHome } from "./trusted-home.ts";

/** Pauses between launches that fail: doubling, up to this. */
const MAX_LAUNCH_PAUSE_MS = 30_000;
const FIRST_LAUNCH_PAUSE_MS = 1_000;
const LAUNCH_TIMEOUT_MS = 30_000;
/** A close that hangs is not waited for. */
const CLOSE_TIMEOUT_MS = 4_000;

export interface BrowserOptions {
  readonly chromiumPath: string;
  readonly headless: boolean;
  readonly sandbox: boolean;
  /** Whom the browser trusts beside those that it knows. */
  readonly authorities: readonly Authority[];
  readonly locale: () => string;
  /** Whether pictures and fonts are loaded although no person looks. */
  readonly pictures: () => boolean;
  readonly saved: SavedSession;
  readonly logger: Logger;
  readonly now: () => number;
  /** A page is there, nothing is loaded in it yet. */
  readonly onPage: (tab: Tab) => void;
  readonly onGone: (reason: BrowserRestart) => void;
}

export interface Tab {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Pictures and fonts are loaded from the next load on, because a person looks, or no longer does. */
  readonly showPictures: (shown: boolean) => Promise<void>;
}

const Processes = z.object({ processInfo: z.array(z.object({ id: z.number().int() })) });

export class BrowserKeeper {
  private readonly options: BrowserOptions;
  private browser: Browser | undefined;
  private home: TrustedHome | undefined;
  private current: Tab | undefined;
  private launching: Promise<Tab> | undefined;
  private failures = 0;
  private notBefore = 0;
  private closed = false;

  constructor(options: BrowserOptions) {
    this.options = options;
  }

  /** The page if it is alive, without launching anything. */
  get tab(): Tab | undefined {
    return this.current;
  }

  /** The page, launched if need be. @throws when Chromium does not start. */
  async open(): Promise<Tab> {
    if (this.closed) throw new Error("The browser is closed.");
    if (this.current !== undefined) return this.current;
    this.launching ??= this.launch().finally(() => {
      this.launching = undefined;
    });
    return await this.launching;
  }

  private async launch(): Promise<Tab> {
    const { chromiumPath, headless, sandbox, authorities, locale, pictures, saved, logger, now, onPage } =
      this.options;
    if (now() < this.notBefore)
      throw new Error("Chromium did not start a moment ago; it is tried again soon.");
    try {
      if (authorities.length > 0) this.home ??= await homeThatTrusts(authorities);
      // Only here: it takes 75 MB, which a power that needs no browser is spared.
      const { chromium } = await import("playwright");
      if (!sandbox) {
        logger.warn(
          "Chromium runs without its sandbox, because CHROMIUM_SANDBOX is false; only do so where it cannot work",
        );
      }
      await registerSecretTexts();
      const browser = await chromium.launch({
        executablePath: chromiumPath,
        headless,
        chromiumSandbox: sandbox,
        args: FLAGS,
        ...(this.home === undefined ? {} : { env: { ...process.env, HOME: this.home.path } }),
        timeout: LAUNCH_TIMEOUT_MS,
        handleSIGINT: false,
        handleSIGTERM: false,
        handleSIGHUP: false,
      });
      this.browser = browser;
      browser.on("disconnected", () => this.gone(browser, "disconnected"));
      const state = await saved.load();
      const context = await browser.newContext({
        locale: locale(),
        // Nothing that is downloaded is of use, and a person's page must not write to this host.
        acceptDownloads: false,
        ...(headless ? { reducedMotion: "reduce" } : {}),
        ...(state === undefined ? {} : { storageState: JSON.parse(state) }),
      });
      const page = await context.newPage();
      page.on("crash", () => this.gone(browser, "page_crashed"));
      // A browser that dies closes its pages first; its own end is told a moment later, and is the better reason.
      page.on("close", () => setImmediate(() => this.gone(browser, "page_closed")));
      let showPictures: Tab["showPictures"] = async () => {};
      if (headless && !pictures()) {
        const cdp = await context.newCDPSession(page);
        // Only so that it blocks: this session keeps no bodies.
        await cdp.send("Network.enable", { maxTotalBufferSize: 0, maxResourceBufferSize: 0 });
        showPictures = async (shown) => {
          await cdp.send("Network.setBlockedURLs", { urls: shown ? [] : BLOCKED_URLS });
        };
        await showPictures(false);
      }
      this.current = { page, context, showPictures };
      this.failures = 0;
      onPage(this.current);
      logger.info({ version: browser.version(), restoredSession: state !== undefined }, "browser launched");
      return this.current;
    } catch (error) {
      this.failures += 1;
      const pause = Math.min(FIRST_LAUNCH_PAUSE_MS * 2 ** (this.failures - 1), MAX_LAUNCH_PAUSE_MS);
      this.notBefore = now() + pause;
      await this.dispose();
      throw new Error(`Chromium does not start (CHROMIUM_PATH ${chromiumPath})`, { cause: error });
    }
  }

  private gone(browser: Browser, reason: BrowserRestart): void {
    if (this.closed || this.browser !== browser) return;
    this.options.logger.warn({ reason }, "The browser is gone; it is launched again with the saved session");
    this.options.onGone(reason);
    void this.dispose();
  }

  /** Ends this browser; the next `open` launches another. */
  async recycle(reason: BrowserRestart): Promise<void> {
    if (this.browser === undefined) return;
    this.options.logger.info({ reason }, "browser recycled");
    this.options.onGone(reason);
    await this.dispose();
  }

  /** Ends the browser until the next `open`. */
  async leave(): Promise<void> {
    if (this.browser === undefined) return;
    this.options.logger.info("the browser is not needed any more, and ends");
    await this.dispose();
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.launching?.catch(() => undefined);
    await this.dispose();
    await this.home?.remove();
  }

  private async dispose(): Promise<void> {
    const { browser } = this;
    this.browser = undefined;
    this.current = undefined;
    if (browser === undefined) return;
    const closing = browser.close().catch((error: unknown) => {
      this.options.logger.debug({ cause: describeError(error) }, "the browser was gone already");
    });
    await Promise.race([closing, new Promise((resolve) => setTimeout(resolve, CLOSE_TIMEOUT_MS).unref())]);
  }

  /** Memory of Chromium's processes together (PSS) in bytes; undefined when it cannot be known. */
  async memoryBytes(): Promise<number | undefined> {
    if (this.browser === undefined) return undefined;
    try {
      const cdp = await this.browser.newBrowserCDPSession();
      const { processInfo } = Processes.parse(await cdp.send("SystemInfo.getProcessInfo"));
      await cdp.detach();
      const bytes = await Promise.all(processInfo.map(({ id }) => pssBytes(id)));
      return bytes.reduce((sum, each) => sum + each, 0);
    } catch {
      return undefined;
    }
  }
}

/** The kernel walks the whole process for it, for milliseconds: never on the event loop. */
async function pssBytes(pid: number): Promise<number> {
  const match = /^Pss:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, "utf8"));
  return Number(match?.[1] ?? 0) * 1024;
}
