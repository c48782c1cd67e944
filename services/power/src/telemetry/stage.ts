/** How far power has come (waiting for NATS, standing by, acting), for whoever asks over HTTP. */
import type { HttpOptions, Readiness } from "@gpu-power-manager/shared/http";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import { readinessOf, type StandbySource, type StatusSource, standbyReadiness, statusOf } from "./status.ts";

export class Stage {
  private standby: StandbySource | undefined;
  private source: (() => StatusSource) | undefined;

  /** NATS is there, and the lease is looked at from now on. */
  standsBy(standby: StandbySource): void {
    this.standby = standby;
  }

  /** The pool is open: from now on there is a state to tell. */
  acts(source: () => StatusSource): void {
    this.source = source;
  }

  /** Whether this power holds the lease. */
  get leads(): boolean {
    return this.standby?.lease.held ?? false;
  }

  readiness(): Readiness {
    return this.source === undefined ? standbyReadiness(this.standby) : readinessOf(this.source());
  }

  /** The state, or undefined while there is none to tell. */
  status(): PowerStatus | undefined {
    return this.source === undefined ? undefined : statusOf(this.source());
  }

  /** Adds `GET /status`. */
  readonly routes: NonNullable<HttpOptions["routes"]> = (app) => {
    app.get("/status", (_request, response) => {
      const status = this.status();
      if (status === undefined) response.status(503).json({ words: this.readiness().words });
      else response.json(status);
    });
  };
}
