/** What power can see of the way of a notice, as `gpuctl diagnose` reads it. */

import { z } from "zod";
import { Time } from "./api.ts";
import { ListenerAbout } from "./events.ts";
import { Memory } from "./memory.ts";
import { SelectorFound } from "./profile-doctor.ts";

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
