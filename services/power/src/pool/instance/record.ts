/** The durable record of an instance, kept in KV. Times are milliseconds since 1970 on this process's clock. */
import { InstanceState, LANES } from "@gpu-power-manager/shared/events";
import { z } from "zod";
import type { Instance } from "../pool.ts";
import { NOTHING_SPENT, Spent } from "./spending.ts";

const Time = z.number().int().nonnegative();

const Attempt = z.object({
  attemptId: z.string(),
  action: z.enum(["start", "stop"]),
  reason: z.string(),
  at: Time,
  /** `intended`: written down, perhaps sent; `sent`: the console took it, or may have. */
  phase: z.enum(["intended", "sent"]),
  sentAt: Time.nullable(),
  lane: z.enum(LANES).nullable(),
  /** The machine was seen on its way (starting, stopping) since. */
  sawChange: z.boolean(),
  /** When the oldest job came for which this is done, on the listener's clock. */
  demandSince: Time.nullable(),
});
export type Attempt = z.infer<typeof Attempt>;

export const InstanceRecord = z.object({
  version: z.literal(1),
  providerId: z.string(),
  /** What the pool file says that it costs. */
  terms: z
    .object({ pricePerHour: z.number().nonnegative().exactOptional(), currency: z.string() })
    .nullable()
    .default(null),
  /** The last state that was known; `unknown` only before the first. */
  state: InstanceState,
  stateSince: Time,
  attempt: Attempt.nullable(),
  /** Failed attempts in a row. */
  failures: z.number().int().nonnegative(),
  restUntil: Time,
  restReason: z.string().nullable(),
  /** It rests because its provider refused the last start for want of stock. */
  restsSoldOut: z.boolean().default(false),
  /** When starts were sent, within the last hour. */
  starts: z.array(Time),
  /** The start of ours that the machine is, or may be, on by; null where it is off, or somebody else's. */
  ownStart: z
    .object({
      at: Time,
      /** A person ordered it. */
      ordered: z.boolean(),
      /** We stopped waiting for it, and tried another machine. */
      givenUp: z.boolean(),
      /** It was to keep the machine from being deleted. */
      forRelease: z.boolean().default(false),
    })
    .nullable()
    .default(null),
  runningSince: Time.nullable(),
  /** When the last look was asked that saw it not running yet, before its present run; null where none is known. */
  upFrom: Time.nullable().default(null),
  /** From when a worker that comes online is this run's: its start, or where that is not ours, the first sight. */
  workerFrom: Time.nullable().default(null),
  lastRunningAt: Time.nullable(),
  /** When its GPU was last seen computing more than policy calls idle, since it was off; null where it was not. */
  gpuBusyAt: Time.nullable().default(null),
  /** The planned stop of its provider that power has set, or may have set. */
  plan: z
    .object({
      at: Time.nullable(),
      asked: z.array(Time).readonly(),
      renewedAt: Time.nullable(),
      failedSince: Time.nullable(),
      words: z.string().nullable(),
      againAt: Time,
    })
    .nullable()
    .default(null),
  /** When it last came up for not being deleted. */
  keptFromReleaseAt: Time.nullable().default(null),
  /** Finished runs together, without the current one. */
  uptimeMs: z.number().nonnegative(),
  /** What the finished runs cost, in the instance's currency, at the prices of their times, as far as these were known. */
  cost: z.number().nonnegative(),
  /** For so long of the finished runs no price was known. */
  unpricedMs: z.number().nonnegative().default(0),
  /** What the present run has cost until now. */
  run: Spent.default(NOTHING_SPENT),
  /** What it has cost while it was off, ever. `until` is null while it is not. */
  off: Spent.default(NOTHING_SPENT),
});
export type InstanceRecord = z.infer<typeof InstanceRecord>;

export function newRecord(instance: Pick<Instance, "providerId">): InstanceRecord {
  return {
    version: 1,
    providerId: instance.providerId,
    terms: null,
    state: "unknown",
    stateSince: 0,
    attempt: null,
    failures: 0,
    restUntil: 0,
    restReason: null,
    restsSoldOut: false,
    starts: [],
    ownStart: null,
    runningSince: null,
    upFrom: null,
    workerFrom: null,
    lastRunningAt: null,
    gpuBusyAt: null,
    plan: null,
    keptFromReleaseAt: null,
    uptimeMs: 0,
    cost: 0,
    unpricedMs: 0,
    run: NOTHING_SPENT,
    off: NOTHING_SPENT,
  };
}
