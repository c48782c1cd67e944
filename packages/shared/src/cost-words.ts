/** What a machine has cost, in words for people. */
import { formatDuration } from "./duration.ts";
import type { Words } from "./reason-words.ts";
import type { PowerStatus } from "./status.ts";

type Costs = Pick<
  PowerStatus["instances"][number],
  "cost" | "unpricedSeconds" | "offCost" | "pricePerHour" | "currency"
>;

/** What is not known is said to be so, and is never 0. */
export function costWords({ cost, unpricedSeconds, offCost, pricePerHour, currency }: Costs): Words {
  const unpriced = formatDuration(unpricedSeconds * 1_000);
  const words =
    cost === null
      ? { en: "its cost is unknown: nobody told its price", zh: "费用未知：没有价格信息" }
      : unpricedSeconds > 0
        ? {
            en: `${cost.toFixed(2)} ${currency} and what ${unpriced} cost of which the price is unknown`,
            zh: `${cost.toFixed(2)} ${currency}，另有 ${unpriced} 价格未知`,
          }
        : { en: `${cost.toFixed(2)} ${currency}`, zh: `${cost.toFixed(2)} ${currency}` };
  const off =
    offCost === null
      ? { en: "", zh: "" }
      : {
          en: `, while off ${offCost.toFixed(2)} ${currency}`,
          zh: `，关机期间 ${offCost.toFixed(2)} ${currency}`,
        };
  const price =
    pricePerHour === null
      ? { en: "", zh: "" }
      : { en: ` (now ${pricePerHour.toFixed(2)} an hour)`, zh: `（当前每小时 ${pricePerHour.toFixed(2)}）` };
  return { en: `${words.en}${off.en}${price.en}`, zh: `${words.zh}${off.zh}${price.zh}` };
}
