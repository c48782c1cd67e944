/** Drives a web console by its profile: two witnesses of the state, two lanes for actions. */
import type { Authority } from "@gpu-power-manager/shared/authorities";
import type { Lane } from "@gpu-power-manager/shared/events";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { Request } from "playwright";
import { ApiLane } from "./api-lane.ts";
import { BrowserKeeper } from "./browser.ts";
import { ConsoleSession, type NotReady, type Ready } from "./console-session.ts";
import { Doctor } from "./doctor/doctor.ts";
import type {
  ActionRequest,
  ActionResult,
  ConsoleDriver,
  ConsoleEvents,
  PlanRequest,
  PlanResult,
  PoolSighting,
  SessionState,
} from "./driver.ts";
import { factsOfAll } from "./entry-facts.ts";
import { Evidence } from "./evidence.ts";
import { comparePool, fromApi, unknown } from "./interpret.ts";
import { endsTheTry, NO_LANE } from "./lane-order.ts";
import { ListPage } from "./list-page.ts";
import { LiveConsole } from "./live/live-console.ts";
import { Login } from "./login.ts";
import { PageLane } from "./page-lane.ts";
import type { Profile } from "./profile.ts";
import { SavedSession } from "./saved-session.ts";
import { Secrets } from "./secrets.ts";
import type { SessionTimes } from "./session-times.ts";
import { Turns } from "./turns.ts";

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

/** The lanes that need a browser. */
export type BrowserLane = Exclude<Lane, "signed">;

const CONTROLLED = {
  ok: false,
  reason: "operator_controls",
  words: "An operator controls the console's page in the live view; power goes on afterwards.",
} satisfies NotReady;

export class PageConsole implements ConsoleDriver {
  private readonly options: ConsoleOptions;
  private profile: Profile;
  private providerIds: readonly string[];
  private readonly secrets: Secrets;
  private readonly evidence: Evidence;
  private readonly keeper: BrowserKeeper;
  private readonly api: ApiLane;
  private readonly list: ListPage;
  private readonly pageLane: PageLane;
  private readonly login: ConsoleSession;
  /** Holds the profile against the live console, for whoever mends it. */
  readonly doctor: Doctor;
  /** The page as people see it, and as one of them may have it. */
  readonly live: LiveConsole;
  private onLoggedIn = () => {};
  /** One at a time on the page. */
  private readonly pageTurns = new Turns(() => this.leavePage());

  constructor(options: ConsoleOptions) {
    const { logger, events, now, headless } = options;
    const profile = () => this.profile;
    const saved = new SavedSession(options.stateDir, options.sessionKey, logger);
    this.options = options;
    this.profile = options.profile;
    this.providerIds = options.providerIds;
    this.secrets = new Secrets(() => this.profile.secrets.fields);
    if (options.credentials !== undefined) this.secrets.add(options.credentials.password);
    this.api = new ApiLane(profile, (answer) => this.secrets.learn(answer));
    const { stateDir } = options;
    this.evidence = new Evidence({ profile, api: this.api, secrets: this.secrets, stateDir, logger });
    this.list = new ListPage(profile, this.api);
    this.pageLane = new PageLane(profile, this.api, this.list);
    this.keeper = new BrowserKeeper({
      chromiumPath: options.chromiumPath,
      headless,
      sandbox: options.sandbox,
      authorities: options.authorities,
      locale: () => this.profile.console.locale,
      pictures: () => this.profile.console.pictures,
      saved,
      logger,
      now,
      onPage: ({ page }) => {
        page.on("request", (request) => this.api.learn(request));
        page.on("requestfinished", (request) => void this.noticeLogin(request));
        this.evidence.follow(page);
        void this.live.pageCame();
      },
      onGone: (reason) => {
        this.login.lost();
        queueMicrotask(() => void this.live.pageWent());
        events.browserRestarted(reason);
      },
    });
    this.login = new ConsoleSession({
      keeper: this.keeper,
      api: this.api,
      list: this.list,
      login: new Login({ profile, credentials: options.credentials, headless, logger, now }),
      saved,
      events,
      cookies: () => this.profile.login.cookies,
      logger,
      now,
    });
    this.doctor = new Doctor({
      profile,
      tab: () => this.keeper.tab,
      lent: () => this.live.controlled,
      lane: this.pageLane,
      evidence: this.evidence,
      providerIds: () => this.providerIds,
      api: this.api,
      list: this.list,
      turns: this.pageTurns,
      secrets: this.secrets,
    });
    this.live = new LiveConsole({
      keeper: this.keeper,
      turns: this.pageTurns,
      profile,
      show: async (tab) => {
        const ready = await this.login.prepare();
        if (ready.ok) await this.list.open(ready.tab.page);
        // Its pictures were not loaded while nobody looked.
        else await tab?.page.reload({ waitUntil: "commit" }).catch(() => undefined);
      },
      logger,
    });
  }

