/** The people's side of power, wired: API and page, and what they read from. */
import { join } from "node:path";
import type { EffectiveConfig } from "@gpu-power-manager/shared/api";
import type { Bus } from "@gpu-power-manager/shared/bus";
import { shownEnv } from "@gpu-power-manager/shared/env";
import type { FiringAlerts } from "@gpu-power-manager/shared/firing-alerts";
import type { JobTaken } from "@gpu-power-manager/shared/history-page";
import type { HttpOptions } from "@gpu-power-manager/shared/http";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { NatsHealth } from "@gpu-power-manager/shared/nats-health";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import type { Why } from "@gpu-power-manager/shared/why";
import { type PowerConfig, PowerEnv } from "../config/environment.ts";
import { profileFile } from "../config/files.ts";
import type { FollowedFiles } from "../config/followed-files.ts";
import type { Doctor } from "../console/doctor/doctor.ts";
import type { PageConsole } from "../console/page-console.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { scheduleAhead } from "../policy/schedule-shown.ts";
import type { Stage } from "../telemetry/stage.ts";
import { HeardView, tellView } from "./acting-view.ts";
import type { Acts } from "./acts.ts";
import { Alerts } from "./alerts.ts";
import { operatorApi } from "./api.ts";
import { ArtifactShelf } from "./artifact-shelf.ts";
import { Credentials } from "./credentials.ts";
import { diagnose } from "./diagnosis.ts";
import { Feed } from "./feed.ts";
import { Listeners } from "./listeners.ts";
import { LiveDesk } from "./live/live-desk.ts";
import { LiveDoor } from "./live/live-door.ts";
import { Gate } from "./page/gate.ts";
import { Invitations } from "./page/invitations.ts";
import { Ledger } from "./page/ledger.ts";
import { pageRoutes } from "./page/page.ts";
import { Sessions } from "./page/sessions.ts";
import { ApiError } from "./problems.ts";
import { WrongTries } from "./wrong-tries.ts";

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
  readonly upgrade: NonNullable<HttpOptions["upgrade"]>;
  private readonly parts: OperatorParts;
  private readonly feed = new Feed();
  private readonly ledger: Ledger;
  private readonly heard = new HeardView();
  private readonly alerts: Alerts;
  private tell = () => {};
  private bus: Bus | undefined;
  private acting: Acts | undefined;
  private doctor: Doctor | undefined;
  private desk: LiveDesk | undefined;
  private told: Hooks | undefined;
  readonly listeners: Listeners;

  /** Reading works as far as something is known; NATS comes later. */
  constructor(parts: OperatorParts) {
    const { config, followed, stage, logger, signal } = parts;
    this.parts = parts;
    this.listeners = new Listeners(parts.now);
    this.alerts = new Alerts({
      url: config.PROMETHEUS_URL,
      password: config.PROMETHEUS_PASSWORD,
      onChange: () => this.feed.changed(),
    });
    void this.alerts.follow(signal);
    const tokens = { operator: config.OPERATOR_TOKEN, viewer: config.VIEWER_TOKEN };
    const { PUBLIC_URL: publicUrl } = config;
    const sessions = new Sessions({
      file: join(config.STATE_DIR, "page-sessions.json"),
      key: config.SESSION_KEY,
      tokens,
      now: parts.now,
    });
    const entrance = {
      credentials: new Credentials(tokens),
      hosts: publicUrl === undefined ? config.ALLOWED_HOSTS : [...config.ALLOWED_HOSTS, publicUrl.hostname],
      wrongTries: new WrongTries(),
      invitations: new Invitations(parts.now),
      publicUrl,
    };
    const gate = new Gate({ sessions, publicUrl });
    this.ledger = new Ledger(() => this.connected(), followed.pool.pool, parts.now);
    const artifacts = new ArtifactShelf(config.STATE_DIR);
    const api = operatorApi({
      ...entrance,
      session: (request) => gate.come(request),
      pool: followed.pool.pool,
      status: () => this.status() ?? { words: stage.readiness().words },
      known: () => this.known(),
      acts: () => this.mayAct(),
      hooks: () => this.hooks(),
      why: () => this.why(),
      alerts: () => this.firing(),
      whatIf: (query) => this.mayAct().whatIf(query),
      schedule: () => scheduleAhead(followed.pool.policy, parts.now()),
      bus: () => this.connected(),
      artifacts,
      config: () => this.effective(),
      diagnosis: () =>
        diagnose({
          pool: followed.pool.pool,
          stage,
          natsState: () => parts.health.state,
          bus: () => this.bus,
          listeners: this.listeners,
          selectors: async () => await (this.doctor?.checkSelectors() ?? { words: stage.readiness().words }),
        }),
      doctor: () => {
        if (this.doctor === undefined) throw new ApiError("not_ready", stage.readiness().words);
        return this.doctor;
      },
      profile: () => this.effective().profile,
      providerIdOf: (instance) => followed.pool.instances.find(({ id }) => id === instance)?.providerId,
      feed: this.feed,
      logger,
      signal,
    });
    const page = pageRoutes({
      ...entrance,
      gate,
      sessions,
      ledger: this.ledger,
      artifacts,
      pool: () => followed.pool,
      status: () => this.status() ?? { words: stage.readiness().words },
      why: () => (this.acting !== undefined && stage.leads ? this.acting.why() : undefined),
      listeners: this.listeners,
      alerts: () => this.alerts.view,
      viewersWatch: config.VIEWERS_WATCH,
      bus: () => this.connected(),
      now: parts.now,
      logger,
    });
    this.upgrade = new LiveDoor({
      gate,
      hosts: entrance.hosts,
      publicUrl,
      viewersWatch: config.VIEWERS_WATCH,
      desk: () => {
        this.mayAct();
        if (config.BROWSER === "never")
          throw new ApiError("refused", "BROWSER=never: there is no page to show.");
        if (this.desk === undefined) throw new ApiError("not_ready", stage.readiness().words);
        return this.desk;
      },
      signal,
    }).upgrade;
    const path = publicUrl?.pathname ?? "/";
    this.routes = (app) => {
      app.use(api, page);
      // A proxy may keep the path or take it away; both work.
      if (path !== "/") app.use(path, api, page);
    };
  }

  /** NATS is there: history can be read and followed. */
  follow(bus: Bus): void {
    this.bus = bus;
    const { pool } = this.parts.followed.pool;
    this.feed.follow(bus, pool);
    bus.connection.subscribe(`gpu.history.${pool}.*`, { callback: () => this.ledger.changed() });
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

  /** Who is told of what happens. */
  tells(hooks: Hooks): void {
    this.told = hooks;
  }

  /** Who controls the console's page; null while power does. */
  readonly control = () => this.desk?.holder ?? null;

  /** How many look at the console's page. */
  get watching(): number {
    return this.desk?.watching ?? 0;
  }

  /** The pool is open: from now on people may act, and the console can be looked into. @param lookNow ends a pause. */
  acts(
    acts: Acts,
    driver: Pick<PageConsole, "doctor" | "live" | "session" | "whenLoggedIn">,
    lookNow: () => void,
  ): void {
    this.acting = acts;
    this.doctor = driver.doctor;
    this.desk = this.openDesk(acts, driver, lookNow);
    const { followed, stage, logger, signal } = this.parts;
    if (this.bus === undefined) return;
    const view = () => {
      const status = stage.leads ? stage.status() : undefined;
      return status && { status, why: acts.why() };
    };
    this.tell = tellView({ bus: this.bus, pool: followed.pool.pool, view, logger, signal });
  }

  private openDesk(
    acts: Acts,
    driver: Pick<PageConsole, "live" | "session" | "whenLoggedIn">,
    lookNow: () => void,
  ): LiveDesk {
    const { now, signal } = this.parts;
    const desk = new LiveDesk({
      live: driver.live,
      loginRequired: () => driver.session() === "login_required",
      onChange: () => {
        lookNow();
        this.changed();
      },
      tell: (action, { name }, address) => acts.controlled(action, name, address),
      now,
      signal,
    });
    driver.whenLoggedIn(() => desk.loggedIn());
    return desk;
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

  private firing(): FiringAlerts {
    const { view } = this.alerts;
    if ("words" in view) throw new ApiError("not_ready", `Which alerts fire is not known: ${view.words.en}.`);
    return view;
  }

  private mayAct(): Acts {
    const { stage } = this.parts;
    if (this.acting !== undefined && stage.leads) return this.acting;
    const other = stage.otherPower;
    if (other !== null) throw new ApiError("stands_by", `${other} acts; ask that one.`);
    throw new ApiError("not_ready", stage.readiness().words);
  }

  private hooks(): Hooks {
    this.mayAct();
    if (this.told === undefined) throw new ApiError("not_ready", this.parts.stage.readiness().words);
    return this.told;
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
