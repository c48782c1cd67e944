/** Drives a web console by its profile: two witnesses of the state, two lanes for actions. */
import type { Authority } from "@gpu-power-manager/shared/authorities";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { Page } from "playwright";
import { ApiLane, firstLine } from "./api-lane.ts";
import { Artifacts } from "./artifacts.ts";
import { BrowserKeeper, type Tab } from "./browser.ts";
import type {
  ActionRequest,
  ActionResult,
  ConsoleDriver,
  ConsoleEvents,
  PoolSighting,
  SessionState,
  Sighting,
  UnknownReason,
} from "./driver.ts";
import { fromApi, fromPage, joinWitnesses, unknown } from "./interpret.ts";
import { Login } from "./login.ts";
import { PageLane } from "./page-lane.ts";
import type { Profile } from "./profile.ts";
import { SavedSession } from "./saved-session.ts";

/** After the API refused, the page is asked at most this often whether the login is gone. */
const LOGIN_CHECK_EVERY_MS = 15_000;

export interface ConsoleOptions {
  readonly profile: Profile;
  readonly providerIds: readonly string[];
  readonly stateDir: string;
  readonly sessionKey: string;
  readonly headless: boolean;
  readonly chromiumPath: string;
  readonly sandbox: boolean;
  readonly authorities: readonly Authority[];
  readonly memoryLimitBytes: number;
  readonly credentials: { readonly user: string; readonly password: string } | undefined;
  readonly logger: Logger;
  readonly events: ConsoleEvents;
  readonly now: () => number;
}

type Ready =
  | { readonly ok: true; readonly tab: Tab }
  | { readonly ok: false; readonly reason: UnknownReason; readonly words: string };

export class PageConsole implements ConsoleDriver {
  private readonly options: ConsoleOptions;
  private profile: Profile;
  private providerIds: readonly string[];
  private readonly saved: SavedSession;
  private readonly artifacts: Artifacts;
  private readonly keeper: BrowserKeeper;
  private readonly api: ApiLane;
  private readonly pageLane: PageLane;
  private readonly login: Login;
  private state: SessionState = "unknown";
  private pageTurn: Promise<unknown> = Promise.resolve();
  private lastLoginCheck = Number.NEGATIVE_INFINITY;

  constructor(options: ConsoleOptions) {
    const { logger, events, now } = options;
    this.options = options;
    this.profile = options.profile;
    this.providerIds = options.providerIds;
    this.saved = new SavedSession(options.stateDir, options.sessionKey, logger);
    this.artifacts = new Artifacts(options.stateDir, logger);
    this.api = new ApiLane(() => this.profile);
    this.pageLane = new PageLane(() => this.profile, this.api);
    this.login = new Login({
      profile: () => this.profile,
      credentials: options.credentials,
      headless: options.headless,
      logger,
      now,
    });
    this.keeper = new BrowserKeeper({
      chromiumPath: options.chromiumPath,
      headless: options.headless,
      sandbox: options.sandbox,
      authorities: options.authorities,
      locale: () => this.profile.console.locale,
      saved: this.saved,
      logger,
      now,
      onPage: (page) => page.on("request", (request) => this.api.learn(request)),
      onGone: (reason) => {
        this.api.forget();
        if (this.state === "logged_in") this.state = "unknown";
        events.browserRestarted(reason);
      },
    });
    if (!options.sandbox) {
      logger.warn(
        "Chromium runs without its sandbox, because CHROMIUM_SANDBOX is false; only do so where it cannot work",
      );
    }
  }

  setProfile(profile: Profile): void {
    this.profile = profile;
    this.api.forget();
  }

  setInstances(providerIds: readonly string[]): void {
    this.providerIds = providerIds;
  }

  session(): SessionState {
    return this.state;
  }

  async memoryBytes(): Promise<number | undefined> {
    return await this.keeper.memoryBytes();
  }

  async close(): Promise<void> {
    if (this.state === "logged_in") await this.saveSession();
    await this.keeper.close();
  }

  // ---- observe

