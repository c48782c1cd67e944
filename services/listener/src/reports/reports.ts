/** GPU_REPORTS → frames to the gateway: acknowledged only when a registered connection has taken them. */
import { setTimeout } from "node:timers/promises";
import type { Bus } from "@gpu-power-manager/shared/bus";
import { describeError } from "@gpu-power-manager/shared/errors";
import { Report, STREAMS } from "@gpu-power-manager/shared/events";
import type { Logger } from "@gpu-power-manager/shared/logger";
import { AckPolicy, type JsMsg } from "nats";
import type { ListenerConfig } from "../config/environment.ts";
import type { Recorder } from "../telemetry/recorder.ts";
import { frameOf, isExpired } from "./frames.ts";

/** How long the server waits before it gives a report to another listener; longer than the two waits below. */
const ACK_WAIT_NS = 30 * 1_000_000_000;
/** While not registered, the server is told this often that the report is in hand. */
const WORKING_EVERY_MS = 10_000;
/** How long one request for a report stays open; after a break of NATS this is how long reports may lag. */
const PULL_MS = 2_000;
const SEND_AGAIN_MS = 50;
const RETRY_MS = 500;

export interface ReportsOptions {
  readonly bus: Bus;
  readonly pool: string;
  readonly config: Pick<ListenerConfig, "ONLINE_FRAME">;
  readonly send: (frame: Record<string, unknown>) => boolean;
  /** Resolves with true when the link is registered, with false after `maxMs` or when the service stops. */
  readonly whenRegistered: (maxMs: number) => Promise<boolean>;
  readonly recorder: Pick<Recorder, "reported">;
  /** The gateway was told. */
  readonly onSent: (kind: Report["kind"]) => void;
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Passes reports on until the signal; survives everything NATS does in between. */
export async function runReports(options: ReportsOptions): Promise<void> {
  const { logger, signal } = options;
  let troubled = false;
  while (!signal.aborted) {
    try {
      await consume(options, () => {
        troubled = false;
      });
    } catch (error) {
      if (signal.aborted) return;
      if (!troubled) logger.warn({ cause: describeError(error) }, "Reports cannot be read yet; trying again");
      troubled = true;
      // A server that came back with an empty disk has neither the consumer nor its stream.
      if (options.bus.connected()) await options.bus.ensureStreams().catch(() => undefined);
      await setTimeout(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

/**
 * One report at a time is in hand, and only while it can be said: a report that waits here unseen by the server
 * would be given out again, and said twice.
 */
async function consume(options: ReportsOptions, onAlive: () => void): Promise<void> {
  const { bus, pool, signal, whenRegistered } = options;
  const durable = `listener-${pool}`;
  await bus.manager.consumers.add(STREAMS.reports, {
    durable_name: durable,
    filter_subject: `gpu.reports.${pool}.>`,
    ack_policy: AckPolicy.Explicit,
    ack_wait: ACK_WAIT_NS,
  });
  const consumer = await bus.js.consumers.get(STREAMS.reports, durable);
  onAlive();
  while (!signal.aborted) {
    if (!(await whenRegistered(WORKING_EVERY_MS))) continue;
    const pulled = consumer.next({ expires: PULL_MS });
    const message = await orAborted(pulled, signal);
    if (message !== null) await pass(options, message);
    // One that still comes goes back at once; the next listener must not wait for it.
    else if (signal.aborted) pulled.then((late) => late?.nak()).catch(() => undefined);
  }
}

/** The promise's value, or null as soon as the signal aborts; leaves nothing behind on the signal. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  return await new Promise((resolve, reject) => {
    const stop = () => resolve(null);
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

async function pass(options: ReportsOptions, message: JsMsg): Promise<void> {
  const { config, send, whenRegistered, recorder, onSent, logger, now, signal } = options;
  let report: Report;
  try {
    report = Report.parse(message.json());
  } catch (error) {
    recorder.reported("other", "malformed");
    logger.error(
      { cause: describeError(error) },
      "A report has an unknown shape and is put aside; update the listener",
    );
    message.term();
    return;
  }
  for (;;) {
    if (isExpired(report, now())) {
      recorder.reported(report.kind, "expired");
      message.ack();
      return;
    }
    if (send(frameOf(report, config.ONLINE_FRAME))) {
      recorder.reported(report.kind, "sent");
      onSent(report.kind);
      logger.info({ kind: report.kind, reportId: report.reportId }, "report sent to the gateway");
      message.ack();
      return;
    }
    if (signal.aborted) {
      message.nak();
      return;
    }
    message.working();
    // A connection that is just closing still counts as registered: without a pause this would spin.
    await setTimeout(SEND_AGAIN_MS);
    await whenRegistered(WORKING_EVERY_MS);
  }
}
