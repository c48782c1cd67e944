/** How far power has come (waiting for NATS, standing by, acting), for whoever asks over HTTP. */
import type { Readiness } from "@gpu-power-manager/shared/http";
import type { NatsHealth } from "@gpu-power-manager/shared/nats-health";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import { type LeaseView, readinessOf, type StatusSource, standbyReadiness, statusOf } from "./status.ts";

export class Stage {
  private readonly health: NatsHealth;
  private lease: LeaseView | undefined;
  private source: (() => StatusSource) | undefined;

  constructor(health: NatsHealth) {
    this.health = health;
  }

  /** NATS is there, and the lease is looked at from now on. */
  standsBy(lease: LeaseView): void {
    this.lease = lease;
  }

  /** The pool is open: from now on there is a state to tell. */
  acts(source: () => StatusSource): void {
    this.source = source;
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
    return this.source === undefined
      ? standbyReadiness(this.health.state, this.lease)
      : readinessOf(this.source());
  }

  /** The state, or undefined while there is none to tell. */
  status(): PowerStatus | undefined {
    return this.source === undefined ? undefined : statusOf(this.source());
  }
}
