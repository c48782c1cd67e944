/** What power answers on `GET /api/v1/status`, and `gpuctl status` prints. Times are ISO 8601. */
import { z } from "zod";
import { BudgetNow, Hold, Need, ScheduleNow, viewed } from "./api.ts";
import { InstanceState } from "./events.ts";

const Time = z.iso.datetime().nullable();

export const PowerStatus = z.object({
  pool: z.string(),
  /** Now, on the clock of the power whose view this is. */
  at: z.iso.datetime(),
  ...viewed,
  session: z.string(),
  /** Since when the notification path has been heard without a break; null while it is not. */
  listeningSince: Time,
  /** When the gateway was last asked whether a task is active, and when a frame last proved the notification path. */
  gatewayAskedAt: Time.default(null),
  pathProvenAt: Time.default(null),
  hold: Hold.nullable(),
  /** Who controls the console's page in the live view; null while power does. */
  control: z.object({ by: z.string(), since: z.iso.datetime() }).nullable().default(null),
  needs: z.array(Need),
  budgets: z.array(BudgetNow).default([]),
  /** What the schedules ask for now, and when that changes; null where the pool file has none. */
  schedule: ScheduleNow.nullable().default(null),
  demand: z.object({
    waitingJobs: z.number().int().nonnegative(),
    oldestWaitingAt: Time,
    bootRequests: z.number().int().nonnegative(),
    lastJobAt: Time,
    lastActivityAt: Time,
    counts: z.record(z.string(), z.number().int().nonnegative()),
  }),
  decisions: z.array(z.object({ kind: z.string(), reason: z.string(), instance: z.string().optional() })),
  instances: z.array(
    z.object({
      id: z.string(),
      providerId: z.string(),
      /** It is on, and the pool file lists it no more. */
      forgotten: z.boolean().default(false),
      state: InstanceState,
      /** Why the state is unknown; null when it is known. */
      words: z.string().nullable(),
      /** The same in a word. */
      unknownReason: z.string().nullable(),
      since: Time,
      observedAt: Time,
      /** When page and API last agreed on this state. */
      comparedAt: Time,
      runningSince: Time,
      uptimeSeconds: z.number().nonnegative(),
      /** What it has cost while it ran, ever, as far as prices were known; null where none ever was. */
      cost: z.number().nonnegative().nullable(),
      /** For so long it ran, ever, and nobody knew its price: what that cost is not in `cost`. */
      unpricedSeconds: z.number().nonnegative().default(0),
      /** What it has cost while it was off, since that is counted; null where nobody knows. */
      offCost: z.number().nonnegative().nullable().default(null),
      /** What an hour costs now, while it runs and while it is off; null where nobody knows. */
      pricePerHour: z.number().nonnegative().nullable().default(null),
      offPricePerHour: z.number().nonnegative().nullable().default(null),
      currency: z.string(),
      attempt: z
        .object({
          action: z.string(),
          attemptId: z.string(),
          at: Time,
          /** When the console took it; null while it has not, as far as is known. */
          sentAt: Time.default(null),
          lane: z.string().nullable().default(null),
        })
        .nullable(),
      failures: z.number().int().nonnegative(),
      restUntil: Time,
      restReason: z.string().nullable(),
      /** What the provider told last beside the state; null where it told nothing. What it does not tell is null. */
      provider: z
        .object({
          at: z.iso.datetime(),
          /** Percent. */
          gpuUsage: z.number().nullable(),
          cpuUsage: z.number().nullable(),
          withoutGpu: z.boolean().nullable(),
          pricePerHour: z.number().nullable(),
          offPricePerHour: z.number().nullable(),
          /** When it will delete the stopped machine with its data. */
          releaseAt: Time,
          expiresAt: Time,
          renews: z.boolean().nullable(),
          /** When it will stop the machine by itself. */
          plannedStopAt: Time,
        })
        .nullable()
        .default(null),
    }),
  ),
});
export type PowerStatus = z.infer<typeof PowerStatus>;