  async observe(): Promise<PoolSighting> {
    return await this.observeWhen(await this.ready());
  }

  private async observeWhen(ready: Ready): Promise<PoolSighting> {
    const { now, events } = this.options;
    if (!ready.ok) return this.allUnknown(ready.reason, ready.words);
    const askedAt = now();
    const list = await this.api.list(ready.tab.context, this.providerIds);
    events.observed("api", (now() - askedAt) / 1_000);
    if (!list.ok) {
      events.failed(list.reason);
      // The next look loads the page, and so finds out whether it is the login that is gone.
      if (list.refused && now() - this.lastLoginCheck >= LOGIN_CHECK_EVERY_MS) {
        this.lastLoginCheck = now();
        this.state = "unknown";
      }
      return this.allUnknown(list.reason, list.words, askedAt);
    }
    const sightings = this.providerIds.map((id) => [id, fromApi(list.entries, id, this.profile)] as const);
    return { askedAt, answeredAt: now(), instances: new Map(sightings) };
  }

  async compare(): Promise<PoolSighting> {
    return await this.inPageTurn(async () => {
      await this.recycleIfLarge();
      const first = await this.compareOnce();
      // Once more, so that a page that was drawn a moment too early is not taken for a disagreement.
      if (!first.doubtful) return first.sighting;
      const second = await this.compareOnce();
      if (second.disagree) this.options.events.disagreed();
      if (second.doubtful) {
        this.options.events.failed(second.disagree ? "witnesses_disagree" : "page_half_loaded");
        await this.keepArtifact("doubt");
      }
      return second.sighting;
    });
  }

  private async compareOnce(): Promise<{ sighting: PoolSighting; doubtful: boolean; disagree: boolean }> {
    const { events, now } = this.options;
    const certain = (sighting: PoolSighting) => ({ sighting, doubtful: false, disagree: false });
    const before = await this.observeWhen(await this.prepare());
    const { tab } = this.keeper;
    if (tab === undefined || before.trouble !== undefined) return certain(before);
    const startedAt = now();
    const loaded = await this.pageLane.load(tab.page);
    if (!loaded.ok && loaded.login) return certain(this.loginRequired());
    const read = loaded.ok ? await this.pageLane.read(tab.page, this.providerIds) : loaded;
    events.observed("page", (now() - startedAt) / 1_000);
    const after = await this.observeWhen(await this.prepare());
    if (after.trouble !== undefined) return certain(after);
    await this.saveSession();
    let disagree = false;
    let doubtful = false;
    const instances = new Map<string, Sighting>();
    for (const id of this.providerIds) {
      const said = after.instances.get(id) ?? unknown("not_in_list", "The machine was not asked for.");
      if (!read.ok) {
        doubtful = true;
        instances.set(id, said.state === "unknown" ? said : unknown("page_half_loaded", read.words, said));
        continue;
      }
      const joined = joinWitnesses(
        before.instances.get(id) ?? said,
        fromPage(read.rows, id, this.profile),
        said,
      );
      disagree ||= joined.disagree;
      doubtful ||= joined.sighting.state === "unknown" && said.state !== "unknown";
      instances.set(id, joined.sighting);
    }
    return { sighting: { ...after, instances }, doubtful, disagree };
  }

  private allUnknown(reason: UnknownReason, words: string, askedAt = this.options.now()): PoolSighting {
    const instances = new Map(this.providerIds.map((id) => [id, unknown(reason, words)] as const));
    return { askedAt, answeredAt: this.options.now(), instances, trouble: reason };
  }

  // ---- session

  /** Logged in and able to ask the API; at once in the steady state. */
  private async ready(): Promise<Ready> {
    const { tab } = this.keeper;
    if (tab !== undefined && this.api.learnt && this.state === "logged_in") return { ok: true, tab };
    return await this.inPageTurn(() => this.prepare());
  }

