/** The decisions that hold and every condition behind them, as the API tells them. */

import { z } from "zod";
import { Time } from "./api.ts";
import { Token } from "./events.ts";
import { viewed } from "./history-page.ts";

const Bilingual = z.object({ en: z.string(), zh: z.string() });
const Condition = z.object({
  name: z.string(),
  words: Bilingual,
  holds: z.boolean(),
  value: z.string(),
  from: Time.nullable().meta({ description: "when it holds at the earliest, as far as that is known" }),
});

/** Why nothing, or just this, is done. */
export const Why = z.object({
  at: Time,
  ...viewed,
  decisions: z.array(
    z.object({
      kind: z.string(),
      reason: z.string(),
      words: Bilingual,
      instance: Token.nullable(),
      until: Time.nullable(),
    }),
  ),
  start: z.array(Condition).meta({ description: "all have to hold for a start" }),
  stops: z.array(
    z.object({
      instance: Token,
      conditions: z.array(Condition).meta({ description: "all have to hold for its stop" }),
    }),
  ),
  releases: z
    .array(
      z.object({
        instance: Token,
        conditions: z
          .array(Condition)
          .meta({ description: "all have to hold for a start that keeps it from being deleted" }),
      }),
    )
    .default([]),
  nextAt: Time.nullable().meta({ description: "when it is decided anew if nothing happens before" }),
});
export type Why = z.infer<typeof Why>;
