/** The driver that signs, against the stand-in, with a real Chromium behind it where one is needed. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { createLogger } from "@gpu-power-manager/shared/logger";
import {
  type Console,
  DEFAULT_PRIVATE_KEY,
  DEFAULT_PUBLIC_KEY,
  startConsole,
} from "../../../../sim/console/src/provider.ts";
import { OURS, openDriver, SECOND, seen } from "../../../../tests/harness/driven-console.ts";
import { type PoolFileOptions, profileFor } from "../../../../tests/harness/pool-files.ts";
import { until } from "../../../../tests/harness/process.ts";
import type { PoolSighting } from "../console/driver.ts";
import { parseProfile } from "../console/profile.ts";
import { SignedConsole, type SignedConsoleOptions } from "./signed-console.ts";
import { isSigning } from "./signed-lane.ts";

const QUICK = { bootMs: 300, stopMs: 200 };
const OPEN: SignedConsole[] = [];
let site: Console;
let stateDir: string;
before(async () => {
  site = await startConsole({ ...QUICK, machines: [{ UHostId: OURS }, { UHostId: SECOND }] });
  stateDir = mkdtempSync(join(tmpdir(), "signed-"));
});
afterEach(async () => {
  for (const each of OPEN.splice(0)) await each.close();
  await fetch(`${site.controlUrl}/faults/reset`, { method: "POST" });
  for (const id of [OURS, SECOND]) await set(id, "Stopped");
});
after(async () => {
  await site.close();
  rmSync(stateDir, { recursive: true, force: true });
});

async function set(id: string, state: string): Promise<void> {
  await fetch(`${site.controlUrl}/machines/${id}/state`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ state }),
  });
}

interface Opened {
  readonly driver: SignedConsole;
  /** What it told of failures and doubts. */
  readonly told: string[];
  readonly lines: string[];
}

async function open({
  lanes = ["signed", "api", "page"],
  browser = false,
  privateKey = DEFAULT_PRIVATE_KEY,
  load = "8s",
  ...options
}: Partial<Omit<SignedConsoleOptions, "browser">> & {
  readonly lanes?: PoolFileOptions["lanes"];
  readonly browser?: boolean;
  readonly privateKey?: string;
  readonly load?: string;
} = {}): Promise<Opened> {
  const profile = parseProfile(
    (await profileFor(site, { lanes })).replace("load: 8s", `load: ${load}`),
    "test.yaml",
  );
  assert.ok(isSigning(profile));
  const told: string[] = [];
  const lines: string[] = [];
  const parts = {
    profile,
    providerIds: [OURS, SECOND],
    // As the driver itself tells it: nothing is left to the logger's own list of secrets.
    logger: createLogger({
      service: "test",
      level: "trace",
      secrets: [],
      destination: { write: (line: string) => lines.push(line) },
    }),
    events: {
      observed: () => {},
      disagreed: () => told.push("disagreed"),
      failed: (kind: string) => told.push(kind),
      browserRestarted: () => {},
      login: () => {},
    },
    now: Date.now,
  };
  const driver = new SignedConsole({
    ...parts,
    keys: { publicKey: DEFAULT_PUBLIC_KEY, privateKey },
    browser: browser ? openDriver({ ...parts, stateDir }) : undefined,
    always: false,
    ...options,
  });
  OPEN.push(driver);
  return { driver, told, lines };
}

const act = async (driver: SignedConsole, action: "start" | "stop", allowed = true) =>
  await driver.act({ providerId: OURS, attemptId: "t", action, allowed: () => allowed });
const planned = async (driver: SignedConsole) => (await driver.observe()).facts?.get(OURS)?.plannedStopAt;
const truth = () => site.state().machines.find(({ UHostId }) => UHostId === OURS)?.State;
const words = ({ instances }: PoolSighting) => {
  const sighting = instances.get(OURS);
  return sighting?.state === "unknown" ? sighting.words : "";
};

