/** The pool, wired: its machines, the operator's hold, what is known of the listeners, and the loop over all of them. */
import type { Bus } from "@gpu-power-manager/shared/bus";
import type { ListenerAlive } from "@gpu-power-manager/shared/events";
import { followListeners, Listening } from "@gpu-power-manager/shared/listening";
import type { Recorder } from "../telemetry/recorder.ts";
import { Fleet } from "./fleet.ts";
import { Hold } from "./hold.ts";
import { Purse } from "./purse.ts";
import { Reconciler, type ReconcilerParts } from "./reconciler.ts";
import { Story } from "./story.ts";
import { WorkLog } from "./work-log.ts";

export interface OpenPoolParts
  extends Pick<
    ReconcilerParts,
    | "pool"
    | "driver"
    | "demand"
    | "outbound"
    | "logger"
    | "clock"
    | "now"
    | "mayAct"
    | "onPass"
    | "operatorControls"
  > {
  readonly bus: Bus;
  readonly metrics: Recorder;
  /** A listener has given a sign of life. */
  readonly onSign: (alive: ListenerAlive) => void;
}

export interface OpenPool {
  readonly fleet: Fleet;
  readonly hold: Hold;
  readonly listening: Listening;
  readonly purse: Purse;
  readonly workLog: WorkLog;
  readonly reconciler: Reconciler;
}

/** Nothing is decided before the reconciler runs. @throws when NATS cannot be asked for the operator's hold. */
export async function openPool({ bus, metrics, onSign, ...parts }: OpenPoolParts): Promise<OpenPool> {
  const { outbound, logger, now, mayAct } = parts;
  const { pool: name } = parts.pool();
  const fleet = new Fleet(bus.kv, mayAct, now);
  const listening = new Listening();
  const purse = await Purse.open({ kv: bus.kv, pool: parts.pool, fleet, mayWrite: mayAct, now });
  const workLog = await WorkLog.open({ kv: bus.kv, pool: parts.pool, mayWrite: mayAct, now });
  const reconciler = new Reconciler({
    ...parts,
    fleet,
    purse,
    workLog,
    story: new Story({ poolName: () => name, outbound, metrics, logger }),
    onClockJump: () => listening.forgetAll(),
    random: Math.random,
    hold: () => hold.current,
    listeningSince: () => listening.since(now()),
    pathProvenAt: () => listening.provenAt,
    attendedSince: () => listening.attendedSince(now()),
  });
  const wake = () => reconciler.wake();
  const hold = new Hold({ bus, pool: name, logger, now, onChange: wake });
  await hold.load();
  followListeners(bus, name, listening, now, { onProof: wake, onSign });
  return { fleet, hold, listening, purse, workLog, reconciler };
}
