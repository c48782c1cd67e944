/** Looks at the console, when that is due or wanted, and takes in what was seen. */
import { isDeepStrictEqual } from "node:util";
import type { ConsoleDriver, PoolSighting, Sighting } from "../console/driver.ts";
import { pauseBetweenLooks } from "./cadence.ts";
import type { Fleet } from "./fleet.ts";
import { afterLook } from "./instance/after-look.ts";
import { NO_LOOKS } from "./instance/looks.ts";
import type { Member } from "./member.ts";
import type { Pool } from "./pool.ts";
import type { SideWork } from "./side-work.ts";
import type { Story } from "./story.ts";

export interface ObserverParts {
  readonly pool: () => Pool;
  readonly driver: Pick<ConsoleDriver, "observe" | "compare">;
  readonly fleet: Fleet;
  readonly story: Story;
  readonly now: () => number;
  /** From 0 (inclusive) to 1. */
  readonly random: () => number;
}

interface ObserverContext {
  readonly side: SideWork;
  /** Attempts whose call to the console has not returned. */
  readonly calling: ReadonlySet<string>;
  /** The instance was seen to have come up. */
  readonly onUp: (instance: string) => void;
}

export class Observer {
  private readonly parts: ObserverParts;
  private readonly context: ObserverContext;
  private looking = false;
  /** What is under way says nothing of what has changed meanwhile: it is looked once more. */
  private again = false;
  private compareWanted = true;
  private lastLookAt = Number.NEGATIVE_INFINITY;
  private lastCompareAt = Number.NEGATIVE_INFINITY;
  private nextLookAt = Number.NEGATIVE_INFINITY;
  private troubles = 0;
  /** Looks that began before the last `forget` say nothing any more. */
  private generation = 0;

  constructor(parts: ObserverParts, context: ObserverContext) {
    this.parts = parts;
    this.context = context;
  }

  /** Something is on its way: the next look is no later than where a change is awaited. */
  lookSoon(): void {
    this.nextLookAt = Math.min(this.nextLookAt, this.parts.now() + this.parts.pool().policy.observe.changing);
  }

  /** The next look is due at once, and asks the API alone, which is quicker; the comparison follows. */
  lookNow(): void {
    this.again = this.looking;
    this.troubles = 0;
    this.compareWanted = false;
    this.lastCompareAt = this.parts.now();
    this.lastLookAt = Number.NEGATIVE_INFINITY;
    this.nextLookAt = Number.NEGATIVE_INFINITY;
  }

  /** The next look asks both witnesses. */
  compareNext(): void {
    this.compareWanted = true;
  }

  /** Nobody knows how old is what was seen: nothing counts until it is seen again, by both witnesses. */
  forget(): void {
    for (const member of this.parts.fleet.members) member.looks = NO_LOOKS;
    this.generation += 1;
    this.compareWanted = true;
    this.lastLookAt = Number.NEGATIVE_INFINITY;
    this.lastCompareAt = Number.NEGATIVE_INFINITY;
    this.nextLookAt = Number.NEGATIVE_INFINITY;
  }

  /**
   * Looks now, if it is time. @param wanted somebody waits for a look; @param onSeen it is taken in.
   * @returns when the next look is due; infinity while one is under way.
   */
  lookIfDue(wanted: boolean, onLook: () => () => void): number {
    const { now } = this.parts;
    if (this.looking) return Number.POSITIVE_INFINITY;
    const dueAt = wanted ? Math.min(this.nextLookAt, this.lastLookAt + this.spacing()) : this.nextLookAt;
    if (now() < dueAt) return dueAt;
    this.look(onLook());
    return Number.POSITIVE_INFINITY;
  }

  /** The least time between looks that a decision asks for. */
  private spacing(): number {
    return Math.min(this.parts.pool().policy.observe.changing * 2 ** Math.min(this.troubles, 10), 15_000);
  }

  private look(onSeen: () => void): void {
    const { driver, now, fleet } = this.parts;
    const busy = fleet.members.some((member) => member.record.attempt !== null);
    const doubtful = fleet.members.some((member) =>
      ["witnesses_disagree", "page_half_loaded"].includes(member.looks.unknown?.reason ?? ""),
    );
    const overdue = now() >= this.lastCompareAt + this.parts.pool().policy.observe.compare;
    const compare = !busy && (this.compareWanted || doubtful || overdue);
    this.looking = true;
    this.lastLookAt = now();
    if (compare) {
      this.compareWanted = false;
      this.lastCompareAt = now();
    }
    const { generation } = this;
    this.context.side.begin(compare ? driver.compare() : driver.observe(), async (sighting) => {
      if (generation !== this.generation) {
        this.look(onSeen);
        return;
      }
      await this.takeIn(sighting, compare);
      this.looking = false;
      if (this.again) this.lookNow();
      onSeen();
    });
  }

  private async takeIn(sighting: PoolSighting, compared: boolean): Promise<void> {
    const { fleet, now, random } = this.parts;
    this.troubles = sighting.trouble === undefined ? 0 : this.troubles + 1;
    for (const member of fleet.members) {
      const seen = sighting.instances.get(member.instance.providerId);
      if (seen !== undefined) await this.progress(member, sighting, seen, compared);
    }
    const { policy } = this.parts.pool();
    this.nextLookAt = now() + pauseBetweenLooks(fleet.views(), policy, this.troubles, random());
  }

  private async progress(
    member: Member,
    { askedAt, answeredAt, facts }: PoolSighting,
    sighting: Sighting,
    compared: boolean,
  ): Promise<void> {
    const { story } = this.parts;
    const { policy } = this.parts.pool();
    const instance = member.instance.id;
    const look = {
      sighting,
      askedAt,
      answeredAt,
      compared,
      facts: facts?.get(member.instance.providerId) ?? null,
    };
    const calling = this.context.calling.has(member.record.attempt?.attemptId ?? "");
    const apply = (record: Member["record"]) =>
      afterLook(record, member.looks, look, policy, member.instance, calling);
    const before = member.record.state;
    const { looks, changed, unseen, ended } = apply(member.record);
    await member.change((record) => {
      // A running machine's last sign changes with every look, and each is written: uptime is a counter, which
      // must never go back to what an older record says.
      const next = apply(record).record;
      return isDeepStrictEqual(next, record) ? record : next;
    });
    if (sighting.state === "unknown" && sighting.reason !== member.looks.unknown?.reason) {
      story.doubted(instance, sighting);
    }
    member.looks = looks;
    if (unseen !== null) story.unseen(instance, unseen, before, sighting.state);
    else if (changed !== null) story.changed(instance, changed.from, changed.to, answeredAt);
    if (changed !== null) {
      if (changed.to === "running" && changed.from !== "unknown" && !member.view().withoutGpu)
        this.context.onUp(instance);
    }
    if (ended !== null) {
      story.ended(member, ended, answeredAt);
      this.compareNext();
    }
  }
}
