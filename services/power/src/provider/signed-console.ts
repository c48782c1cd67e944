/**
 * Drives a provider by its signed API and, behind it or before it as the profile's `lanes` say, by its console in a
 * browser. Without a browser two answers of the signed API are the two witnesses: it is the provider's contract.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type {
  ActionRequest,
  ActionResult,
  ConsoleDriver,
  ConsoleEvents,
  PlanRequest,
  PlanResult,
  PoolSighting,
  SessionState,
  Sighting,
  SignedApiState,
} from "../console/driver.ts";
import { factsOfAll } from "../console/entry-facts.ts";
import { type Entry, entryOf, fromApi, unknown } from "../console/interpret.ts";
import { endsTheTry, NO_LANE } from "../console/lane-order.ts";
import type { BrowserLane } from "../console/page-console.ts";
import type { Profile } from "../console/profile.ts";
import { Secrets } from "../console/secrets.ts";
import { type Agreement, agreementOfTwo, agreementWithSession } from "./agreement.ts";
import type { Keys } from "./signature.ts";
import { asSigned, isSigning, SignedLane, type SigningProfile } from "./signed-lane.ts";

/** Two answers that stand for a comparison are so far apart: longer than anything is kept by a cache before an API. */
const APART_MS = 2_000;
/** Where two do not agree once more is asked: the machine may just have been on its way. */
const MOST_ANSWERS = 3;
/** A browser that only stands in for an API that fails ends when it has not been needed for so long. */
const LEAVE_AFTER_MS = 600_000;

const NO_BROWSER = "No browser is run: BROWSER is never, or the profile's lanes leave it out.";

/** The console in a browser, as far as it is used beside a signed API. */
export interface BesideConsole extends ConsoleDriver {
  setProfile(profile: Profile): void;
  /** Acts by these of its lanes alone. */
  act(request: ActionRequest, lanes?: readonly BrowserLane[]): Promise<ActionResult>;
  /** Ends the browser until it is needed again, with its session kept. */
  leave(): Promise<void>;
}

export interface SignedConsoleOptions {
  readonly profile: SigningProfile;
  readonly providerIds: readonly string[];
  readonly keys: Keys;
  /** Undefined: never. */
  readonly browser: BesideConsole | undefined;
  /** Whether the browser runs although the signed API answers. */
  readonly always: boolean;
  readonly logger: Logger;
  readonly events: ConsoleEvents;
  readonly now: () => number;
}

/** A look by the signed API. */
interface SignedLook {
  readonly sighting: PoolSighting;
  readonly entries: readonly Entry[];
}

export class SignedConsole implements ConsoleDriver {
  private readonly options: SignedConsoleOptions;
  private readonly lane: SignedLane;
  private readonly secrets: Secrets;
  private profile: Profile;
  /** The last that had a section for the signed API; what was under way when it was taken away ends by it. */
  private signing: SigningProfile;
  private providerIds: readonly string[];
  private browserNeededAt = Number.NEGATIVE_INFINITY;

  constructor(options: SignedConsoleOptions) {
    const { keys, logger, now } = options;
    this.options = options;
    this.profile = options.profile;
    this.signing = options.profile;
    this.providerIds = options.providerIds;
    this.secrets = new Secrets(() => this.profile.secrets.fields);
    this.secrets.add(keys.privateKey);
    this.lane = new SignedLane({
      profile: () => this.signing,
      keys,
      onAnswer: (answer) => this.secrets.learn(answer),
      blot: (text) => this.secrets.blot(text),
      logger,
      now,
    });
  }

  setProfile(profile: Profile): void {
    this.profile = profile;
    if (isSigning(profile)) this.signing = profile;
    this.options.browser?.setProfile(profile);
  }

  setInstances(providerIds: readonly string[]): void {
    this.providerIds = providerIds;
    this.options.browser?.setInstances(providerIds);
  }

  session(): SessionState {
    const state = this.browser?.session() ?? "not_used";
    if (this.options.always || state === "logged_in") return state;
    return this.signedApi() === "answering" ? "not_used" : state;
  }

