/** The profile doctor's questions and answers, as the API takes and tells them. */

import { z } from "zod";
import { Time } from "./api.ts";
import { Token } from "./events.ts";

/** One line of the profile that looks for something, on the live page where nothing was clicked. */
export const SelectorFound = z.object({
  name: z.string().meta({ description: "its place in the profile, such as page.row" }),
  selector: z.string(),
  verdict: z
    .enum(["found", "missing", "ambiguous", "not_shown"])
    .meta({ description: "`not_shown`: nothing says that it should be there now" }),
  words: z.string(),
  count: z.int().meta({ description: "visible elements" }),
  texts: z.array(z.string()).meta({ description: "theirs, each once, of the first of them" }),
  unlisted: z.array(z.string()).optional().meta({ description: "texts that page.states does not list" }),
  boxes: z
    .array(z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() }))
    .meta({ description: "where the first of them are in the page's window, in CSS pixels" }),
});
export type SelectorFound = z.infer<typeof SelectorFound>;

/** The profile held against the live console. */
export const ProfileCheck = z.object({
  at: Time,
  profile: z.string().meta({ description: "its name, without .yaml" }),
  url: z.string(),
  selectors: z.array(SelectorFound).nullable(),
  selectorsWords: z.string().nullable().meta({ description: "why they cannot be looked for" }),
  api: z
    .object({
      machines: z.int().nullable().meta({ description: "in the answer; null where it is no list" }),
      words: z.string().nullable().meta({ description: "what is wrong with the answer as a whole" }),
      fields: z.array(
        z.object({
          name: z.string(),
          field: z.string(),
          verdict: z.enum(["found", "missing", "not_told"]),
          count: z.int().meta({ description: "machines of which the provider tells it" }),
          words: z.string(),
        }),
      ),
      unlisted: z.array(z.string()).meta({ description: "words for a state that the profile does not list" }),
    })
    .nullable(),
  apiWords: z.string().nullable(),
});
export type ProfileCheck = z.infer<typeof ProfileCheck>;

export const PointQuery = z.object({
  line: z.string().min(1).max(100).meta({ description: "the profile's line, such as page.row" }),
  x: z.coerce.number().nonnegative().meta({ description: "in the page's window, in CSS pixels" }),
  y: z.coerce.number().nonnegative(),
});
export type PointQuery = z.infer<typeof PointQuery>;

/** Selectors for one line of the profile that match the element at a point of the page alone, the best first. */
export const Pointed = z.object({
  line: z.string(),
  tag: z.string(),
  text: z.string(),
  proposals: z.array(
    z.object({
      selector: z.string(),
      covers: z
        .int()
        .meta({ description: "rows in which it finds one; 0 where it is not looked for in rows" }),
      elsewhere: z.array(z.string()).meta({ description: "what it matches outside of the list's rows" }),
    }),
  ),
});
export type Pointed = z.infer<typeof Pointed>;

export const ProfileChange = z.object({
  line: z.string().min(1).max(100),
  value: z.string().min(1).max(1_000),
});
export type ProfileChange = z.infer<typeof ProfileChange>;

/** The profile's file as it is, and as it would be; power writes neither. */
export const ProfileText = z.object({ profile: z.string(), before: z.string(), after: z.string() });
export type ProfileText = z.infer<typeof ProfileText>;

export const DryRunRequest = z.object({ instance: Token, action: z.enum(["start", "stop"]) });
export type DryRunRequest = z.infer<typeof DryRunRequest>;

/** A start or stop, walked through on the page up to the click that acts. */
export const DryRun = z.object({
  instance: Token,
  action: z.enum(["start", "stop"]),
  steps: z.array(
    z.object({
      name: z.string(),
      selector: z.string(),
      verdict: z.enum(["found", "missing", "ambiguous"]),
      words: z.string(),
      text: z.string().nullable().meta({ description: "of the element" }),
      clicked: z.boolean(),
      picture: z.string().nullable().meta({ description: "an artifact's name, without .png" }),
    }),
  ),
  stopped: z.array(z.string()).meta({ description: "requests of the page that were not let out" }),
  words: z.string(),
});
export type DryRun = z.infer<typeof DryRun>;

export const LearnRequest = z.object({ instance: Token, action: z.enum(["start", "stop"]) });
export type LearnRequest = z.infer<typeof LearnRequest>;
export const Learning = z.object({ words: z.string() });
export type Learning = z.infer<typeof Learning>;

/** A part of the profile, made from what a person did by hand. Values that may be secret are not in it. */
export const Learnt = z.object({
  action: z.enum(["start", "stop"]),
  yaml: z.string().nullable().meta({ description: "null where the request that acted was not seen" }),
  remarks: z.array(z.string()).meta({ description: "what a person should look at" }),
  text: ProfileText.nullable().meta({ description: "null where the profile could not be used with it" }),
});
export type Learnt = z.infer<typeof Learnt>;
