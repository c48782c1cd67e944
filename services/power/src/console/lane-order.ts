/** When an action that one lane has tried is tried by the next. Pure. */
import type { ActionResult } from "./driver.ts";

/** What may have been taken, or was refused for want of stock, is not tried another way. */
export function endsTheTry(result: ActionResult): boolean {
  if (result.outcome === "refused") return result.soldOut;
  return result.outcome !== "not_tried";
}

export const NO_LANE = {
  outcome: "not_tried",
  message: "No lane could be used: the machine is not in the provider's list.",
} satisfies ActionResult;