  signedApi(): SignedApiState | undefined {
    return this.signs ? this.lane.state : undefined;
  }

  async memoryBytes(): Promise<number | undefined> {
    return await this.options.browser?.memoryBytes();
  }

  async close(): Promise<void> {
    this.lane.close();
    await this.options.browser?.close();
  }

  /** Undefined where it must not run, or the profile leaves its lanes out. */
  private get browser(): BesideConsole | undefined {
    return this.profile.lanes.every((lane) => lane === "signed") ? undefined : this.options.browser;
  }

  /** The profile's lanes have the signed API among them. */
  private get signs(): boolean {
    return this.profile.lanes.includes("signed");
  }

  // ---- observe

  async observe(): Promise<PoolSighting> {
    const { lanes } = this.profile;
    const signed = async () => (await this.bySigned()).sighting;
    const { browser } = this;
    const beside = async (console: BesideConsole) => {
      this.browserNeededAt = this.options.now();
      return await console.observe();
    };
    const ways = [...(this.signs ? [signed] : []), ...(browser === undefined ? [] : [() => beside(browser)])];
    // Behind the browser where the profile says so, or where it failed a moment ago.
    if (this.signs && (lanes[0] !== "signed" || this.lane.resting)) ways.reverse();
    let failed: PoolSighting | undefined;
    for (const look of ways) {
      const sighting = await look();
      if (sighting.trouble === undefined) return sighting;
      failed = failed === undefined ? sighting : bothFailed(failed, sighting);
    }
    return failed ?? this.allUnknown("browser_down", NO_BROWSER);
  }

  private async bySigned(): Promise<SignedLook> {
    const { events, now } = this.options;
    const profile = asSigned(this.signing);
    const askedAt = now();
    const list = await this.lane.list(this.providerIds);
    events.observed("signed", (now() - askedAt) / 1_000);
    if (!list.ok) {
      events.failed(list.reason);
      return { sighting: this.allUnknown(list.reason, list.words, askedAt), entries: [] };
    }
    await this.leaveBrowser();
    const { entries } = list;
    const instances = this.each((id) => {
      const seen = fromApi(entries, id, profile);
      return seen.state === "unknown" ? { ...seen, words: this.secrets.blot(seen.words) } : seen;
    });
    const facts = factsOfAll(entries, this.providerIds, profile, askedAt);
    return { sighting: { askedAt, answeredAt: now(), instances, facts }, entries };
  }

  private async leaveBrowser(): Promise<void> {
    const { always, now } = this.options;
    const { browser } = this;
    if (browser === undefined || always || this.profile.lanes[0] !== "signed") return;
    if (now() - this.browserNeededAt >= LEAVE_AFTER_MS) await browser.leave();
  }

  // ---- compare

  async compare(): Promise<PoolSighting> {
    const { events } = this.options;
    let last = this.signs ? await this.bySigned() : undefined;
    if (last === undefined || last.sighting.trouble !== undefined)
      return await this.compareWithout(last?.sighting);
    for (let answers = 1; ; answers += 1) {
      const session = await this.bySession();
      if (session === undefined) await pause(APART_MS);
      const next = await this.bySigned();
      if (next.sighting.trouble !== undefined) return await this.compareWithout(next.sighting);
      const joined = this.join(last, session, next);
      // Once more, so that a change that was just under way is not taken for a disagreement.
      if (!joined.disagree) return joined.sighting;
      if (answers + 1 >= MOST_ANSWERS) {
        events.disagreed();
        events.failed("witnesses_disagree");
        return joined.sighting;
      }
      last = next;
    }
  }

  /** The signed API does not answer: the console's own two witnesses, where there is a browser. */
  private async compareWithout(failed: PoolSighting | undefined): Promise<PoolSighting> {
    const { browser } = this;
    if (browser === undefined) return failed ?? this.allUnknown("browser_down", NO_BROWSER);
    this.browserNeededAt = this.options.now();
    const sighting = await browser.compare();
    return sighting.trouble === undefined || failed === undefined ? sighting : bothFailed(failed, sighting);
  }

