/** Tells what happens to the pool: to the log, to history, to metrics. Decides nothing. */
import { JUMP_WORDS, type Jump } from "@gpu-power-manager/shared/clock";
import type { InstanceState } from "@gpu-power-manager/shared/events";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { Outbound } from "@gpu-power-manager/shared/outbound";
import type { ActionResult, Sighting } from "../console/driver.ts";
import type { Recorder } from "../telemetry/recorder.ts";
import type { Decision } from "./decide/decision.ts";
import type { Ended } from "./instance/attempt.ts";
import type { Attempt } from "./instance/record.ts";
import type { Member } from "./member.ts";
import { type Pool, warningsOf } from "./pool.ts";

/** Longer than two looks at a machine that runs: who waits for longer waits for a machine. */
const WAITED_MS = 30_000;

export interface StoryParts {
  readonly poolName: () => string;
  readonly outbound: Outbound;
  readonly metrics: Recorder;
  readonly logger: Logger;
}

export class Story {
  private readonly parts: StoryParts;
  private lastDecided = "";
  private pool: Pool | undefined;
  /** Forgotten machines that were told of, by name. */
  private readonly forgotten = new Set<string>();

  constructor(parts: StoryParts) {
    this.parts = parts;
  }

  /** A pool file is in use, the first or a changed one; or a machine that it has forgotten needs no watching any more. */
  follows(pool: Pool, members: readonly Member[]): void {
    const { logger, metrics } = this.parts;
    if (pool !== this.pool) {
      for (const words of warningsOf(pool)) logger.warn({ words }, "The pool file may not be meant so");
    }
    this.pool = pool;
    for (const { instance } of members) metrics.mayActOn(instance.id);
    const forgotten = members.filter((member) => member.forgotten);
    for (const { instance, record } of forgotten) {
      const { id, providerId } = instance;
      if (this.forgotten.has(id)) continue;
      this.forgotten.add(id);
      logger.warn(
        { instance: id, providerId, state: record.state },
        "A machine that the pool file lists no more is still on; it is watched, and stopped when it is idle",
      );
    }
    for (const id of this.forgotten) {
      if (forgotten.some(({ instance }) => instance.id === id)) continue;
      this.forgotten.delete(id);
      logger.info({ instance: id }, "a machine that the pool file had forgotten is off, or listed again");
    }
  }

  clockJumped(jump: Jump): void {
    const { logger, metrics } = this.parts;
    metrics.clockJumped(jump.direction);
    logger.warn({ ...jump }, JUMP_WORDS[jump.direction]);
  }

  decided(decisions: readonly Decision[]): void {
    const { metrics, logger } = this.parts;
    for (const decision of decisions) metrics.decided(decision.reason);
    const words = decisions.map((decision) => `${decision.kind}:${decision.reason}`).join(" ");
    if (words !== this.lastDecided) logger.info({ decisions }, "decided");
    this.lastDecided = words;
  }

  /** An intent is written down. */
  intended(
    instance: string,
    attempt: Pick<Attempt, "attemptId" | "action" | "reason" | "at" | "demandSince">,
  ): void {
    const { outbound, logger, metrics, poolName } = this.parts;
    const { attemptId, action, reason, at, demandSince } = attempt;
    outbound.history({ kind: "intent", pool: poolName(), instance, at, attemptId, action, reason });
    logger.info({ instance, attemptId, reason }, `${action} requested`);
    if (demandSince !== null) metrics.startLatency(instance, "decide", at - demandSince);
  }

  /** The console's answer to an attempt. */
  answered(instance: string, attempt: Attempt, result: ActionResult, at: number): void {
    const { metrics, logger } = this.parts;
    const { attemptId, action } = attempt;
    const lane = result.outcome === "not_tried" ? "none" : result.lane;
    const ms = at - attempt.at;
    const soldOut = result.outcome === "refused" && result.soldOut;
    metrics.acted(instance, action, lane, soldOut ? "sold_out" : result.outcome);
    if (lane !== "none") metrics.called(action, lane, ms);
    if (result.outcome === "accepted") {
      if (action === "start") metrics.startLatency(instance, "command", ms);
      logger.info({ instance, attemptId, action, lane, ms }, "the console accepted");
    } else if (result.outcome === "uncertain") {
      const { message } = result;
      logger.warn(
        { instance, attemptId, action, lane, ms, message },
        "It is not known whether the console took the action; looking before anything else is tried",
      );
    }
  }

