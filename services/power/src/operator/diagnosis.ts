/** What power can see of the way of a notice, asked afresh. */

import type { Bus } from "@gpu-power-manager/shared/bus";
import type { Diagnosis } from "@gpu-power-manager/shared/diagnosis";
import { BUCKETS, STREAMS, streamOfBucket } from "@gpu-power-manager/shared/events";
import { readMemory } from "@gpu-power-manager/shared/memory";
import type { NatsState } from "@gpu-power-manager/shared/nats-health";
import { readVersion } from "@gpu-power-manager/shared/version";
import { NatsError } from "nats";
import { z } from "zod";
import { consumerOf } from "../demand/intake.ts";
import type { Stage } from "../telemetry/stage.ts";
import type { Listeners } from "./listeners.ts";

/** Whoever asks waits; a server that does not answer within this says nothing. */
const PATIENCE_MS = 5_000;

/** Servers of 2.10 and newer tell their time with every answer about a stream. */
const ServerTime = z.object({ ts: z.iso.datetime({ offset: true }) });

export interface DiagnosisParts {
  readonly pool: string;
  readonly stage: Stage;
  readonly natsState: () => NatsState;
  /** Undefined before NATS was there once. */
  readonly bus: () => Bus | undefined;
  readonly listeners: Listeners;
  /** Every selector of the profile on the live page; or why they cannot be looked at. */
  readonly selectors: () => Promise<NonNullable<Diagnosis["selectors"]> | { readonly words: string }>;
}

export async function diagnose(parts: DiagnosisParts): Promise<Diagnosis> {
  const { stage, listeners } = parts;
  const { ready, words } = stage.readiness();
  const [nats, selectors] = await Promise.all([askNats(parts), parts.selectors()]);
  return {
    at: new Date().toISOString(),
    node: process.version,
    version: readVersion() ?? null,
    uptimeSeconds: Math.round(process.uptime()),
    memory: readMemory() ?? null,
    readiness: { ready, words },
    leads: stage.leads,
    otherPower: stage.otherPower,
    listeners: listeners.shown(),
    nats,
    selectors: "words" in selectors ? null : selectors,
    selectorsWords: "words" in selectors ? selectors.words : null,
  };
}

async function askNats({ bus, natsState, pool }: DiagnosisParts): Promise<Diagnosis["nats"]> {
  const state = natsState();
  const nothing = {
    server: null,
    roundTripMs: null,
    aheadSeconds: null,
    streams: [],
    missing: [],
    consumer: null,
  };
  const open = bus();
  if (open === undefined || state !== "connected") return { state, ...nothing };
  const late = new Promise<Diagnosis["nats"]>((resolve) => {
    setTimeout(() => resolve({ state, ...nothing }), PATIENCE_MS).unref();
  });
  return await Promise.race([askStreams(open, pool), late]);
}

async function askStreams({ connection, manager }: Bus, pool: string): Promise<Diagnosis["nats"]> {
  const missing: string[] = [];
  const gone = (name: string) => (error: unknown) => {
    if (error instanceof NatsError && error.api_error?.code === 404) missing.push(name);
    return null;
  };
  const asked = Date.now();
  const names = [...Object.values(STREAMS), streamOfBucket(BUCKETS.power)];
  const [roundTripMs, consumer, ...streams] = await Promise.all([
    connection.rtt().catch(() => null),
    manager.consumers.info(STREAMS.jobs, consumerOf(pool)).catch(gone(`the consumer ${consumerOf(pool)}`)),
    ...names.map((name) => manager.streams.info(name).catch(gone(`the stream ${name}`))),
  ]);
  const time = ServerTime.safeParse(streams.find((stream) => stream !== null));
  return {
    state: "connected",
    server: connection.info?.version ?? null,
    roundTripMs,
    aheadSeconds: time.success ? (Date.parse(time.data.ts) - (asked + Date.now()) / 2) / 1_000 : null,
    streams: streams.flatMap((stream) =>
      stream === null
        ? []
        : {
            name: stream.config.name,
            bytes: stream.state.bytes,
            limitBytes: stream.config.max_bytes > 0 ? stream.config.max_bytes : null,
            messages: stream.state.messages,
          },
    ),
    missing,
    consumer:
      consumer === null
        ? null
        : { waiting: consumer.num_pending + consumer.num_ack_pending, redelivered: consumer.num_redelivered },
  };
}
