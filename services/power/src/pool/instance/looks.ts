/** What this process saw of an instance at the console. Pure values. */
import type { InstanceState } from "@gpu-power-manager/shared/events";
import type { Facts, Sighting, UnknownReason } from "../../console/driver.ts";
import type { PriceTold } from "./spending.ts";

/** What this process saw; gone with it, so that after a restart it looks before it acts. */
export interface Looks {
  readonly askedAt: number | null;
  readonly unknown: { readonly reason: UnknownReason; readonly words: string } | null;
  readonly apiState: InstanceState | null;
  readonly unknownLooks: number;
  readonly comparedAt: number | null;
  /** When the last look was asked that saw it not running; null before the first. */
  readonly offAt: number | null;
  /** What the provider told last, with its time; null before it told anything. */
  readonly facts: Facts | null;
  /** Since when, look by look, it has told that a start would find no GPU free; null where it did not tell so last. */
  readonly soldOutSince: number | null;
  /** What it told last of an hour's price, while it runs and while it is off; a later answer may leave it out. */
  readonly price: PriceTold | null;
  readonly offPrice: PriceTold | null;
}

export const NO_LOOKS: Looks = {
  askedAt: null,
  unknown: { reason: "not_observed_yet", words: "The console has not been looked at yet." },
  apiState: null,
  unknownLooks: 0,
  comparedAt: null,
  offAt: null,
  facts: null,
  soldOutSince: null,
  price: null,
  offPrice: null,
};

/** One look at one instance. */
export interface Look {
  readonly sighting: Sighting;
  readonly askedAt: number;
  readonly answeredAt: number;
  /** Both witnesses were asked. */
  readonly compared: boolean;
  /** What the provider told beside the state; null where it told nothing. */
  readonly facts: Facts | null;
}
