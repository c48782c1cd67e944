/** How far power has come (waiting for NATS, standing by, acting), for whoever asks over HTTP. */
import type { Readiness } from "@gpu-power-manager/shared/http";
import type { NatsHealth } from "@gpu-power-manager/shared/nats-health";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import type { FollowedFiles } from "../config/followed-files.ts";
import type { ConsoleDriver } from "../console/driver.ts";
import type { Demand } from "../demand/demand.ts";
import { scheduleNow } from "../policy/schedule-shown.ts";
import type { OpenPool } from "../pool/open-pool.ts";
import type { KvDocument } from "../state/kv-document.ts";
import { type LeaseView, readinessOf, type StatusSource, standbyReadiness, statusOf } from "./status.ts";

/** What a power that acts knows. */
export interface StageParts extends OpenPool {
  /** This power's name. */
  readonly name: string;
  readonly followed: Pick<FollowedFiles, "pool">;
  readonly demand: Pick<KvDocument<typeof Demand>, "value">;
  readonly driver: Pick<ConsoleDriver, "session" | "signedApi">;
  readonly sessionTimes: () => StatusSource["sessionTimes"];
  /** Who controls the console's page; null while power does. */
  readonly control: () => StatusSource["control"];
  readonly now: () => number;
}

export class Stage {
  private readonly health: NatsHealth;
  private lease: LeaseView | undefined;
  private parts: StageParts | undefined;

  constructor(health: NatsHealth) {
    this.health = health;
  }

  /** NATS is there, and the lease is looked at from now on. */
  standsBy(lease: LeaseView): void {
    this.lease = lease;
  }

  /** The pool is open: from now on there is a state to tell. */
  acts(parts: StageParts): void {
    this.parts = parts;
  }

  /** Whether this power holds the lease. */
  get leads(): boolean {
    return this.lease?.held ?? false;
  }

  /** The name of the power that holds the lease in our place; null where none is known. */
  get otherPower(): string | null {
    return this.leads ? null : (this.lease?.other?.name ?? null);
  }

  readiness(): Readiness {
    const { parts } = this;
    return parts === undefined
      ? standbyReadiness(this.health.state, this.lease)
      : readinessOf(this.sourceOf(parts));
  }

  /** The state, or undefined while there is none to tell. */
  status(): PowerStatus | undefined {
    const { parts } = this;
    return parts === undefined ? undefined : statusOf(this.sourceOf(parts));
  }

  private sourceOf({
    name,
    fleet,
    hold,
    listening,
    purse,
    reconciler,
    followed,
    demand,
    driver,
    sessionTimes,
    control,
    now,
  }: StageParts): StatusSource {
    const { pool, policy } = followed.pool;
    return {
      pool,
      fleet,
      demand: demand.value,
      reconciler,
      session: driver.session(),
      sessionTimes: sessionTimes(),
      signedApi: driver.signedApi(),
      nats: this.health.state,
      leads: this.leads,
      name,
      hold: hold.shown,
      budgets: purse.budgets,
      schedule: scheduleNow(policy, now()),
      control: control(),
      listeningSince: listening.since(now()),
      longestPauseMs: Math.max(policy.observe.off, policy.observe.on),
      now: now(),
    };
  }
}
