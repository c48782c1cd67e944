import { authoritiesEnv } from "@gpu-power-manager/shared/authorities";
import { busEnv } from "@gpu-power-manager/shared/bus";
import { Duration } from "@gpu-power-manager/shared/duration";
import { integer, serviceEnv } from "@gpu-power-manager/shared/env";
import { Token } from "@gpu-power-manager/shared/events";
import { z } from "zod";

/** The longest pause that may be configured between tries; a gateway that is back must not wait longer for us. */
const BACKOFF_CAP_MS = 5_000;

const duration = (fallback: string, minMs: number, maxMs: number, description: string) =>
  z
    .string()
    .default(fallback)
    .pipe(Duration)
    .refine((ms) => ms >= minMs && ms <= maxMs, { error: `must be from ${minMs} ms to ${maxMs} ms` })
    .meta({ description });

/** A database that is no number would silently be number 0. */
function namesRedis(text: string): boolean {
  if (!URL.canParse(text) || !/^rediss?:\/\/[^/\s]+/i.test(text)) return false;
  const { pathname, searchParams } = new URL(text);
  return /^\/?\d*$/.test(pathname) && /^\d+$/.test(searchParams.get("db") ?? "0");
}

/** The environment of the listener; from it comes the table in the README. Durations are milliseconds. */
export const ListenerEnv = z
  .object({
    DSP_URL: z
      .string()
      // A fragment would make the WebSocket constructor throw at every try.
      .refine((text) => URL.canParse(text) && /^wss?:\/\/[^/?#\s]+\/[^#\s]*$/i.test(text), {
        error: "must be a ws:// or wss:// address with a path, such as wss://dsp.example.com/dsp",
      })
      .meta({
        description:
          "the gateway's WebSocket; with wss its certificate is verified (CA_DIR adds authorities)",
      }),
    ...busEnv,
    ...authoritiesEnv,
    POOL: z.string().default("default").pipe(Token).meta({ description: "the pool that notices are for" }),
    REGISTER_AGAIN: duration(
      "3s",
      50,
      300_000,
      "the registration is said again at least this often: it stands for a ping, and heals one that the gateway has lost",
    ),
    QUIET_LIMIT: duration(
      "3s",
      20,
      300_000,
      "a silence after which the connection has to prove itself; with PONG_TIMEOUT, how soon a dead one is replaced",
    ),
    PONG_TIMEOUT: duration(
      "6s",
      50,
      60_000,
      "how long any answer may take before the connection is replaced",
    ),
    PING_INTERVAL: duration(
      "25s",
      50,
      300_000,
      "a ping at least this often, where the gateway does not answer a registration that is said again",
    ),
    REGISTER_TIMEOUT: duration(
      "5s",
      50,
      60_000,
      "how long connecting, and then the gateway's answer to the registration, may each take",
    ),
    BACKOFF_MIN: duration(
      "250ms",
      1,
      BACKOFF_CAP_MS,
      "the first pause between tries to connect; the very first try waits for none",
    ),
    // Below the 2 s within which the listener has to be registered again once the gateway accepts.
    BACKOFF_MAX: duration("1500ms", 1, BACKOFF_CAP_MS, "the longest pause between tries to connect"),
    PROBE_INTERVAL: duration(
      "30s",
      100,
      3_600_000,
      "how often the path client → gateway → monitor is proven by a question of our own",
    ),
    PROBE_TIMEOUT: duration(
      "5s",
      50,
      60_000,
      "how long such a question may take; after two that were not heard the listener registers anew",
    ),
    DSP_REDIS_URL: z
      .string()
      .refine(namesRedis, {
        error:
          "must be a redis:// or rediss:// address with the number of the database or none, such as rediss://user:password@redis.example.com:6379/0",
      })
      .optional()
      .meta({
        description:
          "the gateway's Redis, read for jobs that no notice told of; never written to, so a user with +scan +lrange +hvals +time +select on dsp:* is enough (select only for a database other than 0); rediss is TLS with a verified certificate",
        secret: true,
      }),
    BACKLOG_INTERVAL: duration(
      "5s",
      100,
      600_000,
      "how often the gateway's backlog is read; less often by itself where that would take more than 2 % of the time",
    ),
    BACKLOG_GRACE: duration(
      "10s",
      50,
      600_000,
      "how long a job may lie in the backlog until its notice has come, before it counts as missed",
    ),
    ON_GAP: z
      .enum(["alert", "assume-demand"], { error: "must be alert or assume-demand" })
      .default("alert")
      .meta({
        description:
          "what a gap in the notification path means where the backlog cannot be read: an alert alone, or a job that starts the GPU",
      }),
    ASSUME_AFTER: duration(
      "60s",
      1_000,
      86_400_000,
      "how long a gap has to be for ON_GAP=assume-demand to take it for a job",
    ),
    FRAME_LIMIT_BYTES: z
      .string()
      .default("1048576")
      .pipe(integer(1_024, 64 * 1024 * 1024))
      .meta({ description: "largest frame in bytes that is read" }),
    OUTBOX_LIMIT: z
      .string()
      .default("10000")
      .pipe(integer(10, 1_000_000))
      .meta({ description: "events kept one by one while NATS is away; further jobs are folded into one" }),
    ONLINE_FRAME: z.enum(["booted", "online"], { error: "must be booted or online" }).default("booted").meta({
      description:
        "how clients hear that the machine runs: gpu.power.booted, or gpu.power.online for older gateways",
    }),
    STATE_DIR: z.string().optional().meta({
      description: "folder where events are kept while NATS does not take them; without it a stop loses them",
    }),
    ...serviceEnv(9101),
  })
  .refine((env) => env.BACKOFF_MIN <= env.BACKOFF_MAX, {
    error: "BACKOFF_MIN is longer than BACKOFF_MAX: lower one or raise the other",
  });
export type ListenerConfig = z.output<typeof ListenerEnv>;
