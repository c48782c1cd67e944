/** The check of the gateway's backlog, wired: ledger, Redis, JetStream and KV together. */
import { randomUUID } from "node:crypto";
import type { Bus } from "@gpu-power-manager/shared/bus";
import type { JobEvent } from "@gpu-power-manager/shared/events";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { ListenerConfig } from "../config/environment.ts";
import type { Delivery } from "../outbox/delivery.ts";
import type { Recorder } from "../telemetry/recorder.ts";
import { Inheritance } from "./inheritance.ts";
import { Ledger } from "./ledger.ts";
import { Pace } from "./pace.ts";
import { openReader } from "./reader.ts";
import type { BacklogView } from "./view.ts";
import { BacklogWatch, type BacklogWatchOptions } from "./watch.ts";

/**
 * How long the first reading waits for the registration. A predecessor that overlaps with us may hear jobs until
 * then that we do not: what it keeps before that moment is what we have to know.
 */
const REGISTERED_MS = 2_000;
/** How long NATS may take to have everything before the ledger is kept another time. */
const SETTLE_MS = 2_000;

export interface BacklogOptions extends Pick<BacklogWatchOptions, "pool" | "now" | "log"> {
  readonly config: Pick<ListenerConfig, "DSP_REDIS_URL" | "BACKLOG_INTERVAL" | "BACKLOG_GRACE">;
  /** Resolves when we hear notices ourselves, or after so many milliseconds. */
  readonly whenRegistered: (maxMs: number) => Promise<unknown>;
  readonly delivery: Delivery;
  readonly logger: Logger;
  readonly recorder: Pick<Recorder, "missed" | "backlogRead">;
}

/** The check of the backlog as configured; undefined where the gateway's Redis is not known. */
export function openBacklog(options: BacklogOptions): Backlog | undefined {
  const { DSP_REDIS_URL, BACKLOG_INTERVAL, BACKLOG_GRACE } = options.config;
  if (DSP_REDIS_URL === undefined) return undefined;
  return new Backlog(DSP_REDIS_URL, { pace: new Pace(BACKLOG_INTERVAL), graceMs: BACKLOG_GRACE }, options);
}

export class Backlog {
  readonly watch: BacklogWatch;
  readonly pace: Pace;
  private readonly options: BacklogOptions;
  private readonly ledger: Ledger;
  private readonly reader;
  private inheritance: Inheritance | undefined;

  /** Nothing is connected before `run`. */
  constructor(
    redisUrl: string,
    times: Pick<BacklogWatchOptions, "pace" | "graceMs">,
    options: BacklogOptions,
  ) {
    const { pool, now, log, delivery, recorder } = options;
    this.options = options;
    this.pace = times.pace;
    this.ledger = new Ledger(times.graceMs, randomUUID());
    this.reader = openReader(redisUrl);
    this.watch = new BacklogWatch({
      ...times,
      pool,
      now,
      log,
      reader: this.reader,
      ledger: this.ledger,
      offer: (outgoing) => delivery.offer(outgoing),
      onMissed: recorder.missed,
      onChecked: recorder.backlogRead,
      onSettled: () => this.keep(),
    });
  }

  /** How it stands, for whoever asks whether the listener is ready. */
  get view(): BacklogView {
    const { watch, pace } = this;
    return {
      read: watch.checkedAt !== undefined,
      trouble: watch.troubled,
      part: watch.part,
      slowed: pace.slowed,
      readingMs: pace.readingMs,
      intervalMs: pace.intervalMs,
      aheadMs: watch.aheadMs,
    };
  }

  /** A notice came; returns the id to publish it under, where it names no request. */
  heard({ type, taskType, keyHash, requestId }: JobEvent): string | undefined {
    return this.ledger.heard({ type, taskType, keyHash }, requestId);
  }

  /** Takes over from the listener before, and checks until the signal. */
  async run(bus: Bus, signal: AbortSignal): Promise<void> {
    const { pool, logger, whenRegistered } = this.options;
    signal.addEventListener("abort", () => this.reader.close(), { once: true });
    await whenRegistered(REGISTERED_MS);
    this.inheritance = new Inheritance(bus, pool, logger);
    const predecessor = await this.inheritance.load(signal);
    if (predecessor !== undefined) this.ledger.inherit(predecessor);
    await this.watch.run(signal);
  }

  /** Reads now, not only at the next interval; resolves when NATS has what was found. */
  async tell(): Promise<void> {
    if (await this.watch.read()) await this.options.delivery.flush();
  }

  private async keep(): Promise<void> {
    const { delivery } = this.options;
    const { relay } = delivery;
    await relay.flush(SETTLE_MS);
    // What NATS does not have yet must not be handed over as known.
    if (delivery.depth > 0 || !this.ledger.changed) return;
    const text = this.handOver();
    if (text === undefined) return;
    relay.hold();
    try {
      if ((await this.inheritance?.keep(text)) === false) this.ledger.notKept();
    } finally {
      relay.release();
    }
  }

  /** Leaves everything to whoever comes next; to be called when nothing more is published. */
  async leave(): Promise<void> {
    if (this.options.delivery.depth > 0) return;
    const text = this.handOver();
    if (text !== undefined) await this.inheritance?.leave(text);
  }

  private handOver(): string | undefined {
    const state = this.ledger.stateFor(randomUUID());
    const text = this.inheritance?.write(state);
    if (text !== undefined) this.ledger.handedOver(state);
    return text;
  }
}
