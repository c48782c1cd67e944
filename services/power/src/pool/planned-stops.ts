/** Keeps the dead man's switch: one call to the provider at a time, written down before and after. */
import type { ConsoleDriver, PlanResult } from "../console/driver.ts";
import { decidePlans, type PlanStep } from "./decide/planned-stop.ts";
import type { Snapshot } from "./decide/snapshot.ts";
import type { Fleet } from "./fleet.ts";
import { afterAsking, asking } from "./instance/own-plan.ts";
import type { SideWork } from "./side-work.ts";
import type { Story } from "./story.ts";

const CANNOT: PlanResult = {
  outcome: "not_tried",
  message: "The profile does not say how this provider's planned stop is set (api.planStop).",
};

export interface PlannedStopsParts {
  readonly driver: Pick<ConsoleDriver, "planStop">;
  readonly fleet: Fleet;
  readonly story: Story;
  readonly now: () => number;
  /** Whether this power holds the lease at this very moment. */
  readonly mayAct: () => boolean;
}

export class PlannedStops {
  private readonly parts: PlannedStopsParts;
  private readonly side: SideWork;
  private calling = false;

  constructor(parts: PlannedStopsParts, side: SideWork) {
    this.parts = parts;
    this.side = side;
  }

  /** Takes the most pressing step, where none is under way. @throws when it cannot be written down; then nothing was sent. */
  async keep(snapshot: Snapshot): Promise<void> {
    const { now, mayAct } = this.parts;
    if (this.calling || !mayAct()) return;
    const [step] = decidePlans(snapshot, now());
    if (step !== undefined) await this.take(step);
  }

  private async take(step: PlanStep): Promise<void> {
    const { fleet, driver, now, mayAct, story } = this.parts;
    const member = fleet.find(step.instance);
    if (member === undefined) return;
    if (step.kind === "forget") {
      await member.change((record) => ({ ...record, plan: null }));
      return;
    }
    const askedAt = now();
    const at = step.kind === "set" ? step.at : null;
    await member.change((record) => ({ ...record, plan: asking(record.plan, at, askedAt) }));
    const { providerId } = member.instance;
    this.calling = true;
    const call = driver.planStop?.({ providerId, at, allowed: mayAct }) ?? Promise.resolve(CANNOT);
    this.side.begin(call, async (result) => {
      this.calling = false;
      const before = member.record.plan;
      await member.change((record) => ({
        ...record,
        plan: afterAsking(record.plan, at, result, askedAt),
      }));
      if (result.outcome === "accepted") story.planned(step.instance, at, before?.failedSince ?? null);
      else if (before?.failedSince == null) story.planFailed(step.instance, at, result.message);
    });
  }
}