  /** What the page's API says, where a browser runs with a session; undefined where there is no such witness. */
  private async bySession(): Promise<PoolSighting | undefined> {
    const { always } = this.options;
    const { browser } = this;
    if (browser === undefined || !(always || browser.session() === "logged_in")) return undefined;
    const sighting = await browser.observe();
    return sighting.trouble === undefined ? sighting : undefined;
  }

  private join(before: SignedLook, session: PoolSighting | undefined, after: SignedLook) {
    const profile = asSigned(this.signing);
    const none = unknown("not_in_list", "The machine was not asked for.");
    const of = ({ instances }: PoolSighting, id: string): Sighting => instances.get(id) ?? none;
    const answered = (look: SignedLook, id: string) => {
      const entry = entryOf(look.entries, id, profile);
      return { sighting: of(look.sighting, id), ...(entry === undefined ? {} : { entry }) };
    };
    let disagree = false;
    const instances = this.each((id) => {
      const joined: Agreement =
        session === undefined
          ? agreementOfTwo(answered(before, id), answered(after, id), this.signing.signed.times)
          : agreementWithSession(of(before.sighting, id), of(session, id), of(after.sighting, id));
      disagree ||= joined.disagree;
      return joined.sighting;
    });
    return { sighting: { ...after.sighting, instances }, disagree };
  }

  private each(sightingOf: (id: string) => Sighting): ReadonlyMap<string, Sighting> {
    return new Map(this.providerIds.map((id) => [id, sightingOf(id)] as const));
  }

  private allUnknown(
    reason: NonNullable<PoolSighting["trouble"]>,
    words: string,
    askedAt = this.options.now(),
  ): PoolSighting {
    const sighting = unknown(reason, words);
    return { askedAt, answeredAt: this.options.now(), instances: this.each(() => sighting), trouble: reason };
  }

  // ---- act

  async act(request: ActionRequest): Promise<ActionResult> {
    let last: ActionResult | undefined;
    for (const lane of this.profile.lanes) {
      const result = lane === "signed" ? await this.sign(request) : await this.browse(request, lane);
      if (result === undefined) continue;
      if (endsTheTry(result)) return result;
      last = result;
    }
    return last ?? NO_LANE;
  }

  async planStop(request: PlanRequest): Promise<PlanResult> {
    const none: PlanResult = { outcome: "not_tried", message: NO_LANE.message };
    const signed = this.signs ? await this.lane.planStop(request) : none;
    const { browser } = this;
    // A browser is not opened for it: where one runs with a session it can do the same.
    if (signed.outcome !== "not_tried" || browser?.session() !== "logged_in") return signed;
    return (await browser.planStop?.(request)) ?? signed;
  }

  private async sign({ action, attemptId, providerId, allowed }: ActionRequest) {
    const { events, logger } = this.options;
    const result = await this.lane.act(action, providerId, allowed);
    if (result === undefined || result.outcome === "accepted") return result;
    events.failed(`${action}_${result.outcome}`);
    const { outcome, message: cause } = result;
    logger.warn(
      { attemptId, lane: "signed", action, result: outcome, cause },
      "An action did not go through",
    );
    return result;
  }

  private async browse(request: ActionRequest, lane: BrowserLane): Promise<ActionResult | undefined> {
    const { browser } = this;
    if (browser === undefined) return undefined;
    this.browserNeededAt = this.options.now();
    return await browser.act(request, [lane]);
  }
}

/** Nobody could tell; what each of the two said. */
function bothFailed(first: PoolSighting, second: PoolSighting): PoolSighting {
  const instances = new Map(
    [...second.instances].map(([id, sighting]): [string, Sighting] => {
      const before = first.instances.get(id);
      if (before?.state !== "unknown" || sighting.state !== "unknown") return [id, sighting];
      return [id, { ...sighting, words: `${before.words} ${sighting.words}` }];
    }),
  );
  return { ...second, askedAt: first.askedAt, instances };
}
