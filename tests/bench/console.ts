/**
 * From power's decision to the start request at the console: the driver by each lane, beside the shortest script that
 * does the same on the same stand-in in the same run (a bare signed request, or Playwright with a session). What is isolated is the driver alone: NATS, the
 * pool and its records are not in it. Alone: `node tests/bench/console.ts`; ROUNDS and SAMPLES shorten it.
 */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LANES, type Lane } from "@gpu-power-manager/shared/events";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { chromium, type Locator, type Page } from "playwright";
import { z } from "zod";
import type { ConsoleDriver } from "../../services/power/src/console/driver.ts";
import { parseProfile } from "../../services/power/src/console/profile.ts";
import { SignedConsole } from "../../services/power/src/provider/signed-console.ts";
import { isSigning } from "../../services/power/src/provider/signed-lane.ts";
import {
  DEFAULT_PASSWORD,
  DEFAULT_PRIVATE_KEY,
  DEFAULT_PUBLIC_KEY,
  DEFAULT_USERNAME,
} from "../../sim/console/src/provider.ts";
import { openDriver, SANDBOX } from "../harness/driven-console.ts";
import { profileFor } from "../harness/pool-files.ts";
import { Process, until } from "../harness/process.ts";

const ROUNDS = 5;
const SAMPLES = 15;
const CHROMIUM = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium-headless-shell";
const MACHINE = "uhost-bench";
/** A page that has just been drawn is busy for a moment; what is measured begins on a quiet one. */
const QUIET_MS = 150;

const Ready = z.object({ consoleUrl: z.string(), apiUrl: z.string(), controlUrl: z.string() });
type Site = z.output<typeof Ready>;
const State = z.object({
  actions: z.array(z.object({ verb: z.string(), lane: z.string(), atMs: z.number() })),
});

export interface LaneSpeed {
  /** Milliseconds from the call to the request's arrival at the provider: medians over the rounds. */
  readonly floorP50: number;
  readonly floorP99: number;
  readonly p50: number;
  readonly p99: number;
  /** The driver's median over the floor's. */
  readonly ratio: number;
}

export interface ConsoleSpeed {
  readonly signed: LaneSpeed;
  readonly api: LaneSpeed;
  readonly page: LaneSpeed;
  readonly rounds: number;
  readonly samples: number;
}

/** One way of sending a start; `prepare` brings it to where a start can begin. */
interface Contender {
  prepare(): Promise<void>;
  start(): Promise<unknown>;
}

const now = () => performance.timeOrigin + performance.now();