  setProfile(profile: Profile): void {
    this.profile = profile;
    this.api.forget();
  }

  /** @param listener called when a person has passed the login in the live view. */
  whenLoggedIn(listener: () => void): void {
    this.onLoggedIn = listener;
  }

  /** The page of a person who has control asks for its list: is that person logged in? */
  private async noticeLogin(request: Request): Promise<void> {
    if (!this.live.controlled || this.login.state === "logged_in") return;
    const { api } = this.profile;
    if (this.api.asked(request)?.action !== api.list.action) return;
    if (!(await this.login.passedByPerson(this.providerIds))) return;
    // First a waiting job's start, then what makes the session outlive this process.
    this.onLoggedIn();
    await this.login.begins(false);
    await this.login.save();
  }

  setInstances(providerIds: readonly string[]): void {
    this.providerIds = providerIds;
  }

  /** When the session began and ends, as far as that is known. */
  get sessionTimes(): SessionTimes {
    return this.login.times;
  }

  session(): SessionState {
    return this.login.state;
  }

  async memoryBytes(): Promise<number | undefined> {
    return await this.keeper.memoryBytes();
  }

  signedApi(): undefined {
    return undefined;
  }

  /** Ends the browser, with its session kept, until it is needed again. */
  async leave(): Promise<void> {
    // Neither a person who looks nor one who controls is left with a dead picture.
    if (this.keeper.tab === undefined || this.live.watched || this.live.controlled) return;
    await this.pageTurns.take(async () => {
      if (this.login.state === "logged_in") await this.login.save();
      this.login.lost();
      await this.keeper.leave();
    });
  }

  async close(): Promise<void> {
    if (this.login.state === "logged_in") await this.login.save();
    await this.keeper.close();
  }

  // ---- observe

  async observe(): Promise<PoolSighting> {
    return await this.observeWhen(await this.ready());
  }

  private async observeWhen(ready: Ready): Promise<PoolSighting> {
    const { now, events } = this.options;
    if (!ready.ok) return this.allUnknown(ready);
    const askedAt = now();
    const list = await this.api.list(ready.tab.context, this.providerIds);
    events.observed("api", (now() - askedAt) / 1_000);
    if (!list.ok) {
      events.failed(list.reason);
      if (list.refused) this.login.doubt();
      return this.allUnknown(list, askedAt);
    }
    const sightings = this.providerIds.map((id) => {
      const seen = fromApi(list.entries, id, this.profile);
      return [
        id,
        seen.state === "unknown" ? { ...seen, words: this.secrets.blot(seen.words) } : seen,
      ] as const;
    });
    const facts = factsOfAll(list.entries, this.providerIds, this.profile, askedAt);
    return { askedAt, answeredAt: now(), instances: new Map(sightings), facts };
  }

  async compare(): Promise<PoolSighting> {
    // The page is a person's; the API can be asked all the same.
    if (this.live.controlled) return await this.observe();
    return await this.pageTurns.take(async () => {
      await this.recycleIfLarge();
      const first = await this.compareOnce();
      // Once more, so that a page that was drawn a moment too early is not taken for a disagreement.
      if (!first.doubtful) return first.sighting;
      const second = await this.compareOnce();
      if (second.disagree) this.options.events.disagreed();
      if (second.doubtful) {
        this.options.events.failed(second.disagree ? "witnesses_disagree" : "page_half_loaded");
        await this.keepEvidence("doubt");
      }
      return second.sighting;
    });
  }