test("it sees, starts and stops by signed requests alone, and no browser runs for it", async () => {
  const { driver, told } = await open({ browser: true });
  assert.equal(driver.signedApi(), "not_asked");
  assert.equal(seen(await driver.observe()), "stopped");
  assert.deepEqual(await act(driver, "start"), { outcome: "accepted", lane: "signed" });
  await until("it runs", async () => seen(await driver.observe()) === "running");
  assert.deepEqual(await act(driver, "stop"), { outcome: "accepted", lane: "signed" });
  await until("it is off", async () => seen(await driver.observe()) === "stopped");
  const { facts } = await driver.observe();
  assert.ok(
    (facts?.get(OURS)?.releaseAt ?? 0) > Date.now(),
    "what the entry tells is read by the same reader",
  );
  assert.deepEqual([driver.signedApi(), driver.session()], ["answering", "not_used"]);
  assert.equal(await driver.memoryBytes(), undefined, "no browser");
  assert.equal(site.state().pageLoads, 0);
  assert.deepEqual(told, []);
});

test("nothing is signed that may not be sent any more", async () => {
  const { driver } = await open();
  await driver.observe();
  const { actions } = site.state();
  assert.equal((await act(driver, "start", false)).outcome, "not_tried");
  assert.equal(site.state().actions.length, actions.length);
});

test("without a browser two answers that are two seconds apart are the two witnesses", async () => {
  const { driver } = await open();
  await set(OURS, "Running");
  const signed = site.state().describes.signed;
  const askedAt = Date.now();
  const sighting = await driver.compare();
  assert.equal(seen(sighting), "running");
  assert.ok(sighting.askedAt - askedAt >= 1_990);
  assert.equal(site.state().describes.signed, signed + 2);
});

test("a machine that changes between every two answers is unknown, and a change that is over is not", async () => {
  const { driver, told } = await open();
  let asked = 0;
  const changing = async (states: readonly string[]) => {
    asked = site.state().describes.signed;
    const comparing = driver.compare();
    for (const [index, state] of states.entries()) {
      await until("it was asked", () => site.state().describes.signed > asked + index);
      await set(OURS, state);
    }
    return seen(await comparing);
  };
  assert.equal(await changing(["Running"]), "running");
  assert.deepEqual(told, []);
  assert.equal(await changing(["Stopped", "Running"]), "unknown: witnesses_disagree");
  assert.deepEqual(told, ["disagreed", "witnesses_disagree"]);
});

test("refused keys are a reason of their own, with what to do, and without the key", async () => {
  const { driver, told, lines } = await open();
  site.turn({ keysRevoked: true });
  const sighting = await driver.observe();
  assert.equal(seen(sighting), "unknown: keys_refused");
  assert.equal(sighting.trouble, "keys_refused");
  assert.match(words(sighting), /User Not Exists.*secrets\/provider-private-key/);
  assert.deepEqual([driver.signedApi(), driver.session()], ["keys_refused", "not_used"]);
  assert.deepEqual(told, ["keys_refused"]);
  assert.partialDeepStrictEqual(await act(driver, "start"), { outcome: "not_tried" });
  const wrong = await open({ privateKey: "quite-another-private-key" });
  assert.equal(seen(await wrong.driver.observe()), "unknown: keys_refused");
  assert.doesNotMatch([...lines, ...wrong.lines].join(""), /private-key-for-the-stand-in|quite-another/);
});

const TROUBLE = [
  [{ api500: "describe" }, "console_error", "failing"],
  [{ htmlInsteadOfJson: "describe" }, "console_error", "failing"],
  [{ rateLimited: "describe" }, "console_error", "limited"],
  // It took the question and does not answer in time: not an address that cannot be reached.
  [{ slowApiMs: 4_000 }, "console_error", "failing"],
] as const;
for (const [fault, reason, state] of TROUBLE) {
  test(`trouble is unknown, with its reason, and asks to back off: ${JSON.stringify(fault)}`, async () => {
    const { driver } = await open();
    site.turn(fault);
    const sighting = await driver.observe();
    assert.equal(seen(sighting), `unknown: ${reason}`);
    assert.ok(sighting.trouble !== undefined);
    assert.equal(driver.signedApi(), state);
  });
}

