/**
 * The notification path, wired: the monitor's connection, the client's that proves it, and the account of when
 * notices could be heard.
 */
import type { Bus } from "@gpu-power-manager/shared/bus";
import type { ListenerAbout } from "@gpu-power-manager/shared/events";
import type { GapCause } from "@gpu-power-manager/shared/history-entries";
import type { Logger } from "@gpu-power-manager/shared/logger";
import type { ListenerConfig } from "../config/environment.ts";
import type { Meaning } from "../gateway/frames.ts";
import { Link, type LinkOptions } from "../gateway/link.ts";
import type { Outgoing } from "../outbox/outbox.ts";
import type { BurstLog } from "../telemetry/burst-log.ts";
import type { Recorder } from "../telemetry/recorder.ts";
import { type Alive, startAlive } from "./alive.ts";
import { GapTracker } from "./gap-tracker.ts";
import { Gaps, type GapsParts } from "./gaps.ts";
import { Probe } from "./probe.ts";
import { Registration } from "./registration.ts";

export interface PathOptions {
  readonly config: ListenerConfig;
  /** This listener's name. */
  readonly name: string;
  readonly logger: Logger;
  /** For lines about single frames. */
  readonly log: BurstLog;
  /** Milliseconds since 1970 on a clock that never goes back. */
  readonly now: () => number;
  readonly recorder: Recorder;
  readonly signal: AbortSignal;
  /** What the gateway says that is no matter of the path itself. */
  readonly hear: (meaning: Meaning) => void;
  readonly offer: (outgoing: Outgoing) => void;
  /** What is told beside every sign of life. */
  readonly about: () => ListenerAbout;
  /** The monitor is registered, for the first time or anew. */
  readonly onRegistered: () => void;
}

export class Path {
  readonly registration: Registration;
  readonly gaps: Gaps;
  readonly tracker = new GapTracker();
  private readonly options: PathOptions;
  private readonly probe: Probe;
  /** Registered as `gpu_monitor`: notices come here, reports leave here. */
  readonly link: Link;
  /** Registered as a client, for the probe's questions. */
  private readonly client: Link;
  private alive: Alive | undefined;

  /** Nothing is connected before `start`. */
  constructor(options: PathOptions) {
    const { config, logger, now, recorder, hear } = options;
    this.options = options;
    this.registration = new Registration(options.signal);
    this.probe = new Probe({
      intervalMs: config.PROBE_INTERVAL,
      timeoutMs: config.PROBE_TIMEOUT,
      logger,
      now,
      random: Math.random,
      send: (frame) => this.client.send(frame),
      monitorRegistered: () => this.link.registered,
      heardSince: (at) => (this.registration.heardAt ?? 0) > at,
      onceRead: (done) => this.link.onceRead(done),
      onOutcome: (outcome, seconds) => {
        recorder.probed(outcome, seconds);
        if (outcome === "timeout") this.registration.doubted();
        if (seconds !== undefined) this.registration.proven(now());
        this.changed();
      },
      onBroken: () => this.link.replace(),
    });
    this.client = new Link({
      ...this.common(undefined),
      registration: { type: "register", key: this.probe.key, device_type: "probe" },
      logger: logger.child({ connection: "probe" }),
      // The only news that a client hears and a monitor does not.
      onMeaning: (meaning) => {
        if (meaning.kind === "online") hear(meaning);
      },
      onFrame: () => {},
      onRejected: () => {},
      onRegistered: () => this.probe.now(),
      onConfirmed: () => {},
      onLost: () => {},
    });
    this.link = new Link({
      ...this.common("gpu_monitor"),
      registration: { type: "register", role: "gpu_monitor" },
      logger,
      onMeaning: (meaning) => {
        if (!this.probe.hears(meaning)) hear(meaning);
      },
      onFrame: recorder.frame,
      onRejected: recorder.rejected,
      onRegistered: () => {
        this.registration.registered(now());
        this.changed();
        this.probe.now();
        options.onRegistered();
      },
      onConfirmed: () => this.registration.confirmed(now()),
      onLost: (reason) => {
        recorder.lost(reason);
        this.registration.lost();
        this.changed();
      },
    });
    this.gaps = new Gaps({
      pool: config.POOL,
      listener: options.name,
      tracker: this.tracker,
      cause: () => this.cause(),
      workedAt: (cause) => (cause === "probe_failing" ? this.registration.provenAt : this.link.heardAt),
      onGap: config.ON_GAP,
      assumeAfterMs: config.ASSUME_AFTER,
      now,
      logger,
      offer: options.offer,
      onAssumed: recorder.assumed,
    });
  }

  /** Connects, and connects again, until `stop`. */
  start(): void {
    this.link.start();
    this.client.start();
  }

  /** Hears no more; what the gateway sent until then is still taken in. May be called again. */
  async stop(): Promise<void> {
    this.probe.stop();
    await Promise.all([this.link.stop(), this.client.stop()]);
  }

  /** Tells over NATS, from now on, whether we can hear, and records the gaps; ends when the signal does. */
  async follow(parts: GapsParts): Promise<void> {
    this.alive = this.tellAlive(parts.bus);
    await this.gaps.start(parts, this.options.signal);
  }

  /** Nobody knows how long nothing was heard: hearing begins anew with the proof that is asked for now. */
  doubt(): void {
    this.registration.doubted();
    this.gaps.forgetOthers();
    this.changed();
    this.probe.now();
  }

  /** Proves the path now, not only at the next interval. */
  prove(): void {
    this.probe.now();
  }

  /** What is wrong with the path at this moment; undefined while notices can be heard. */
  private cause(): GapCause | undefined {
    if (!this.link.registered) return this.link.phase === "registering" ? "unregistered" : "disconnected";
    return this.registration.inDoubt ? "probe_failing" : undefined;
  }

  private changed(): void {
    this.gaps.look();
    this.alive?.now();
  }

  private tellAlive(bus: Bus): Alive {
    const { config, name, now, signal } = this.options;
    return startAlive({
      bus,
      signal,
      sign: () => ({
        listener: name,
        pool: config.POOL,
        at: Math.round(now()),
        provenSince: this.registration.since,
        provenAt: this.registration.heardAt === undefined ? null : Math.round(this.registration.heardAt),
        registered: this.link.registered,
        about: this.options.about(),
      }),
    });
  }

  private common(role: "gpu_monitor" | undefined) {
    const { config, log, now } = this.options;
    return {
      url: config.DSP_URL,
      frameLimitBytes: config.FRAME_LIMIT_BYTES,
      frameLog: log,
      now,
      random: Math.random,
      config: {
        role,
        registerAgainMs: config.REGISTER_AGAIN,
        pingIntervalMs: config.PING_INTERVAL,
        quietLimitMs: config.QUIET_LIMIT,
        pongTimeoutMs: config.PONG_TIMEOUT,
        registerTimeoutMs: config.REGISTER_TIMEOUT,
        backoffMinMs: config.BACKOFF_MIN,
        backoffMaxMs: config.BACKOFF_MAX,
      },
    } satisfies Partial<LinkOptions>;
  }
}
