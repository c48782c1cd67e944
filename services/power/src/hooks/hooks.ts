/**
 * Tells hooks of what happens. GPU_HISTORY is the queue: everything that a hook is told stands there already, in its
 * order and for longer than any outage, so nothing is written twice and the main job waits for nobody. How far each hook
 * has come is kept in KV after each delivery, so after a crash the last one may come again, with the same id.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Bus } from "@gpu-power-manager/shared/bus";
import { describeError } from "@gpu-power-manager/shared/errors";
import { STREAMS } from "@gpu-power-manager/shared/events";
import type { Logger } from "@gpu-power-manager/shared/logger";
import { z } from "zod";
import { readStretch, type Stored } from "../operator/history.ts";
import { KvDocument } from "../state/kv-document.ts";
import { backOffMs } from "./back-off.ts";
import { deliver, type Refusal } from "./delivery.ts";
import { type HookEvent, hookBody, hookEventOf } from "./hook-event.ts";
import type { HookTarget } from "./hook-target.ts";

/** Events and a changed pool file wake; this guarantees. */
const LOOK_EVERY_MS = 10_000;
/** However short a rest is: history is not asked for without a pause. */
const LEAST_PAUSE_MS = 50;
/** Entries of history that are read at a time. */
const STEP = 200;
/** What could not be delivered for so long is given up: one event that a receiver never takes must not hold up all others. */
const GIVE_UP_MS = 3 * 86_400_000;

export const HOOK_OUTCOMES = ["taken", "failed", "given_up"] as const;
export type HookOutcome = (typeof HOOK_OUTCOMES)[number];

/** For each hook the sequence in GPU_HISTORY with which it goes on. */
const Positions = z.record(z.string(), z.int().positive());
type PositionDocument = KvDocument<typeof Positions>;

export interface HooksParts {
  readonly bus: Bus;
  readonly pool: string;
  readonly targets: () => readonly HookTarget[];
  /** Of the pool file. */
  readonly folder: string;
  readonly mayAct: () => boolean;
  readonly now: () => number;
  readonly logger: Logger;
  readonly onOutcome: (hook: string, outcome: HookOutcome) => void;
  /** 0 to 1; tests give their own. */
  readonly random?: () => number;
}

export interface HookView {
  readonly name: string;
  readonly kind: "webhook" | "command";
  /** Since when its oldest event waits that it has not taken, milliseconds; null where none does. */
  readonly waitingSince: number | null;
  readonly failures: number;
  readonly trouble: string | null;
  readonly takenAt: number | null;
}

interface Progress {
  running: boolean;
  failures: number;
  notBefore: number;
  waitingSince: number | null;
  trouble: string | null;
  takenAt: number | null;
}

export class Hooks {
  private readonly parts: HooksParts;
  private readonly positions: PositionDocument;
  private readonly progress = new Map<string, Progress>();
  private wakeUp = () => {};

  private constructor(parts: HooksParts, positions: PositionDocument) {
    this.parts = parts;
    this.positions = positions;
  }

  /** @throws when NATS cannot be asked how far they have come. */
  static async open(parts: HooksParts): Promise<Hooks> {
    const { bus, pool, mayAct } = parts;
    const positions = await KvDocument.open({
      kv: bus.kv,
      key: `hooks.${pool}`,
      schema: Positions,
      initial: () => ({}),
      mayWrite: mayAct,
      expendable: true,
    });
    return new Hooks(parts, positions);
  }

  view(): HookView[] {
    return this.parts.targets().map(({ name, command }) => {
      const {
        failures = 0,
        waitingSince = null,
        trouble = null,
        takenAt = null,
      } = this.progress.get(name) ?? {};
      return {
        name,
        kind: command === undefined ? "webhook" : "command",
        waitingSince,
        failures,
        trouble,
        takenAt,
      };
    });
  }

  /** Tries each hook, or the named one, with an event that calls itself a test; nothing is queued. */
  async test(
    id: string,
    only?: string,
  ): Promise<Array<{ readonly name: string; readonly refusal: Refusal }>> {
    const { pool, targets, folder, now } = this.parts;
    const body = hookBody("test", pool, now(), {
      message: "Somebody ran gpuctl hooks test; nothing has happened.",
    });
    const chosen = targets().filter(({ name }) => only === undefined || name === only);
    const signal = new AbortController().signal;
    return await Promise.all(
      chosen.map(async (target) => ({
        name: target.name,
        refusal: await deliver(target, { id, body }, { folder, now, signal }),
      })),
    );
  }