test("want of stock is told, and not tried another way; a lost answer neither", async () => {
  const { driver } = await open({ browser: true });
  await driver.observe();
  const before = site.state().actions.length;
  site.turn({ soldOut: [OURS] });
  assert.partialDeepStrictEqual(await act(driver, "start"), {
    outcome: "refused",
    lane: "signed",
    soldOut: true,
  });
  site.turn({ soldOut: [], actionHangs: true });
  assert.partialDeepStrictEqual(await act(driver, "start"), { outcome: "uncertain", lane: "signed" });
  assert.equal(site.state().actions.length, before + 2);
});

test("while the signed API fails the session stands in, then the page; back again, the browser ends when it is not needed", async () => {
  // Stands still, so that a rest does not end while a busy machine launches its browser.
  const began = Date.now();
  let ahead = 0;
  const { driver, told } = await open({ browser: true, now: () => began + ahead });
  site.turn({ troubled: "signed", api500: "all" });
  assert.equal(seen(await driver.observe()), "stopped");
  assert.deepEqual([driver.signedApi(), driver.session()], ["failing", "logged_in"]);
  const { signed } = site.state().describes;
  await driver.observe();
  assert.equal(site.state().describes.signed, signed, "it rests a while where another lane answers");
  assert.deepEqual(await act(driver, "start"), { outcome: "accepted", lane: "api" });
  await until("it runs", () => truth() === "Running");
  assert.equal(seen(await driver.compare()), "running", "the console's own two witnesses");
  assert.ok(told.includes("console_error"));

  site.turn({ troubled: "everybody", api500: "none" });
  ahead += 60_000;
  assert.equal(seen(await driver.observe()), "running");
  assert.equal(driver.signedApi(), "answering");
  // It runs with a session still, so its API is the second witness, and no second answer is waited for.
  const before = site.state().describes;
  assert.equal(seen(await driver.compare()), "running");
  assert.equal(site.state().describes.api, before.api + 1);
  site.turn({ keysRevoked: true });
  assert.deepEqual(
    await act(driver, "stop"),
    { outcome: "accepted", lane: "api" },
    "refused keys, then the session",
  );
  site.turn({ keysRevoked: false });
  ahead += 700_000;
  await driver.observe();
  assert.equal(await driver.memoryBytes(), undefined, "the browser is gone");
  assert.equal(driver.session(), "not_used");
});

test("nobody could tell: both say why, and nothing is guessed", async () => {
  const { driver } = await open({ browser: true, load: "1500ms" });
  site.turn({ keysRevoked: true, api500: "describe", troubled: "session" });
  const sighting = await driver.observe();
  assert.match(seen(sighting), /^unknown: console_/);
  assert.match(words(sighting), /refuses the keys.*(HTTP 500|not drawn)/s);
  assert.equal((await act(driver, "start")).outcome, "not_tried");
  assert.equal(truth(), "Stopped");
});

test("the profile may put the session before the signed API, and clicking behind it", async () => {
  const { driver } = await open({ browser: true, lanes: ["api", "signed", "page"] });
  assert.equal(seen(await driver.observe()), "stopped");
  assert.equal(driver.signedApi(), "not_asked");
  site.turn({ troubled: "session", api500: "describe" });
  assert.equal(seen(await driver.observe()), "stopped");
  assert.equal(driver.signedApi(), "answering");
});

test("a planned stop is made, moved and withdrawn by signed requests, and another's keys are told of", async () => {
  const { driver } = await open();
  await set(OURS, "Running");
  assert.equal(await planned(driver), undefined);
  const first = Math.floor(Date.now() / 1_000 + 7_200) * 1_000;
  const plan = { providerId: OURS, allowed: () => true };
  for (const at of [first, first + 60_000]) {
    assert.deepEqual(await driver.planStop({ ...plan, at }), { outcome: "accepted" });
    assert.equal(await planned(driver), at);
  }
  assert.equal((await driver.planStop({ ...plan, at: first, allowed: () => false })).outcome, "not_tried");
  assert.equal((await driver.planStop({ ...plan, at: Date.now() })).outcome, "refused", "too near");
  assert.equal(await planned(driver), first + 60_000);
  assert.deepEqual(await driver.planStop({ ...plan, at: null }), { outcome: "accepted" });
  assert.equal(await planned(driver), undefined);
  const wrong = await open({ privateKey: "wrong" });
  await wrong.driver.observe();
  assert.equal((await wrong.driver.planStop({ ...plan, at: first })).outcome, "not_tried");
});
