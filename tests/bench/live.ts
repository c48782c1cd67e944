/**
 * The live view: from a key pressed by a person to the picture that shows it, and pictures a second while something moves,
 * beside a bare Playwright script that films the same page in the same run and hands its pictures to nobody; what watchers
 * cost; and what a hundred of them leave behind.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { chromium, type Page } from "playwright";
import { WebSocket } from "ws";
import { z } from "zod";
import { FLAGS } from "../../services/power/src/console/browser-flags.ts";
import type { FromBrowser } from "../../services/power/src/operator/live/messages.ts";
import { startConsole } from "../../sim/console/src/provider.ts";
import { SANDBOX } from "../harness/driven-console.ts";
import { Process, until } from "../harness/process.ts";
import { treeUse, useBetween } from "./process-use.ts";
import type { Round } from "./statistics.ts";

const CHROMIUM = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium-headless-shell";
const KEYS = 25;
const SESSIONS = 100;
/** Between two keys: what the one before has drawn is drawn by then. */
const QUIET_MS = 120;
const LEAD_MS = 3_000;
const BACK_MS = 600;
/** A mouse tells of itself so often. */
const MOVE_MS = 8;
const HOST = new URL("./live-host.ts", import.meta.url).pathname;
const Ready = z.object({ port: z.number(), cookie: z.string() });

interface Place {
  readonly x: number;
  readonly y: number;
}

/** Who presses keys and sees pictures. */
interface Contender {
  /** The moments at which pictures came. */
  readonly pictures: number[];
  click(x: number, y: number): Promise<void>;
  press(): void;
  hold(x: number, y: number): void;
  move(x: number, y: number): void;
  drop(x: number, y: number): void;
}

async function openFloor(url: string) {
  const browser = await chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: SANDBOX, args: FLAGS });
  const page: Page = await (await browser.newContext({ locale: "zh-CN", reducedMotion: "reduce" })).newPage();
  await page.goto(url);
  const pictures: number[] = [];
  await page.screencast.start({
    quality: 80,
    size: { width: 1280, height: 720 },
    onFrame: () => {
      pictures.push(performance.now());
    },
  });
  const floor: Contender = {
    pictures,
    click: async (x, y) => await page.mouse.click(x, y),
    press: () => void page.keyboard.press("1"),
    hold: (x, y) => void page.mouse.move(x, y).then(async () => await page.mouse.down()),
    move: (x, y) => void page.mouse.move(x, y),
    drop: () => void page.mouse.up(),
  };
  return { floor, page, close: async () => await browser.close() };
}

/** A watcher that draws at once whatever comes. */
async function openWatcher(ready: z.output<typeof Ready>, tab: string) {
  const origin = `http://127.0.0.1:${ready.port}`;
  const socket = new WebSocket(`${origin.replace("http", "ws")}/live/socket?tab=${tab}`, {
    headers: { origin, cookie: ready.cookie },
  });
  const pictures: number[] = [];
  let controls = () => {};
  const controlled = new Promise<void>((resolve) => {
    controls = resolve;
  });
  const send = (message: FromBrowser) => socket.send(JSON.stringify(message));
  socket.on("message", (data: Buffer, binary: boolean) => {
    if (binary) {
      pictures.push(performance.now());
      send({ type: "seen", frame: data.readUInt32BE(0) });
    } else if (String(data).includes('"you":"controls"')) controls();
  });
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  const at = () => performance.now();
  const mouse = (kind: "move" | "down" | "up", x: number, y: number) =>
    send({
      type: "mouse",
      kind,
      x,
      y,
      button: kind === "move" ? "none" : "left",
      buttons: kind === "down" ? 1 : 0,
      clicks: kind === "move" ? 0 : 1,
      modifiers: 0,
      at: at(),
    });
  const key = { key: "1", code: "Digit1", keyCode: 49, location: 0, repeat: false, modifiers: 0 } as const;
  const ours: Contender = {
    pictures,
    click: async (x, y) => {
      for (const kind of ["move", "down", "up"] as const) mouse(kind, x, y);
      await pause(QUIET_MS);
    },
    press: () => {
      send({ type: "key", kind: "down", ...key, at: at() });
      send({ type: "key", kind: "up", ...key, at: at() });
    },
    hold: (x, y) => {
      for (const kind of ["move", "down"] as const) mouse(kind, x, y);
    },
    move: (x, y) => mouse("move", x, y),
    drop: (x, y) => mouse("up", x, y),
  };
  return {
    ours,
    take: async () => {
      send({ type: "control", act: "take" });
      await controlled;
    },
    close: async () => {
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.close();
      await closed;
    },
  };
}