  private async compareOnce(): Promise<{ sighting: PoolSighting; doubtful: boolean; disagree: boolean }> {
    const { events, now } = this.options;
    const certain = (sighting: PoolSighting) => ({ sighting, doubtful: false, disagree: false });
    const before = await this.observeWhen(await this.login.prepare());
    const { tab } = this.keeper;
    if (tab === undefined || before.trouble !== undefined) return certain(before);
    const startedAt = now();
    const loaded = await this.list.load(tab.page);
    if (!loaded.ok && loaded.login) return certain(this.allUnknown(this.login.required()));
    const read = loaded.ok ? await this.list.read(tab.page, this.providerIds) : loaded;
    events.observed("page", (now() - startedAt) / 1_000);
    const after = await this.observeWhen(await this.login.prepare());
    if (after.trouble !== undefined) return certain(after);
    await this.login.save();
    const { instances, ...found } = comparePool(
      this.providerIds,
      before.instances,
      read,
      after.instances,
      this.profile,
    );
    return { sighting: { ...after, instances }, ...found };
  }

  private allUnknown(
    { reason, words }: Pick<NotReady, "reason" | "words">,
    askedAt = this.options.now(),
  ): PoolSighting {
    const sighting = unknown(reason, this.secrets.blot(words));
    const instances = new Map(this.providerIds.map((id) => [id, sighting] as const));
    return { askedAt, answeredAt: this.options.now(), instances, trouble: reason };
  }

  private async ready(): Promise<Ready> {
    const atHand = this.login.atHand();
    if (atHand !== undefined) return atHand;
    if (this.live.controlled)
      return this.login.state === "login_required" ? this.login.required() : CONTROLLED;
    return await this.pageTurns.take(() => this.login.prepare());
  }

  /**
   * Between looks no page is open. Not so where clicking comes first, which must not wait for a page to load, or
   * where a person looks at it.
   */
  private async leavePage(): Promise<void> {
    const ready = this.login.atHand();
    if (this.live.watched) return;
    if (this.options.headless && this.lanes[0] === "api" && ready?.ok === true)
      await this.list.leave(ready.tab.page);
  }

  private async recycleIfLarge(): Promise<void> {
    const bytes = await this.keeper.memoryBytes();
    if (bytes === undefined || bytes <= this.options.memoryLimitBytes) return;
    await this.login.save();
    await this.keeper.recycle("memory");
  }

  // ---- act

  /** The profile's lanes that need a browser, in its order. */
  private get lanes(): readonly BrowserLane[] {
    return this.profile.lanes.filter((lane) => lane !== "signed");
  }

  async act(request: ActionRequest, lanes = this.lanes): Promise<ActionResult> {
    const { attemptId, action } = request;
    const { logger, events } = this.options;
    let last: ActionResult | undefined;
    // Decided on just before somebody took control.
    if (this.live.controlled) return { outcome: "not_tried", message: CONTROLLED.words };
    for (const lane of lanes) {
      const ready = await this.ready();
      if (!ready.ok) return { outcome: "not_tried", message: ready.words };
      const said = await (lane === "api"
        ? this.api.act(ready.tab.context, this.profile[action], request.providerId, request.allowed)
        : this.click(request));
      if (said === undefined) continue;
      if (said.outcome === "accepted") return said;
      const result = { ...said, message: this.secrets.blot(said.message) };
      last = result;
      events.failed(`${action}_${result.outcome}`);
      logger.warn(
        { attemptId, lane, action, result: result.outcome, cause: result.message },
        "An action did not go through",
      );
      if (endsTheTry(result)) return result;
    }
    return last ?? NO_LANE;
  }

  async planStop(request: PlanRequest): Promise<PlanResult> {
    const ready = await this.ready();
    if (!ready.ok) return { outcome: "not_tried", message: ready.words };
    const result = await this.api.planStop(ready.tab.context, request);
    if (result.outcome === "accepted") return result;
    return { ...result, message: this.secrets.blot(result.message) };
  }

  private async click({ providerId, attemptId, action, allowed }: ActionRequest): Promise<ActionResult> {
    return await this.pageTurns.take(async () => {
      // Whoever had the turn before may have found that the login is gone, or have replaced the browser.
      const ready = await this.login.prepare();
      if (!ready.ok) return { outcome: "not_tried", message: ready.words };
      const { page } = ready.tab;
      const result = await this.pageLane.act(
        page,
        this.profile[action],
        providerId,
        this.providerIds,
        allowed,
      );
      if (result.outcome !== "accepted") await this.keepEvidence(`${action}-${result.outcome}-${attemptId}`);
      return result;
    });
  }

  /** To be called by whoever has the page's turn, so that it shows what was doubted. */
  private async keepEvidence(label: string): Promise<void> {
    const { tab } = this.keeper;
    if (tab !== undefined) await this.evidence.keep(tab, label);
  }
}
