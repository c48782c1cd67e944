/** What operators and programs ask power to hold or to keep on, as the API takes and tells it. */

import { z } from "zod";
import { change, Length, Time } from "./api.ts";

/** `as_is`: nothing is started or stopped. `on`: started and kept on. `off`: not started, stopped when nothing works. */
export const HOLD_MODES = ["as_is", "on", "off"] as const;
export const HoldMode = z.enum(HOLD_MODES);
export type HoldMode = z.infer<typeof HoldMode>;

export const HoldRequest = z.strictObject({
  ...change,
  mode: HoldMode.default("as_is"),
  for: Length.optional().meta({ description: "such as 2h; without it until somebody resumes" }),
});
export type HoldRequest = z.infer<typeof HoldRequest>;

export const Hold = z.object({
  mode: HoldMode,
  at: Time,
  until: Time.nullable(),
  reason: z.string(),
  by: z.string().meta({ description: "the actor, or the token's name" }),
});
export type Hold = z.infer<typeof Hold>;

export const HoldAnswer = z.object({ hold: Hold.nullable() });
export type HoldAnswer = z.infer<typeof HoldAnswer>;

/** A name that its owner chooses, so that saying it again renews the same need. */
export const NeedId = z.string().regex(/^[\w.:@-]{1,64}$/, "must be 1 to 64 letters, digits or . _ : @ -");

export const NeedRequest = z.strictObject({
  ...change,
  ttl: Length.meta({ description: "how long it lives unless it is said again, such as 5m" }),
});
export type NeedRequest = z.infer<typeof NeedRequest>;

export const Need = z.object({
  id: NeedId,
  since: Time,
  until: Time,
  reason: z.string(),
  by: z.string(),
});
export type Need = z.infer<typeof Need>;

export const NeedList = z.object({ needs: z.array(Need) });
export type NeedList = z.infer<typeof NeedList>;
