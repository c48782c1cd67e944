/** How the record of a planned stop of ours moves on with each call to the provider. Pure values in, values out. */
import type { PlanResult } from "../../console/driver.ts";
import type { OwnPlan } from "../decide/planned-stop.ts";

/** Between tries while the provider does not take it; many of these are in the time that a plan is ahead. */
const AGAIN_MS = 60_000;

const NO_PLAN: OwnPlan = {
  at: null,
  asked: [],
  renewedAt: null,
  failedSince: null,
  words: null,
  againAt: 0,
};

/** Written down before it is sent: after a crash nobody takes it for somebody else's. */
export function asking(plan: OwnPlan | null, at: number | null, now: number): OwnPlan {
  const known = plan ?? NO_PLAN;
  // What lies in the past the provider has done, or will not do.
  const asked = known.asked.filter((each) => each > now && each !== at);
  return { ...known, asked: at === null ? asked : [...asked, at], againAt: now + AGAIN_MS };
}

/** @param at what was asked for; null: to withdraw it. @param askedAt when. */
export function afterAsking(
  plan: OwnPlan | null,
  at: number | null,
  result: PlanResult,
  askedAt: number,
): OwnPlan | null {
  if (plan === null) return null;
  if (result.outcome === "accepted")
    return at === null ? null : { ...NO_PLAN, at, renewedAt: askedAt, againAt: 0 };
  return {
    ...plan,
    // What was certainly not taken this time may have been before.
    failedSince: plan.failedSince ?? askedAt,
    words: result.message,
  };
}
