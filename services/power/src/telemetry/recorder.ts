/** What the rooms tell while they work, so that none of them knows Prometheus; metrics.ts counts it. */
import type { Jump } from "@gpu-power-manager/shared/clock";
import type { Lane } from "@gpu-power-manager/shared/events";
import type { ConsoleEvents } from "../console/driver.ts";

type ActionName = "start" | "stop";
/** The console's answers, then what was observed afterwards. */
export const ACTION_OUTCOMES = [
  "accepted",
  "uncertain",
  "refused",
  "sold_out",
  "not_tried",
  "succeeded",
  "no_effect",
  "fell_back",
  "timeout",
] as const;
export type ActionOutcome = (typeof ACTION_OUTCOMES)[number];
export const STAGES = ["decide", "command", "boot", "worker", "total"] as const;
type Stage = (typeof STAGES)[number];

/** Each part takes the methods that it needs. */
export interface Recorder extends Omit<ConsoleEvents, "login"> {
  /**
   * This power may act on the instance. Its series begin at 0, so that the first start after a restart is in every rate;
   * a power that stands by must not have them, since they would be taken for those of the one that acts.
   */
  mayActOn(instance: string): void;
  decided(reason: string): void;
  acted(instance: string, action: ActionName, lane: Lane | "none", outcome: ActionOutcome): void;
  /** The call of an action took so long, whatever came of it. */
  called(action: ActionName, lane: Lane, ms: number): void;
  startLatency(instance: string, stage: Stage, ms: number): void;
  eventsMalformed(): void;
  /** State of this kind could not be kept in NATS. */
  stateFailed(what: string): void;
  configReloaded(file: "pool" | "profile", ok: boolean): void;
  clockJumped(direction: Jump["direction"]): void;
  /** The reconciler has finished a pass. */
  passed(): void;
}
