/**
 * What the power that acts tells of the pool, so that a power that stands by can answer whoever asks it. Published on
 * core NATS, as signs of life are: a view is worth nothing once there is a newer one. All its times are on the clock
 * of the power that acts.
 */

import type { Bus } from "@gpu-power-manager/shared/bus";
import { bootMs } from "@gpu-power-manager/shared/clock";
import { describeError } from "@gpu-power-manager/shared/errors";
import { actingSubject } from "@gpu-power-manager/shared/events";
import type { Logger } from "@gpu-power-manager/shared/logger";
import { PowerStatus } from "@gpu-power-manager/shared/status";
import { Why } from "@gpu-power-manager/shared/why";
import { z } from "zod";

/** A change is told within this; more often would be read by nobody. */
const CHANGE_MS = 1_000;
/** Without a change it is told so often, for a standby that has just come. */
export const ANYWAY_MS = 5_000;

const ActingView = z.object({ status: PowerStatus, why: Why });
export type ActingView = z.infer<typeof ActingView>;

export interface TellingParts {
  readonly bus: Bus;
  readonly pool: string;
  /** Undefined while this power may not act: then it is not its to tell. */
  readonly view: () => ActingView | undefined;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Tells the view until the signal. @returns what is to be called when the view may have changed. */
export function tellView({ bus, pool, view, logger, signal }: TellingParts): () => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  let changed = true;
  let troubled = false;
  const tell = () => {
    if (!changed && bootMs() - toldAt < ANYWAY_MS) return;
    const current = view();
    if (current === undefined || !bus.connected()) return;
    try {
      bus.connection.publish(actingSubject(pool), JSON.stringify(current));
      toldAt = bootMs();
      changed = false;
      troubled = false;
    } catch (error) {
      const words = "The state of the pool cannot be told to the powers that stand by";
      if (!troubled) logger.warn({ cause: describeError(error) }, words);
      troubled = true;
    }
  };
  const telling = setInterval(tell, CHANGE_MS).unref();
  signal.addEventListener("abort", () => clearInterval(telling), { once: true });
  return () => {
    changed = true;
  };
}

/** The last view that was heard. */
export class HeardView {
  private heard: { readonly view: ActingView; readonly at: number } | undefined;

  /** Follows the pool's views until the connection ends. @param onView called with each. */
  follow(bus: Bus, pool: string, onView: () => void): void {
    bus.connection.subscribe(actingSubject(pool), {
      callback: (error, message) => {
        if (error) return;
        const view = read(message);
        if (view === undefined) return;
        this.heard = { view, at: bootMs() };
        onView();
      },
    });
  }

  /** As it was told, `at` going on since; undefined before the first. */
  get status(): PowerStatus | undefined {
    return this.heard && { ...this.heard.view.status, at: this.now(this.heard) };
  }

  /** The same of why. */
  get why(): Why | undefined {
    return this.heard && { ...this.heard.view.why, at: this.now(this.heard) };
  }

  /** Its teller's clock, as far as ours can tell: two wall clocks are never compared. */
  private now({ view, at }: NonNullable<typeof this.heard>): string {
    return new Date(Date.parse(view.status.at) + Math.round(bootMs() - at)).toISOString();
  }
}

/** One of another version may not be readable; then nothing is known of its pool. */
function read(message: { json: () => unknown }): ActingView | undefined {
  try {
    return ActingView.safeParse(message.json()).data;
  } catch {
    return undefined;
  }
}
