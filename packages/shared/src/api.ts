/**
 * The operator's API: what power answers under `/api/v1`, and what gpuctl and the page ask. One schema a document;
 * docs/openapi.json is made from them. Times are ISO 8601, lengths of time are written as `90s` or `2h`.
 */
import { z } from "zod";
import { Duration } from "./duration.ts";
import {
  BudgetEntry,
  GapEntry,
  HistoryEntry,
  JobEvent,
  ListenerAbout,
  LoginEntry,
  OperatorEntry,
  ReportEntry,
  Token,
} from "./events.ts";
import { Memory } from "./memory.ts";

export const API_PATH = "/api/v1";

const Time = z.iso.datetime();

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
const change = {
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

/** What history may be asked for. */
export const HISTORY_KINDS = [
  "attempt",
  "intent",
  "outcome",
  "state",
  "worker",
  "served",
  "report",
  "budget",
  "gap",
  "login",
  "hold",
  "need",
  "operator",
] as const;

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

export const HistoryQuery = z.strictObject({
  instance: Token.optional(),
  kind: z.enum(HISTORY_KINDS).optional().meta({
    description:
      "`attempt` is intent and outcome; `hold` and `need` are what operators did about them; `operator` is all that they did",
  }),
  since: Time.optional(),
  until: Time.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  before: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .meta({ description: "`next` of the page before; the newest entries without it" }),
});
export type HistoryQuery = z.infer<typeof HistoryQuery>;

export const GapQuery = HistoryQuery.omit({ kind: true, instance: true });

export const Happening = z.discriminatedUnion("kind", [
  ...HistoryEntry.options,
  GapEntry,
  LoginEntry,
  OperatorEntry,
  ReportEntry,
  BudgetEntry,
]);
export type Happening = z.infer<typeof Happening>;

export const HistoryPage = z.object({
  entries: z
    .array(z.object({ sequence: z.int().positive(), at: Time, entry: Happening }))
    .meta({ description: "newest first" }),
  next: z.int().positive().nullable().meta({ description: "for `before`; null on the last page" }),
});
export type HistoryPage = z.infer<typeof HistoryPage>;

/** Whose view a document is: a power that stands by tells what the one that acts has said last. */
export const viewed = {
  actingInstance: z
    .string()
    .nullable()
    .meta({ description: "the power that acts, whose view this is; null while nobody is known to act" }),
  asOf: Time.meta({ description: "when that power said so, on its clock; `at` is now on the same clock" }),
};

export const ArtifactQuery = z.strictObject({
  attempt: z.string().min(1).max(64).optional().meta({ description: "only those of this attempt" }),
});

/** A job on its way: heard by a listener, stored by NATS, taken into demand by power; each time on its own clock. */
export const JobTaken = JobEvent.pick({
  eventId: true,
  type: true,
  taskType: true,
  requestId: true,
  keyHash: true,
  source: true,
  count: true,
}).extend({ heardAt: Time, storedAt: Time, takenAt: Time });
export type JobTaken = z.infer<typeof JobTaken>;

export const ArtifactList = z.object({
  artifacts: z.array(
    z.object({ name: z.string(), bytes: z.int().nonnegative(), at: Time, kind: z.enum(["png", "html"]) }),
  ),
});
export type ArtifactList = z.infer<typeof ArtifactList>;

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

/** What power can see of the way of a notice, for `gpuctl diagnose`. Ages and lengths are in seconds. */
export const Diagnosis = z.object({
  at: Time,
  node: z.string(),
  /** Of power's image; null where it runs from sources. */
  version: z.string().nullable(),
  uptimeSeconds: z.number(),
  /** Of the container that power runs in; null where it runs in none. */
  memory: Memory.nullable(),
  readiness: z.object({ ready: z.boolean(), words: z.string() }),
  leads: z.boolean(),
  otherPower: z.string().nullable(),
  /** Listeners heard within the last minutes, the latest first. */
  listeners: z.array(
    z.object({
      name: z.string(),
      silentSeconds: z.number(),
      /** How far its clock is ahead of ours, as far as its last sign tells. */
      aheadSeconds: z.number(),
      registered: z.boolean(),
      provenSecondsAgo: z.number().nullable(),
      about: ListenerAbout.nullable(),
    }),
  ),
  nats: z.object({
    state: z.enum(["away", "refused", "connected"]),
    server: z.string().nullable(),
    roundTripMs: z.number().nullable(),
    /** How far the server's clock is ahead of ours; null where it does not tell. */
    aheadSeconds: z.number().nullable(),
    streams: z.array(
      z.object({
        name: z.string(),
        bytes: z.int(),
        limitBytes: z.int().nullable(),
        messages: z.int(),
      }),
    ),
    /** Streams, buckets or consumers that are not there. */
    missing: z.array(z.string()),
    consumer: z.object({ waiting: z.int(), redelivered: z.int() }).nullable(),
  }),
  selectors: z.array(SelectorFound).nullable(),
  selectorsWords: z.string().nullable(),
});
export type Diagnosis = z.infer<typeof Diagnosis>;

export const SCHEDULE_EFFECTS = ["keepOn", "warmUp", "quiet"] as const;

/** What the schedules ask for at a moment. */
export const ScheduleNow = z.object({
  timeZone: z.string().meta({ description: "by its IANA name; the rules are written by its wall clock" }),
  keepsOn: z.boolean(),
  warming: z.boolean().meta({ description: "it is started for a time that has not begun yet" }),
  rule: z.string().nullable().meta({ description: "the rule that is in force; null where none is" }),
  quiet: z.boolean(),
  noStarts: z.boolean().meta({ description: "a job that comes waits for the end of the quiet time" }),
  nextChangeAt: Time.nullable().meta({ description: "null where nothing changes within eight days" }),
});
export type ScheduleNow = z.infer<typeof ScheduleNow>;

export const BUDGET_PERIODS = ["day", "week", "month"] as const;

/** A budget of the pool file, and what is spent of it. */
export const BudgetNow = z.object({
  period: z.enum(BUDGET_PERIODS),
  amount: z.number(),
  spent: z.number().meta({ description: "as far as prices are known" }),
  left: z.number(),
  currency: z.string(),
  warnAt: z.number(),
  whenSpent: z.enum(["alert", "no_new_starts", "stop_when_idle_at_once"]),
  from: Time,
  until: Time,
  countedSince: Time.meta({ description: "later than `from` where what came before is unknown" }),
  unpricedSeconds: z
    .number()
    .meta({ description: "so long nobody knew a price: what that cost is not in `spent`" }),
  goneAt: Time.nullable().meta({
    description: "when it will be gone at the pace so far; null where not within the period",
  }),
});
export type BudgetNow = z.infer<typeof BudgetNow>;

/** What is asked of history: how it would have been with another idle time. */
export const WhatIfQuery = z.strictObject({
  idle: z.union([z.literal("auto"), Length]).meta({ description: "such as 15m, or auto" }),
  since: Length.default(14 * 86_400_000).meta({ description: "how far back, such as 14d; at most 35d" }),
});
export type WhatIfQuery = z.infer<typeof WhatIfQuery>;

export const WhatIf = z.object({
  from: Time.meta({ description: "later than was asked for where nothing is known of before" }),
  until: Time,
  spells: z.int().nonnegative().meta({ description: "of work, with gaps between them" }),
  bootSeconds: z.number().nullable().meta({ description: "a usual start; null where none was seen" }),
  currency: z.string(),
  runs: z
    .array(
      z.object({
        idle: z.string(),
        hours: z.number(),
        cost: z.number().nullable().meta({ description: "at today's price; null where that is unknown" }),
        starts: z.int(),
        waitingSeconds: z.number(),
        worstWaitSeconds: z.number(),
      }),
    )
    .meta({ description: "the policy in force, the one that is asked for, and hindsight's best" }),
});
export type WhatIf = z.infer<typeof WhatIf>;

/** The windows of the next seven days, in order. */
export const ScheduleAhead = z.object({
  at: Time,
  until: Time,
  timeZone: z.string(),
  windows: z.array(
    z.object({
      rule: z.string(),
      effect: z.enum(SCHEDULE_EFFECTS),
      from: Time.meta({ description: "when it takes effect; before `begins` where it warms up" }),
      begins: Time,
      until: Time,
      idleTimeoutSeconds: z.number().nullable(),
      noStarts: z.boolean(),
    }),
  ),
});
export type ScheduleAhead = z.infer<typeof ScheduleAhead>;

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
