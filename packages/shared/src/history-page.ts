/** What can be read of history and of what was kept with it, as the API answers. */

import { z } from "zod";
import { Time } from "./api.ts";
import { JobEvent, Token } from "./events.ts";
import {
  BudgetEntry,
  GapEntry,
  HistoryEntry,
  LoginEntry,
  OperatorEntry,
  ReportEntry,
} from "./history-entries.ts";

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