  /** Delivers until the signal; nothing that goes wrong here ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const { bus, pool } = this.parts;
    const subscription = bus.connection.subscribe(`gpu.history.${pool}.*`, { callback: () => this.wakeUp() });
    signal.addEventListener("abort", () => this.wakeUp(), { once: true });
    const under = new Set<Promise<void>>();
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.wakeUp = resolve;
      });
      for (const target of this.parts.targets()) {
        const serving = this.serve(target, signal).finally(() => under.delete(serving));
        under.add(serving);
      }
      const timer = new AbortController();
      await Promise.race([
        woken,
        sleep(this.pauseMs(), undefined, { signal: timer.signal }).catch(() => undefined),
      ]);
      timer.abort();
    }
    subscription.unsubscribe();
    await Promise.allSettled(under);
  }

  /** Something may have come, or a hook. */
  wake(): void {
    this.wakeUp();
  }

  private pauseMs(): number {
    const now = this.parts.now();
    const rests = [...this.progress.values()]
      .filter(({ waitingSince }) => waitingSince !== null)
      .map(({ notBefore }) => Math.max(LEAST_PAUSE_MS, notBefore - now));
    return Math.min(LOOK_EVERY_MS, ...rests);
  }

  private async serve(target: HookTarget, signal: AbortSignal): Promise<void> {
    const { logger, now } = this.parts;
    const fresh = {
      running: false,
      failures: 0,
      notBefore: 0,
      waitingSince: null,
      trouble: null,
      takenAt: null,
    };
    const progress: Progress = this.progress.get(target.name) ?? fresh;
    this.progress.set(target.name, progress);
    if (progress.running || now() < progress.notBefore) return;
    progress.running = true;
    try {
      await this.catchUp(target, progress, signal);
    } catch (error) {
      // NATS is away, or the lease is: what waits is still there afterwards.
      logger.debug(
        { hook: target.name, cause: describeError(error) },
        "history cannot be read for a hook yet",
      );
    } finally {
      progress.running = false;
      // When it is to be tried again is known only now.
      if (progress.waitingSince !== null) this.wakeUp();
    }
  }

  private async catchUp(target: HookTarget, progress: Progress, signal: AbortSignal): Promise<void> {
    const { bus, pool, mayAct, logger } = this.parts;
    const { name } = target;
    const { state } = await bus.manager.streams.info(STREAMS.history);
    const [first, last] = [Math.max(1, state.first_seq), state.last_seq];
    const kept = this.positions.value[name];
    // A hook that is new hears of what comes, not of the year before. A stream that was made again begins anew.
    let next = kept === undefined ? last + 1 : kept > last + 1 ? first : kept;
    if (kept !== undefined && next < first) {
      logger.error(
        { hook: name, from: next, to: first - 1 },
        "History was lost before a hook was told of it",
      );
      next = first;
    }
    if (next !== kept) await this.keep(name, next);
    while (next <= last && !signal.aborted && mayAct()) {
      const upper = Math.min(last, next + STEP - 1);
      for (const stored of await readStretch(bus, `gpu.history.${pool}.*`, next, upper)) {
        const event = hookEventOf(stored.entry);
        if (event === undefined || (target.events !== undefined && !target.events.includes(event.name)))
          continue;
        if (!(await this.offer(target, stored, event, progress, signal))) return;
        await this.keep(name, stored.sequence + 1);
      }
      next = upper + 1;
      await this.keep(name, next);
    }
    progress.waitingSince = null;
  }

  /** @returns whether the next one may be offered. */
  private async offer(
    target: HookTarget,
    { sequence, at, entry }: Stored,
    event: HookEvent,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { pool, folder, now, logger, onOutcome, random = Math.random } = this.parts;
    const { name: hook } = target;
    // The time tells apart sequences of a stream that was made again.
    const letter = { id: `${pool}-${sequence}-${at}`, body: hookBody(event.name, pool, at, event.data) };
    const refusal = await deliver(target, letter, { folder, now, signal });
    if (signal.aborted && refusal !== undefined) return false;
    const fields = { hook, event: event.name, id: letter.id, kind: entry.kind };
    if (refusal === undefined) {
      progress.failures = 0;
      progress.waitingSince = null;
      progress.trouble = null;
      progress.takenAt = now();
      onOutcome(hook, "taken");
      logger.debug(fields, "a hook was told");
      return true;
    }
    progress.trouble = refusal;
    if (now() - at > GIVE_UP_MS) {
      onOutcome(hook, "given_up");
      logger.error({ ...fields, cause: refusal }, "A hook has not taken an event for days; it is given up");
      return true;
    }
    progress.failures += 1;
    progress.waitingSince ??= Math.min(at, now());
    progress.notBefore = now() + backOffMs(progress.failures, random());
    onOutcome(hook, "failed");
    if (progress.failures === 1)
      logger.warn(
        { ...fields, cause: refusal },
        "A hook has not taken an event; it is offered again and again",
      );
    return false;
  }

  private async keep(name: string, next: number): Promise<void> {
    const known = new Set(this.parts.targets().map((target) => target.name));
    await this.positions.change((positions) => {
      if (positions[name] === next) return positions;
      // One that is gone from the pool file, and comes back, begins anew.
      const rest = Object.entries(positions).filter(([each]) => known.has(each));
      return { ...Object.fromEntries(rest), [name]: next };
    });
  }
}
