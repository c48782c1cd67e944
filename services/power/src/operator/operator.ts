/** The people's side of power, wired: the API, and what it reads from. */
import type { EffectiveConfig, JobTaken, Why } from "@gpu-power-manager/shared/api";
import type { Bus } from "@gpu-power-manager/shared/bus";
import { shownEnv } from "@gpu-power-manager/shared/env";
import type { HttpOptions } from "@gpu-power-manager/shared/http";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { NatsHealth } from "@gpu-power-manager/shared/nats-health";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import { type PowerConfig, PowerEnv } from "../config/environment.ts";
import { profileFile } from "../config/files.ts";
import type { FollowedFiles } from "../config/followed-files.ts";
import type { Stage } from "../telemetry/stage.ts";
import { HeardView, tellView } from "./acting-view.ts";
import type { Acts } from "./acts.ts";
import { operatorApi } from "./api.ts";
import { ArtifactShelf } from "./artifact-shelf.ts";
import { Credentials } from "./credentials.ts";
import { type DiagnosisParts, diagnose } from "./diagnosis.ts";
import { Feed } from "./feed.ts";
import { Listeners } from "./listeners.ts";
import { ApiError } from "./problems.ts";

export interface OperatorParts {
  readonly config: PowerConfig;
  readonly followed: FollowedFiles;
  readonly stage: Stage;
  readonly health: NatsHealth;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

export class Operator {
  readonly routes: NonNullable<HttpOptions["routes"]>;
  private readonly parts: OperatorParts;
  private readonly feed = new Feed();
  private readonly heard = new HeardView();
  private tell = () => {};
  private bus: Bus | undefined;
  private acting: Acts | undefined;
  private inspect: DiagnosisParts["selectors"] | undefined;
  readonly listeners: Listeners;

  /** Reading works as far as something is known; NATS comes later. */
  constructor(parts: OperatorParts) {
    const { config, followed, stage, logger, signal } = parts;
    this.parts = parts;
    this.listeners = new Listeners(parts.now);
    this.routes = operatorApi({
      credentials: new Credentials({ operator: config.OPERATOR_TOKEN, viewer: config.VIEWER_TOKEN }),
      hosts: config.ALLOWED_HOSTS,
      pool: followed.pool.pool,
      status: () => this.status() ?? { words: stage.readiness().words },
      known: () => this.known(),
      acts: () => this.mayAct(),
      why: () => this.why(),
      bus: () => this.connected(),
      artifacts: new ArtifactShelf(config.STATE_DIR),
      config: () => this.effective(),
      diagnosis: () =>
        diagnose({
          pool: followed.pool.pool,
          stage,
          natsState: () => parts.health.state,
          bus: () => this.bus,
          listeners: this.listeners,
          selectors: async () => await (this.inspect?.() ?? { words: stage.readiness().words }),
        }),
      feed: this.feed,
      logger,
      signal,
    });
  }

  /** NATS is there: history can be read and followed. */
  follow(bus: Bus): void {
    this.bus = bus;
    const { pool } = this.parts.followed.pool;
    this.feed.follow(bus, pool);
    this.heard.follow(bus, pool, () => {
      // Whoever acts knows it all, and hears itself.
      if (this.parts.stage.status() === undefined) this.feed.changed();
    });
  }

  /** Something about the pool may have changed. */
  changed(): void {
    this.tell();
    this.feed.changed();
  }

  /** Jobs have come into demand. */
  readonly taken = (jobs: readonly JobTaken[]): void => this.feed.taken(jobs);

  /** The pool is open: from now on people may act, and the console can be looked into. */
  acts(acts: Acts, inspect: DiagnosisParts["selectors"]): void {
    this.acting = acts;
    this.inspect = inspect;
    const { followed, stage, logger, signal } = this.parts;
    if (this.bus === undefined) return;
    const view = () => {
      const status = stage.leads ? stage.status() : undefined;
      return status && { status, why: acts.why() };
    };
    this.tell = tellView({ bus: this.bus, pool: followed.pool.pool, view, logger, signal });
  }

  /** What this power knows by itself, else what the one that acts has told; undefined where neither is. */
  private status(): PowerStatus | undefined {
    return this.parts.stage.status() ?? this.heard.status;
  }

  private why(): Why {
    const { stage } = this.parts;
    // With a state of its own, what another told lies in the past.
    const told = stage.status() === undefined ? this.heard.why : undefined;
    return told ?? this.mayAct().why();
  }

  private known(): PowerStatus {
    const { stage } = this.parts;
    const status = this.status();
    if (status === undefined) throw new ApiError("not_ready", stage.readiness().words);
    return status;
  }

  private mayAct(): Acts {
    const { stage } = this.parts;
    if (this.acting !== undefined && stage.leads) return this.acting;
    const other = stage.otherPower;
    if (other !== null) throw new ApiError("stands_by", `${other} acts; ask that one.`);
    throw new ApiError("not_ready", stage.readiness().words);
  }

  private connected(): Bus {
    if (this.bus?.connected() === true) return this.bus;
    throw new ApiError("not_ready", "NATS is away, and history lies there. Start NATS or check NATS_URL.");
  }

  private effective(): EffectiveConfig {
    const { config, followed } = this.parts;
    const { pool, profile } = followed;
    return {
      service: "power",
      node: process.version,
      environment: shownEnv(PowerEnv, config),
      pool,
      profile: { name: pool.profile, file: profileFile(config, pool), url: profile.console.url },
    };
  }
}
