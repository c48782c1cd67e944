/**
 * The operator's API: what power answers under `/api/v1`, and what gpuctl and the page ask. One schema a document;
 * docs/openapi.json is made from them. Times are ISO 8601, lengths of time are written as `90s` or `2h`.
 */

import { z } from "zod";
import { Duration } from "./duration.ts";
import { Token } from "./events.ts";

export const API_PATH = "/api/v1";

export const Time = z.iso.datetime();

/** RFC 9457. `code` is what a program may tell errors apart by; it is also the end of `type`. */
export const PROBLEMS = {
  bad_request: { status: 400, title: "The request cannot be understood" },
  unauthorized: { status: 401, title: "The token is missing or wrong" },
  forbidden: { status: 403, title: "This token may not do that" },
  forged: { status: 403, title: "The change may not come from the operator's page" },
  foreign_host: { status: 403, title: "The Host header names another server" },
  not_found: { status: 404, title: "There is no such thing" },
  stands_by: { status: 409, title: "Another power acts" },
  refused: { status: 409, title: "That is refused now" },
  too_large: { status: 413, title: "The body is too large" },
  too_many_tries: { status: 429, title: "Too many wrong tokens came from this address" },
  too_many_streams: { status: 429, title: "Too many streams are open" },
  internal: { status: 500, title: "Power failed to answer" },
  not_configured: { status: 503, title: "The API has no token" },
  not_ready: { status: 503, title: "Power cannot answer yet" },
} as const;
export type ProblemCode = keyof typeof PROBLEMS;

export const Problem = z.object({
  type: z.string().meta({ description: "urn:gpu-power-manager:problem: and the code" }),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().meta({ description: "what is wrong, where, and what to do" }),
});
export type Problem = z.infer<typeof Problem>;

/** Who acts and why; with every change. */
export const change = {
  reason: z
    .string()
    .trim()
    .min(1, "say why, in a few words")
    .max(200)
    .meta({ description: "why; it is kept in history" }),
  actor: z
    .string()
    .trim()
    .min(1)
    .max(64)
    .optional()
    .meta({ description: "the person or program in whose name; gpuctl sends the user's name" }),
};
export const Change = z.strictObject(change);
export type Change = z.infer<typeof Change>;

export const Order = z.strictObject({
  ...change,
  force: z.boolean().default(false).meta({
    description: "a stop while work is pending, active or unknown; history says who forced it",
  }),
});
export type Order = z.infer<typeof Order>;

export const Ordered = z.object({
  instance: Token,
  action: z.enum(["start", "stop"]),
  attemptId: z.string().meta({ description: "the attempt that has begun; history tells how it ends" }),
});
export type Ordered = z.infer<typeof Ordered>;

export const Reloaded = z.object({ reloaded: z.literal(true) });
export type Reloaded = z.infer<typeof Reloaded>;

/** A length of time as text in the request, milliseconds once parsed. */
export const Length = z.string().pipe(Duration);

/** A one-time link to the operator's page, with the rights of the token that asked for it. */
export const PageLinkRequest = z.strictObject({ actor: change.actor });
export const PageLink = z.object({
  url: z.url().nullable().meta({
    description: "where the page is opened; null where PUBLIC_URL is not set: then as the API is asked",
  }),
  query: z.string().meta({ description: "what comes behind the page's address" }),
  until: Time,
});
export type PageLink = z.infer<typeof PageLink>;

/** Who is told of what happens, by the pool file. */
export const HookList = z.object({
  hooks: z.array(
    z.object({
      name: Token,
      kind: z.enum(["webhook", "command"]),
      waitingSince: Time.nullable().meta({
        description:
          "when the oldest event happened that it has refused and is offered again; null where none is",
      }),
      failures: z.int().nonnegative().meta({ description: "refusals in a row" }),
      trouble: z.string().nullable().meta({ description: "why it refused last; null once it has taken one" }),
      takenAt: Time.nullable().meta({ description: "when it last took an event of this power" }),
    }),
  ),
});
export type HookList = z.infer<typeof HookList>;

export const HookTestRequest = z.strictObject({
  hook: Token.optional().meta({ description: "only this one; all of them without it" }),
  actor: change.actor,
});
export const HookTests = z.object({
  tests: z.array(
    z.object({
      name: Token,
      taken: z.boolean(),
      trouble: z.string().nullable().meta({ description: "why it did not take the event" }),
    }),
  ),
});
export type HookTests = z.infer<typeof HookTests>;

/** What power runs with, without anything secret. */
export const EffectiveConfig = z.object({
  service: z.literal("power"),
  node: z.string(),
  /** The environment's variables as they were read; of a secret only whether it is set. */
  environment: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  pool: z.record(z.string(), z.unknown()).meta({ description: "the pool file in use, defaults filled in" }),
  profile: z.object({ name: z.string(), file: z.string(), url: z.string() }),
});
export type EffectiveConfig = z.infer<typeof EffectiveConfig>;