  /** Launches, loads and logs in as far as needed. To be called by whoever has the page's turn. */
  private async prepare(): Promise<Ready> {
    let tab: Tab;
    try {
      tab = await this.keeper.open();
    } catch (error) {
      this.options.events.failed("browser_down");
      return { ok: false, reason: "browser_down", words: firstLine(error) };
    }
    if (this.state === "login_required") {
      const passed = await this.login.tryAgain(tab.page, () => this.pageLane.load(tab.page));
      if (!passed) return { ok: false, reason: "login_required", words: "The console asks for a login." };
      this.state = "unknown";
    }
    if (this.api.learnt && this.state === "logged_in") return { ok: true, tab };
    const loaded = await this.pageLane.load(tab.page);
    if (!loaded.ok && loaded.login) {
      const again = await this.login.byItself(tab.page, () => this.pageLane.load(tab.page));
      if (!again) {
        this.loginRequired();
        return { ok: false, reason: "login_required", words: "The console asks for a login." };
      }
    } else if (!loaded.ok && !this.api.learnt) {
      this.options.events.failed("page_not_loaded");
      return {
        ok: false,
        reason: this.keeper.tab === undefined ? "browser_down" : "console_unreachable",
        words: loaded.words,
      };
    }
    if (this.state !== "logged_in") this.options.logger.info("logged in at the console");
    this.state = "logged_in";
    this.login.succeeded();
    await this.saveSession();
    return { ok: true, tab };
  }

  private loginRequired(): PoolSighting {
    if (this.state !== "login_required") {
      this.options.events.failed("login_required");
      this.options.logger.error(
        "The console asks for a login; no action is tried. Log in by hand with HEADLESS=false, or set CONSOLE_USER and CONSOLE_PASSWORD where the profile can use them",
      );
    }
    this.state = "login_required";
    this.api.forget();
    return this.allUnknown("login_required", "The console asks for a login.");
  }

  private async saveSession(): Promise<void> {
    const { tab } = this.keeper;
    if (tab === undefined) return;
    try {
      await this.saved.save(JSON.stringify(await tab.context.storageState()));
    } catch (error) {
      this.options.logger.warn(
        { cause: firstLine(error) },
        "The console session cannot be saved; check STATE_DIR",
      );
    }
  }

  private async recycleIfLarge(): Promise<void> {
    const bytes = await this.keeper.memoryBytes();
    if (bytes === undefined || bytes <= this.options.memoryLimitBytes) return;
    await this.saveSession();
    await this.keeper.recycle("memory");
  }

  // ---- act

  async act({ providerId, attemptId, action, allowed }: ActionRequest): Promise<ActionResult> {
    const { logger, events } = this.options;
    let last: ActionResult | undefined;
    for (const lane of this.profile.lanes) {
      const ready = await this.ready();
      if (!ready.ok) return { outcome: "not_tried", message: ready.words };
      const wanted = action === "start" ? this.profile.start : this.profile.stop;
      const result =
        lane === "api"
          ? await this.api.act(ready.tab.context, wanted, providerId, allowed)
          : await this.inPageTurn(() =>
              this.pageLane.act(ready.tab.page, wanted, providerId, this.providerIds, allowed),
            );
      if (result === undefined) continue;
      last = result;
      if (result.outcome === "accepted") return result;
      events.failed(`${action}_${result.outcome}`);
      logger.warn(
        { attemptId, lane, action, result: result.outcome, cause: result.message },
        "An action did not go through",
      );
      if (lane === "page") await this.keepArtifact(`${action}-${result.outcome}`);
      // What may have been taken, or was refused for want of stock, is not tried another way.
      if (result.outcome === "uncertain" || (result.outcome === "refused" && result.soldOut)) return result;
    }
    return (
      last ?? {
        outcome: "not_tried",
        message: "No lane could be used: the machine is not in the provider's list.",
      }
    );
  }

  /** One at a time on the page. */
  private async inPageTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.pageTurn.then(work);
    this.pageTurn = turn.catch(() => undefined);
    return await turn;
  }

  private async keepArtifact(label: string): Promise<void> {
    const page: Page | undefined = this.keeper.tab?.page;
    if (page !== undefined) await this.artifacts.keep(page, label, this.api.secrets);
  }
}
