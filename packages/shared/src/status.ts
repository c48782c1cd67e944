/** What power answers on `GET /api/v1/status`, and `gpuctl status` prints. Times are ISO 8601. */
import { z } from "zod";
import { InstanceState } from "./events.ts";
import { viewed } from "./history-page.ts";
import { Hold, Need } from "./holds-and-needs.ts";
import { BudgetNow, ScheduleNow } from "./policy-views.ts";

const Time = z.iso.datetime().nullable();

export const PowerStatus = z.object({
  pool: z.string(),
  /** Now, on the clock of the power whose view this is. */
  at: z.iso.datetime(),
  ...viewed,
  session: z.string(),
  /** When somebody logged in to it, and when its cookies say that it ends; null where nobody knows. */
  sessionBegunAt: Time.default(null),
  sessionEndsAt: Time.default(null),
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
      /** The planned stop that policy.deadMansSwitch keeps ahead; null where it keeps none. */
      deadMansSwitch: z
        .object({
          /** When the provider stops it, unless it is renewed before; null while none was taken. */
          stopsAt: Time,
          renewedAt: Time,
          /** Since when it cannot be changed at the provider, and why; null while it can. */
          failedSince: Time,
          words: z.string().nullable(),
        })
        .nullable()
        .default(null),
      /** What the provider told last beside the state; null where it told nothing. What it does not tell is null. */
      provider: z
        .object({
          at: z.iso.datetime(),
          /** Percent. */
          gpuUsage: z.number().nullable(),
          cpuUsage: z.number().nullable(),
          withoutGpu: z.boolean().nullable(),
          /** A start would find a GPU free; false: it would be refused. */
          available: z.boolean().nullable().default(null),
          pricePerHour: z.number().nullable(),
          offPricePerHour: z.number().nullable(),
          /** When it will delete the stopped machine with its data. */
          releaseAt: Time,
          expiresAt: Time,
          renews: z.boolean().nullable(),
          /** When it will stop the machine by itself, and whether power has planned that. */
          plannedStopAt: Time,
          plannedByPower: z.boolean().default(false),
        })
        .nullable()
        .default(null),
    }),
  ),
});
export type PowerStatus = z.infer<typeof PowerStatus>;
