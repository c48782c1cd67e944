/** How a planned stop is made, moved or withdrawn at the provider, as its profile says, and what its answer means. Pure. */
import type { ActionResult, PlanResult } from "./driver.ts";
import type { Entry } from "./interpret.ts";
import type { Profile } from "./profile.ts";

/** The call, by whichever lane it is sent; or why there is none. */
export type PlanCall =
  | { readonly action: string; readonly fields: Readonly<Record<string, string | number>> }
  | { readonly message: string };

/** @param entry the machine's own in the provider's last list. @param at null: it is withdrawn. */
export function planCallOf(
  { api }: Profile,
  entry: Entry | undefined,
  providerId: string,
  at: number | null,
): PlanCall {
  const { planStop } = api;
  if (planStop === undefined)
    return { message: "The profile does not say how its provider plans a stop (api.planStop)." };
  if (entry === undefined) return { message: "The machine is not in the provider's list." };
  const { action, fields: names } = at === null ? planStop.withdraw : planStop.set;
  const fields: Record<string, string | number> = { [api.list.id]: providerId };
  for (const name of names) {
    const value = entry[name];
    if (typeof value !== "string" && typeof value !== "number")
      return { message: `The provider's entry of the machine has no ${name}.` };
    fields[name] = value;
  }
  if (at !== null) for (const name of planStop.set.times) fields[name] = Math.floor(at / 1_000);
  return { action, fields };
}

/** What the provider's answer to it means. */
export function planned(result: ActionResult): PlanResult {
  if (result.outcome === "accepted") return { outcome: "accepted" };
  return { outcome: result.outcome, message: result.message };
}