/** Milliseconds from each key to the next picture: on a page at rest that is the one that shows it. */
async function pressKeys({ pictures, press }: Contender): Promise<number[]> {
  const took: number[] = [];
  for (let index = 0; index < KEYS; index += 1) {
    await pause(QUIET_MS);
    const before = pictures.length;
    const at = performance.now();
    press();
    while (pictures.length === before && performance.now() - at < 2_000) await pause(1);
    took.push((pictures[before] ?? performance.now()) - at);
  }
  return took;
}

/** Pictures a second while the slider's knob is led to and fro. */
async function lead({ pictures, hold, move, drop }: Contender, knob: Place): Promise<number> {
  hold(knob.x, knob.y);
  await pause(QUIET_MS);
  const before = pictures.length;
  const began = performance.now();
  let ms = 0;
  for (; ms < LEAD_MS; ms = performance.now() - began) {
    move(knob.x + 120 + 110 * Math.sin(ms / 300), knob.y + 3 * Math.sin(ms / 60));
    await pause(MOVE_MS);
  }
  const perSecond = ((pictures.length - before) / ms) * 1_000;
  drop(knob.x + 100, knob.y);
  // Let go halfway, it goes back, once the console has answered.
  await pause(BACK_MS);
  return perSecond;
}

async function placeOf(page: Page, selector: string): Promise<Place> {
  const box = await page.locator(selector).boundingBox();
  if (box === null) throw new Error(`The login page has no ${selector}.`);
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** Share of a core of the live view's process and its browser while `work` runs. */
async function coreOf(pid: number, work: () => Promise<unknown>): Promise<number> {
  const before = await treeUse(pid);
  const began = performance.now();
  await work();
  return useBetween([before, await treeUse(pid)], (performance.now() - began) / 1_000).cpu;
}

export async function measureLive(rounds: number) {
  const stateDir = await mkdtemp(join(tmpdir(), "bench-live-"));
  const site = await startConsole({ faults: { loginByHandOnly: true } });
  const host = new Process("the live view", {
    command: process.execPath,
    args: [HOST, site.consoleUrl, site.apiUrl, stateDir, CHROMIUM],
  });
  const said = await until("the live view is there", () =>
    host.lines.find((line) => line.startsWith('{"port"')),
  );
  const ready = Ready.parse(JSON.parse(said));
  const { floor, page, close } = await openFloor(`${site.consoleUrl}/login`);
  try {
    const [field, knob] = [
      await placeOf(page, "input[name=phone]"),
      await placeOf(page, ".login-slider span"),
    ];
    const unwatched = await coreOf(host.pid, async () => await pause(LEAD_MS));
    const first = await openWatcher(ready, "bench-tab-1");
    await first.take();
    await until("there is a picture", () => first.ours.pictures.length > 0);
    const contenders = { floor, ours: first.ours };
    const keys: Round[] = [];
    const films: Round[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const took = { floor: [] as number[], ours: [] as number[] };
      const filmed = { floor: [] as number[], ours: [] as number[] };
      // In turn, and each round the other one first.
      for (const name of round % 2 === 0 ? (["floor", "ours"] as const) : (["ours", "floor"] as const)) {
        const contender = contenders[name];
        await contender.click(field.x, field.y);
        took[name].push(...(await pressKeys(contender)));
        filmed[name].push(await lead(contender, knob));
      }
      keys.push(took);
      films.push(filmed);
    }
    const watched = await coreOf(host.pid, async () => await lead(first.ours, knob));
    const others = await Promise.all(
      [2, 3, 4, 5].map(async (of) => await openWatcher(ready, `bench-tab-${of}`)),
    );
    const byFive = await coreOf(host.pid, async () => await lead(first.ours, knob));
    await Promise.all(others.map(async (each) => await each.close()));
    const before = useBetween([await treeUse(host.pid)], 1).rssBytes;
    for (let session = 0; session < SESSIONS; session += 1) {
      const guest = await openWatcher(ready, `bench-guest-${session}`);
      await until("the guest sees a picture", () => guest.ours.pictures.length > 0, 10_000, 2);
      await guest.close();
    }
    const grown = useBetween([await treeUse(host.pid)], 1).rssBytes - before;
    await first.close();
    return { keys, films, cpu: { unwatched, watched, byFive }, grown };
  } finally {
    await close();
    await host.stop();
    await site.close();
    await rm(stateDir, { recursive: true, force: true });
  }
}