  changed(instance: string, from: InstanceState, to: InstanceState, at: number): void {
    this.parts.logger.info({ instance, from, to }, "the machine's state changed");
    this.state(instance, from, to, at, "observed");
  }

  /** Nobody saw the machine for a while: what it did then is not known, whatever it was before and is now. */
  unseen(
    instance: string,
    { from, to }: { readonly from: number; readonly to: number },
    before: InstanceState,
    now: InstanceState,
  ): void {
    const words = "nobody saw the machine for a while; what it did meanwhile is not known";
    this.parts.logger.info({ instance, before, now, ms: to - from }, words);
    this.state(instance, before, "unknown", from, "not_seen");
    this.state(instance, "unknown", now, to, "observed");
  }

  private state(instance: string, from: InstanceState, to: InstanceState, at: number, reason: string): void {
    const { outbound, poolName } = this.parts;
    outbound.history({ kind: "state", pool: poolName(), instance, at, from, to, reason });
  }

  ended(member: Member, { attempt, outcome, message }: Ended, at: number): void {
    const { outbound, logger, metrics, poolName } = this.parts;
    const instance = member.instance.id;
    const { attemptId, action, lane } = attempt;
    outbound.history({
      kind: "outcome",
      pool: poolName(),
      instance,
      at,
      attemptId,
      action,
      outcome,
      message,
      ...(lane === null ? {} : { lane }),
    });
    // The console's own answers have been counted when they came.
    if (outcome !== "refused" && outcome !== "sold_out" && outcome !== "not_tried")
      metrics.acted(instance, action, lane ?? "none", outcome);
    if (outcome === "succeeded") {
      if (action === "start") metrics.startLatency(instance, "boot", at - (attempt.sentAt ?? attempt.at));
      const ms = at - attempt.at;
      logger.info(
        { instance, attemptId, ms },
        action === "start" ? "the machine runs" : "the machine is stopped",
      );
    } else {
      const restMs = Math.max(0, member.record.restUntil - at);
      logger.error(
        { instance, attemptId, action, outcome, message, restMs },
        "An action failed; the machine rests before the next try",
      );
    }
  }

  doubted(instance: string, sighting: Extract<Sighting, { state: "unknown" }>): void {
    const { reason, words } = sighting;
    this.parts.logger.warn(
      { instance, reason, words },
      "The state is unknown; nothing is stopped until it is known",
    );
  }

  /** The dead man's switch was set, renewed (at: when the provider would stop it), or withdrawn (null). */
  planned(instance: string, at: number | null, failedSince: number | null): void {
    const { logger } = this.parts;
    const stopsAt = at === null ? null : new Date(at).toISOString();
    if (failedSince !== null)
      logger.info({ instance, stopsAt }, "the planned stop can be changed at the provider again");
    else logger.debug({ instance, stopsAt }, "the planned stop was changed at the provider");
  }

  planFailed(instance: string, at: number | null, message: string): void {
    this.parts.logger.error(
      { instance, message, wanted: at === null ? "withdrawn" : new Date(at).toISOString() },
      "The planned stop cannot be changed at the provider; trying again each minute",
    );
  }

  workerOnline(instance: string, ms: number, at: number): void {
    const { outbound, logger, poolName } = this.parts;
    logger.info({ instance, ms }, "a worker is online");
    outbound.history({ kind: "worker", pool: poolName(), instance, at, ms });
    this.parts.metrics.startLatency(instance, "worker", ms);
  }

  served(instance: string, jobs: number, oldestMs: number | null, at: number): void {
    const { logger, metrics, outbound, poolName } = this.parts;
    logger.info({ instance, jobs }, "waiting jobs see a running machine");
    // What came while it ran has waited for nobody, and history is not for each of them.
    if (oldestMs !== null && oldestMs >= WAITED_MS)
      outbound.history({
        kind: "served",
        pool: poolName(),
        instance,
        at,
        jobs,
        oldestMs: Math.round(oldestMs),
      });
    if (oldestMs !== null) metrics.startLatency(instance, "total", oldestMs);
  }
}
