/** What an instance costs, look by look, at the price of its time; where no price is known, so is no cost. Pure. */
import { z } from "zod";
import type { Facts } from "../../console/driver.ts";
import type { Instance } from "../pool.ts";
import type { Looks } from "./looks.ts";
import type { InstanceRecord } from "./record.ts";

/** A price that the provider told is taken for the price until then: prices change by the month, and answers have gaps. */
const PRICE_VALID_MS = 6 * 3_600_000;
/** A machine that is off costs little; its record is written so often for it, and not with every look. */
export const OFF_STEP_MS = 300_000;
const HOUR_MS = 3_600_000;

/** What one stretch of time, or several, have cost, in the instance's currency. */
export const Spent = z.object({
  /** As far as a price was known. */
  cost: z.number().nonnegative(),
  /** For so long none was: what that cost is unknown, and not 0. */
  unpricedMs: z.number().nonnegative(),
  /** Up to when it is counted; null before anything was. */
  until: z.number().int().nonnegative().nullable(),
});
export type Spent = z.infer<typeof Spent>;

export const NOTHING_SPENT: Spent = { cost: 0, unpricedMs: 0, until: null };

/** What an hour costs, in the instance's currency; null where nobody knows. */
export interface Prices {
  readonly running: number | null;
  readonly off: number | null;
}

/** A price that the provider told, when, and in which currency; null where its profile does not say. */
export interface PriceTold {
  readonly perHour: number;
  readonly at: number;
  readonly currency: string | null;
}

/** The last prices that the provider told: those of this look, where it told any. */
export function pricesTold(before: Pick<Looks, "price" | "offPrice">, facts: Facts | null) {
  const told = (perHour: number | undefined, last: PriceTold | null): PriceTold | null =>
    facts === null || perHour === undefined
      ? last
      : { perHour, at: facts.askedAt, currency: facts.currency ?? null };
  return {
    price: told(facts?.pricePerHour, before.price),
    offPrice: told(facts?.offPricePerHour, before.offPrice),
  };
}

/** What an hour costs now: what the pool file says, or else what the provider told not long ago in the same currency. */
export function pricesOf(
  { pricePerHour, currency }: Pick<Instance, "pricePerHour" | "currency">,
  looks: Pick<Looks, "price" | "offPrice">,
  now: number,
): Prices {
  const known = (told: PriceTold | null) =>
    told !== null && told.currency === currency && now < told.at + PRICE_VALID_MS ? told.perHour : null;
  return { running: pricePerHour ?? known(looks.price), off: known(looks.offPrice) };
}

/** Counts on until then. @param from where nothing is counted yet. */
export function spend(spent: Spent, pricePerHour: number | null, until: number, from: number): Spent {
  const ms = Math.max(0, until - (spent.until ?? from));
  return pricePerHour === null
    ? { ...spent, unpricedMs: spent.unpricedMs + ms, until }
    : { ...spent, cost: spent.cost + (ms / HOUR_MS) * pricePerHour, until };
}

/** What it has cost while it ran, ever; null where no price was ever known. It is at least so much where some was not. */
export function cost(record: InstanceRecord): number | null {
  return known(record.cost + record.run.cost, unpricedMs(record));
}

/** For so long it ran, ever, and nobody knows at what price. */
export function unpricedMs(record: Pick<InstanceRecord, "unpricedMs" | "run">): number {
  return record.unpricedMs + record.run.unpricedMs;
}

/** What it has cost while it was off, since that is counted; null where no price was ever known. */
export function offCost({ off }: Pick<InstanceRecord, "off">): number | null {
  return off.until === null && off.cost === 0 && off.unpricedMs === 0
    ? null
    : known(off.cost, off.unpricedMs);
}

function known(cost: number, unpriced: number): number | null {
  return cost === 0 && unpriced > 0 ? null : cost;
}
