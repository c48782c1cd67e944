/** The console's driver in this process, with a real Chromium, on a stand-in's page and API. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger } from "@gpu-power-manager/shared/logger";
import type { PoolSighting } from "../../services/power/src/console/driver.ts";
import { type ConsoleOptions, PageConsole } from "../../services/power/src/console/page-console.ts";
import { parseProfile } from "../../services/power/src/console/profile.ts";
import {
  type Console,
  DEFAULT_PASSWORD,
  DEFAULT_USERNAME,
  type ConsoleOptions as SiteOptions,
  startConsole,
} from "../../sim/console/src/provider.ts";
import { profileFor } from "./pool-files.ts";

export const CHROMIUM = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";
/** Chromium refuses its sandbox to root. */
export const SANDBOX = process.getuid?.() !== 0;
export const OURS = "uhost-ours";
export const SECOND = "uhost-second";
/** So many that ours stand on the list's second page. */
const OTHERS = Array.from({ length: 12 }, (_, index) => ({
  UHostId: `uhost-other-${index}`,
  Name: `other ${index}`,
}));
type Skin = NonNullable<SiteOptions["skin"]>;
const QUICK = { bootMs: 300, stopMs: 200 };

/** A driver with everything that a test need not name. */
export function openDriver(
  options: Pick<ConsoleOptions, "profile" | "providerIds" | "stateDir"> & Partial<ConsoleOptions>,
): PageConsole {
  const nothing = () => {};
  return new PageConsole({
    sessionKey: "a key only for this test",
    headless: true,
    chromiumPath: CHROMIUM,
    sandbox: SANDBOX,
    authorities: [],
    memoryLimitBytes: 2 ** 32,
    credentials: { user: DEFAULT_USERNAME, password: DEFAULT_PASSWORD },
    logger: createLogger({ service: "test", level: "fatal", secrets: [] }),
    events: {
      observed: nothing,
      disagreed: nothing,
      failed: nothing,
      browserRestarted: nothing,
      login: nothing,
    },
    now: Date.now,
    ...options,
  });
}

/** A stand-in with our two machines behind a dozen others, and the driver that looks after ours. */
export class DrivenConsole {
  readonly site: Console;
  driver: PageConsole;
  /** What the driver told of doubts, failures and its browser. */
  readonly told: string[] = [];
  /** What it told of its logins. */
  readonly logins: string[] = [];
  /** Its log. */
  readonly lines: string[];
  private readonly open: (memoryLimitBytes?: number) => PageConsole;
  private readonly stateDir: string;
  private readonly skin: Skin;

  static async start(skin: Skin = "compshare"): Promise<DrivenConsole> {
    const site = await startConsole({
      ...QUICK,
      skin,
      machines: [...OTHERS, { UHostId: OURS, Name: "ours" }, { UHostId: SECOND, Name: "second" }],
    });
    const profile = parseProfile(await profileFor(site, { skin }), "test.yaml");
    const driven = new DrivenConsole(site, profile, skin);
    assert.deepEqual((await driven.driver.compare()).instances.get(OURS), { state: "stopped" });
    return driven;
  }

  private constructor(site: Console, profile: ConsoleOptions["profile"], skin: Skin) {
    this.site = site;
    this.skin = skin;
    this.stateDir = mkdtempSync(join(tmpdir(), "driver-"));
    const lines: string[] = [];
    const { told, logins, stateDir } = this;
    this.lines = lines;
    this.open = (memoryLimitBytes = 2 ** 32) =>
      openDriver({
        profile,
        providerIds: [OURS, SECOND],
        stateDir,
        memoryLimitBytes,
        logger: createLogger({
          service: "test",
          level: "trace",
          secrets: [DEFAULT_PASSWORD],
          destination: { write: (line: string) => lines.push(line) },
        }),
        events: {
          observed: () => {},
          disagreed: () => told.push("disagreed"),
          failed: (kind) => told.push(kind),
          browserRestarted: (reason) => told.push(`restarted ${reason}`),
          login: (event) => logins.push(event),
        },
      });
    this.driver = this.open();
  }

  /** Another driver with the session of the one before. */
  async reopen(memoryLimitBytes: number): Promise<void> {
    await this.driver.close();
    this.driver = this.open(memoryLimitBytes);
  }

  /** Takes another profile: these lanes, and whatever else is to be another text. */
  async use(lanes: ReadonlyArray<"api" | "page">, change: (text: string) => string = (text) => text) {
    this.driver.setProfile(
      parseProfile(change(await profileFor(this.site, { lanes, skin: this.skin })), "test.yaml"),
    );
  }

  /** A good day again, both machines off. */
  async reset(): Promise<void> {
    await fetch(`${this.site.controlUrl}/faults/reset`, { method: "POST" });
    this.site.turn(QUICK);
    for (const id of [OURS, SECOND]) await this.set(id, "Stopped");
    await this.use(["api", "page"]);
    this.told.length = 0;
  }

  async close(): Promise<void> {
    await this.driver.close();
    await this.site.close();
    rmSync(this.stateDir, { recursive: true, force: true });
  }

  async set(id: string, state: string): Promise<void> {
    await fetch(`${this.site.controlUrl}/machines/${id}/state`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ state }),
    });
  }

  /** The provider's own state of a machine. */
  truth(id = OURS): string | undefined {
    return this.site.state().machines.find((machine) => machine.UHostId === id)?.State;
  }

  async observed(): Promise<string> {
    return seen(await this.driver.observe());
  }

  async compared(): Promise<string> {
    return seen(await this.driver.compare());
  }

  async act(action: "start" | "stop", allowed = true) {
    return await this.driver.act({ providerId: OURS, attemptId: "t", action, allowed: () => allowed });
  }

  /** Names of what was kept. */
  artifacts(): string[] {
    return readdirSync(join(this.stateDir, "artifacts"));
  }
}

/** Our machine's state, or why it is unknown. */
export function seen({ instances }: PoolSighting): string {
  const sighting = instances.get(OURS);
  assert.ok(sighting);
  return sighting.state === "unknown" ? `unknown: ${sighting.reason}` : sighting.state;
}
