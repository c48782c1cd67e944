/** Serves demand from what was seen, and answers the clients who asked for the machine or for its state. */
import { randomUUID } from "node:crypto";
import type { StatusQueryEvent } from "@gpu-power-manager/shared/events";
import type { Outbound } from "@gpu-power-manager/shared/outbound";
import { type BootRequest, type Demand, dropBoots, oldestPending, serve } from "../demand/demand.ts";
import type { KvDocument } from "../state/kv-document.ts";
import { announceRunning, answerQueries, bootRefusal } from "./answers.ts";
import type { Decision } from "./decide/decision.ts";
import type { Fleet } from "./fleet.ts";
import type { Pool } from "./pool.ts";
import type { Story } from "./story.ts";

/** Queries that are answered from one fresh look; more come only from a flood. */
const MAX_QUERIES = 100;

export interface ServingParts {
  readonly pool: () => Pool;
  readonly demand: KvDocument<typeof Demand>;
  readonly fleet: Fleet;
  readonly outbound: Outbound;
  readonly story: Story;
  readonly now: () => number;
}

interface ServingContext {
  /** What was decided last. */
  readonly decisions: () => readonly Decision[];
}

export class Serving {
  private readonly parts: ServingParts;
  private readonly queries: StatusQueryEvent[] = [];
  private readonly startedAt: number;
  private readonly context: ServingContext;

  constructor(parts: ServingParts, context: ServingContext) {
    this.parts = parts;
    this.context = context;
    this.startedAt = parts.now();
  }

  /** Clients ask for the state: answered at once from what is known, then again from a fresh look. */
  query(queries: readonly StatusQueryEvent[]): void {
    const taken = queries.slice(0, MAX_QUERIES - this.queries.length);
    this.answer(taken, false);
    this.queries.push(...taken);
  }

  /** Somebody waits for an answer from a fresh look. */
  get lookWanted(): boolean {
    return this.queries.length > 0;
  }

  /** A look begins: whoever has asked until now is answered from it, by what is returned. */
  readonly onLook = (): (() => void) => {
    const asked = this.queries.splice(0);
    return () => this.answer(asked, true);
  };

  private answer(queries: readonly StatusQueryEvent[], fresh: boolean): void {
    const { outbound, pool, fleet, now } = this.parts;
    const listed = fleet.listed.map((member) => member.view());
    answerQueries(outbound, pool().pool, queries, listed, fresh, this.context.decisions(), now());
  }

  /** What waited for a machine that was since seen running is served. */
  async serveDemand(): Promise<void> {
    const { demand, fleet, now, story } = this.parts;
    for (const member of fleet.listed) {
      const view = member.view();
      // One without its GPU is seen running and can do nothing: what waits goes on waiting, where it is seen.
      if (
        view.state !== "running" ||
        view.withoutGpu ||
        view.askedAt === null ||
        view.attempt?.action === "stop"
      )
        continue;
      const askedAt = view.askedAt;
      const oldest = oldestPending(demand.value);
      const { served, boots, demand: next } = serve(demand.value, askedAt);
      if (next === demand.value) continue;
      await demand.change((value) => serve(value, askedAt).demand);
      if (boots.length > 0) this.announce(member.instance.id, boots);
      if (served > 0)
        story.served(member.instance.id, served, oldest === null ? null : now() - oldest, now());
    }
  }

  /** The first worker after a start is taken for the machine's own, where just one machine runs. */
  noticeWorker(): void {
    const at = this.parts.demand.value.lastWorkerOnlineAt;
    const running = this.parts.fleet.members.filter((member) => member.record.runningSince !== null);
    const [member] = running;
    if (at === null || member === undefined || running.length > 1) return;
    const { runningSince, workerFrom } = member.record;
    if (runningSince === null || workerFrom === null) return;
    // What came before this process was told by the one before.
    if (at < workerFrom || at < this.startedAt) return;
    if (member.workerSeenIn === runningSince) return;
    member.workerSeenIn = runningSince;
    this.parts.story.workerOnline(member.instance.id, at - runningSince, at);
  }

  /** An instance has come up: boot requests are answered one by one when they are served, all others hear it once. */
  readonly onUp = (instance: string): void => {
    if (this.parts.demand.value.boots.length === 0) this.announce(instance, []);
  };

  private announce(instance: string, boots: readonly BootRequest[]): void {
    announceRunning(this.parts.outbound, this.parts.pool().pool, instance, boots, this.parts.now());
  }

  /** Tells those whose boot requests cannot be met now; resolves to whether there were any. */
  async refuseBoots(decisions: readonly Decision[]): Promise<boolean> {
    const { demand, outbound, now } = this.parts;
    const { boots } = demand.value;
    const message = boots.length > 0 ? bootRefusal(decisions) : undefined;
    if (message === undefined) return false;
    for (const { requestId } of boots) {
      if (requestId === undefined) continue;
      const pool = this.parts.pool().pool;
      outbound.report({ kind: "boot_result", pool, at: now(), reportId: randomUUID(), requestId, message });
    }
    await demand.change((value) => dropBoots(value, boots));
    return true;
  }
}