async function post(site: Site, path: string, body: unknown): Promise<void> {
  const answer = await fetch(`${site.controlUrl}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
}

/** Milliseconds from the call to the arrival at the provider. */
async function sample(site: Site, contender: Contender): Promise<number> {
  await post(site, `/machines/${MACHINE}/state`, { state: "Stopped" });
  await contender.prepare();
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  const calledAt = now();
  await contender.start();
  const { actions } = State.parse(await (await fetch(`${site.controlUrl}/state`)).json());
  const arrived = actions.at(-1);
  if (arrived === undefined || arrived.atMs < calledAt) throw new Error("No start arrived at the console.");
  return arrived.atMs - calledAt;
}

const quantile = (values: readonly number[], share: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ??
  Number.NaN;
const median = (values: readonly number[]) => quantile(values, 0.5);

/** Alternates the two, so that whatever else the machine does falls on both. */
async function compare(site: Site, floor: Contender, ours: Contender, rounds: number, samples: number) {
  await sample(site, floor);
  await sample(site, ours);
  const perRound: Array<Record<"floor" | "ours", number[]>> = [];
  for (let round = 0; round < rounds; round += 1) {
    const times: (typeof perRound)[number] = { floor: [], ours: [] };
    for (let index = 0; index < samples; index += 1) {
      times.floor.push(await sample(site, floor));
      times.ours.push(await sample(site, ours));
    }
    perRound.push(times);
  }
  const over = (of: "floor" | "ours", share: number) =>
    median(perRound.map((times) => quantile(times[of], share)));
  const [floorP50, p50] = [over("floor", 0.5), over("ours", 0.5)];
  return { floorP50, floorP99: over("floor", 0.99), p50, p99: over("ours", 0.99), ratio: p50 / floorP50 };
}

function startButton(page: Page): Locator {
  const row = page.locator("tr.uc-fe-table-row", { hasText: MACHINE });
  return row.locator("button.uc-fe-button:not(.uc-fe-button-disabled):visible", { hasText: "启动" });
}

/** The shortest scripts with the same library: a request with the page's session, and two clicks. */
async function bareScript(site: Site) {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    chromiumSandbox: SANDBOX,
  });
  const context = await browser.newContext({ locale: "zh-CN" });
  const page = await context.newPage();
  await page.goto(site.consoleUrl);
  await page.fill("input[name=username]", DEFAULT_USERNAME);
  await page.fill("input[name=password]", DEFAULT_PASSWORD);
  const list = page.waitForRequest((request) => request.url().includes("DescribeCompShareInstance"));
  await page.click("button[type=submit]");
  const learnt = await list;
  const common = Object.fromEntries(new URLSearchParams(learnt.postData() ?? ""));
  const headers = { "u-csrf-token": learnt.headers()["u-csrf-token"] ?? "" };
  const form = {
    ...common,
    Action: "StartCompShareInstance",
    UHostId: MACHINE,
    Zone: "cn-wlcb-01",
    Region: "cn-wlcb",
  };
  const prepare = async () => {
    await page.goto(`${site.consoleUrl}/light-gpu/console/resources`);
    await startButton(page).waitFor();
  };
  const api: Contender = {
    prepare,
    start: async () => {
      await context.request.post(`${site.apiUrl}/?Action=StartCompShareInstance`, { form, headers });
    },
  };
  const clicks: Contender = {
    prepare,
    start: async () => {
      const sent = page.waitForResponse((response) => response.url().includes("StartCompShareInstance"));
      await startButton(page).click();
      await page.locator(".uc-fe-modal button.uc-fe-button-styletype-primary").click();
      await sent;
    },
  };
  return { api, clicks, close: () => browser.close() };
}

/** The shortest script that signs: the fields sorted and hashed, one request over the connection that is kept. */
function bareSigner(site: Site): Contender {
  const fields = {
    Action: "StartCompShareInstance",
    PublicKey: DEFAULT_PUBLIC_KEY,
    Region: "cn-wlcb",
    UHostId: MACHINE,
    Zone: "cn-wlcb-01",
  };
  return {
    prepare: async () => {},
    start: async () => {
      const text = Object.entries(fields).flat().join("");
      const Signature = createHash("sha1").update(`${text}${DEFAULT_PRIVATE_KEY}`).digest("hex");
      const answer = await fetch(site.apiUrl, {
        method: "POST",
        body: new URLSearchParams({ ...fields, Signature }),
      });
      await answer.text();
    },
  };
}

async function driverOf(site: Site, lane: Lane, stateDir: string): Promise<ConsoleDriver> {
  const profile = parseProfile(await profileFor(site, { lanes: [lane] }), "bench.yaml");
  if (lane !== "signed" || !isSigning(profile))
    return openDriver({ profile, providerIds: [MACHINE], stateDir, chromiumPath: CHROMIUM });
  const nothing = () => {};
  return new SignedConsole({
    profile,
    providerIds: [MACHINE],
    keys: { publicKey: DEFAULT_PUBLIC_KEY, privateKey: DEFAULT_PRIVATE_KEY },
    browser: undefined,
    always: false,
    logger: createLogger({ service: "bench", level: "fatal", secrets: [] }),
    events: {
      observed: nothing,
      disagreed: nothing,
      failed: nothing,
      browserRestarted: nothing,
      login: nothing,
    },
    now: Date.now,
  });
}

async function driverFor(site: Site, lane: Lane, stateDir: string) {
  const driver = await driverOf(site, lane, stateDir);
  const contender: Contender = {
    prepare: async () => {
      const { instances } = await (lane === "signed" ? driver.observe() : driver.compare());
      if (instances.get(MACHINE)?.state !== "stopped")
        throw new Error(`The driver sees ${JSON.stringify(instances.get(MACHINE))}`);
    },
    start: async () => {
      const result = await driver.act({
        providerId: MACHINE,
        attemptId: "bench",
        action: "start",
        allowed: () => true,
      });
      if (result.outcome !== "accepted") throw new Error(JSON.stringify(result));
    },
  };
  return { contender, close: () => driver.close() };
}

/** Starts the stand-in as a process of its own, measures each lane, ends everything. */
export async function measureConsole(rounds = ROUNDS, samples = SAMPLES): Promise<ConsoleSpeed> {
  const dir = await mkdtemp(join(tmpdir(), "gpm-bench-console-"));
  const standIn = new Process("console", {
    command: process.execPath,
    args: [new URL("../../sim/console/src/main.ts", import.meta.url).pathname],
    env: {
      MACHINES: JSON.stringify([{ UHostId: "uhost-other" }, { UHostId: MACHINE }]),
      FAULTS: JSON.stringify({ buttonDisabledMs: 0, bootMs: 60_000 }),
    },
  });
  const closing: Array<() => Promise<unknown>> = [() => standIn.stop()];
  try {
    const line = await until("the stand-in is ready", () =>
      standIn.lines.find((each) => each.includes("consoleUrl")),
    );
    const site = Ready.parse(JSON.parse(line));
    const bare = await bareScript(site);
    closing.unshift(bare.close);
    const measured: Record<string, LaneSpeed> = {};
    const floors = { signed: bareSigner(site), api: bare.api, page: bare.clicks };
    for (const lane of LANES) {
      const ours = await driverFor(site, lane, join(dir, lane));
      closing.unshift(ours.close);
      measured[lane] = await compare(site, floors[lane], ours.contender, rounds, samples);
      await ours.close();
      closing.shift();
    }
    const { signed, api, page } = measured;
    if (signed === undefined || api === undefined || page === undefined)
      throw new Error("each lane was measured");
    return { signed, api, page, rounds, samples };
  } finally {
    for (const close of closing) await close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** One line for people. */
export function consoleInWords({ signed, api, page, rounds, samples }: ConsoleSpeed): string {
  const words = ({ p50, p99, floorP50, floorP99, ratio }: LaneSpeed) =>
    `${p50.toFixed(1)} ms p50 (${ratio.toFixed(2)} × the floor's ${floorP50.toFixed(1)}), ${p99.toFixed(1)} p99 (floor ${floorP99.toFixed(1)})`;
  return `driver.act → start request, ${rounds} × ${samples}: signed ${words(signed)}; API lane ${words(api)}; by clicking ${words(page)}`;
}

if (import.meta.main) {
  const speed = await measureConsole(
    Number(process.env.ROUNDS ?? ROUNDS),
    Number(process.env.SAMPLES ?? SAMPLES),
  );
  console.error(consoleInWords(speed));
  console.log(JSON.stringify({ bench: "console", ...speed }));
}
