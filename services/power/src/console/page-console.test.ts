/** The driver against the stand-in's real page and API, in real Chromium: every trouble the console makes. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { createLogger } from "@gpu-power-manager/shared/logger";
import {
  type Console,
  DEFAULT_PASSWORD,
  DEFAULT_USERNAME,
  startConsole,
} from "../../../../sim/console/src/provider.ts";
import { until } from "../../../../tests/harness/process.ts";
import { profileFor } from "../../../../tests/harness/stack.ts";
import type { Sighting } from "./driver.ts";
import { PageConsole } from "./page-console.ts";
import { parseProfile } from "./profile.ts";

const OTHERS = Array.from({ length: 12 }, (_, index) => ({
  UHostId: `uhost-other-${index}`,
  Name: `other ${index}`,
}));
const OURS = "uhost-ours";
const SECOND = "uhost-second";

let site: Console;
let driver: PageConsole;
let stateDir: string;
const told: string[] = [];
const lines: string[] = [];

async function lanes(...order: Array<"api" | "page">) {
  driver.setProfile(parseProfile(await profileFor(site, { lanes: order }), "test.yaml"));
}

function open(memoryLimitBytes = 2 ** 32): PageConsole {
  return new PageConsole({
    profile,
    providerIds: [OURS, SECOND],
    stateDir,
    sessionKey: "a key only for this test",
    headless: true,
    chromiumPath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
    sandbox: process.getuid?.() !== 0,
    authorities: [],
    memoryLimitBytes,
    credentials: { user: DEFAULT_USERNAME, password: DEFAULT_PASSWORD },
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
    },
    now: Date.now,
  });
}
let profile: ReturnType<typeof parseProfile>;

before(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "driver-"));
  site = await startConsole({
    bootMs: 300,
    stopMs: 200,
    machines: [...OTHERS, { UHostId: OURS, Name: "ours" }, { UHostId: SECOND, Name: "second" }],
  });
  profile = parseProfile(await profileFor(site, {}), "test.yaml");
  driver = open();
  assert.deepEqual((await driver.compare()).instances.get(OURS), { state: "stopped" });
});
after(async () => {
  await driver.close();
  await site.close();
});
afterEach(async () => {
  await fetch(`${site.controlUrl}/faults/reset`, { method: "POST" });
  site.turn({ bootMs: 300, stopMs: 200 });
  for (const id of [OURS, SECOND]) await set(id, "Stopped");
  await lanes("api", "page");
  told.length = 0;
});

async function set(id: string, state: string) {
  await fetch(`${site.controlUrl}/machines/${id}/state`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ state }),
  });
}
const truth = (id = OURS) => site.state().machines.find((machine) => machine.UHostId === id)?.State;
const seen = (sightings: ReadonlyMap<string, Sighting>, id = OURS) => {
  const sighting = sightings.get(id);
  assert.ok(sighting);
  return sighting.state === "unknown" ? `unknown: ${sighting.reason}` : sighting.state;
};
const observed = async () => seen((await driver.observe()).instances);
const compared = async () => seen((await driver.compare()).instances);
const act = (action: "start" | "stop", allowed = true) =>
  driver.act({ providerId: OURS, attemptId: "t", action, allowed: () => allowed });
const artifacts = () => readdirSync(join(stateDir, "artifacts")).length;

test("one API call observes the whole pool, and the steady state reloads nothing", async () => {
  await observed();
  const before = site.state();
  const { instances } = await driver.observe();
  assert.deepEqual([...instances.keys()], [OURS, SECOND]);
  assert.equal(site.state().describes.api, before.describes.api + 1);
  assert.equal(site.state().pageLoads, before.pageLoads);
});

for (const fault of [
  { otherMachineFirst: true },
  { ignoreFilter: true },
  { otherMachineFirst: true, ignoreFilter: true },
]) {
  test(`found by its id, never by its place: ${Object.keys(fault).join(" and ")}`, async () => {
    await set(OURS, "Running");
    site.turn(fault);
    assert.equal(await observed(), "running");
    assert.equal(await compared(), "running");
  });
}

const TROUBLE = [
  [{ api500: "describe" }, "console_error"],
  [{ htmlInsteadOfJson: "describe" }, "console_error"],
  [{ rateLimited: "describe" }, "console_error"],
  [{ slowApiMs: 4_000 }, "console_unreachable"],
] as const;
for (const [fault, reason] of TROUBLE) {
  test(`trouble is unknown, with its reason, and asks to back off: ${JSON.stringify(fault)}`, async () => {
    await observed();
    site.turn(fault);
    const sighting = await driver.observe();
    assert.equal(seen(sighting.instances), `unknown: ${reason}`);
    assert.equal(sighting.trouble, reason);
  });
}

test("a list without our machine is no state, and no trouble of the others", async () => {
  site.turn({ emptyList: true });
  assert.equal(await observed(), "unknown: not_in_list");
});

test("a page that shows another state: unknown, counted, with a screenshot", async () => {
  await set(OURS, "Running");
  site.turn({ pageDisagrees: { [OURS]: "Stopped" } });
  const before = artifacts();
  assert.equal(await compared(), "unknown: witnesses_disagree");
  assert.ok(told.includes("disagreed"));
  assert.ok(artifacts() > before);
});

for (const fault of [
  { halfLoaded: "rows" },
  { halfLoaded: "table" },
  { changedSelectors: ["row"] },
  { changedSelectors: ["status"] },
] as const) {
  test(`a page that cannot be read is a doubt, and the API's word is kept beside it: ${JSON.stringify(fault)}`, async () => {
    await lanesWithShortLoad();
    site.turn({
      ...fault,
      changedSelectors: [...("changedSelectors" in fault ? fault.changedSelectors : [])],
    });
    const sighting = (await driver.compare()).instances.get(OURS);
    assert.partialDeepStrictEqual(sighting, { state: "unknown", reason: "page_half_loaded", api: "stopped" });
  });
}

async function lanesWithShortLoad() {
  const text = await profileFor(site, {});
  driver.setProfile(parseProfile(text.replace("load: 8s", "load: 1500ms"), "test.yaml"));
}

for (const lane of ["api", "page"] as const) {
  test(`start and stop by the ${lane} lane`, async () => {
    await lanes(lane);
    assert.deepEqual(await act("start"), { outcome: "accepted", lane });
    await until("it runs", () => truth() === "Running");
    assert.deepEqual(await act("stop"), { outcome: "accepted", lane });
    await until("it is off", () => truth() === "Stopped");
    assert.equal(truth(SECOND), "Stopped");
  });
}

for (const fault of [
  { dialogLess: true },
  { dialogMore: "beforeConfirm" },
  { dialogMore: "onLoad" },
  { buttonDisabledMs: 900 },
  { stalePage: true },
] as const) {
  test(`clicking copes with ${JSON.stringify(fault)}`, async () => {
    await lanes("page");
    site.turn(fault);
    assert.deepEqual(await act("start"), { outcome: "accepted", lane: "page" });
    await until("it runs", () => truth() === "Running");
  });
}

for (const fault of [{ buttonDisabledAlways: true }, { changedSelectors: ["buttons"] }] as const) {
  test(`nothing is clicked that cannot be clicked: ${JSON.stringify(fault)}`, async () => {
    await lanes("page");
    site.turn({
      ...fault,
      changedSelectors: [...("changedSelectors" in fault ? fault.changedSelectors : [])],
    });
    await driver.compare();
    const before = artifacts();
    assert.equal((await act("start")).outcome, "not_tried");
    assert.ok(artifacts() > before, "a screenshot is kept");
    assert.equal(truth(), "Stopped");
  });
}

test("a confirmation that names another machine is left alone", async () => {
  const text = await profileFor(site, { lanes: ["page"] });
  driver.setProfile(parseProfile(text.replace("step: 4s", "step: 1500ms"), "test.yaml"));
  await set(OURS, "Running");
  site.turn({ confirmNames: SECOND });
  const { actions } = site.state();
  assert.partialDeepStrictEqual(await act("stop"), {
    outcome: "not_tried",
    message: "The confirmation names another machine; it is left alone.",
  });
  assert.equal(site.state().actions.length, actions.length);
  // One that also names ours is ours.
  site.turn({ confirmNames: `${SECOND}、${OURS}` });
  assert.equal((await act("stop")).outcome, "accepted");
});

for (const lane of ["api", "page"] as const) {
  test(`nothing is sent by the ${lane} lane when the lease has run out`, async () => {
    await lanes(lane);
    const { actions } = site.state();
    const result = await act("start", false);
    assert.equal(result.outcome, "not_tried");
    assert.equal(site.state().actions.length, actions.length);
    assert.equal(truth(), "Stopped");
  });
}

test("a refusal of the API is tried by clicking; want of stock is not, and says so", async () => {
  site.turn({ soldOut: [OURS] });
  const before = site.state().actions.length;
  assert.partialDeepStrictEqual(await act("start"), { outcome: "refused", lane: "api", soldOut: true });
  assert.equal(site.state().actions.length, before + 1);
});

test("an action whose answer never comes is uncertain, and is not tried another way", async () => {
  site.turn({ actionHangs: true });
  const before = site.state().actions.length;
  assert.partialDeepStrictEqual(await act("start"), { outcome: "uncertain", lane: "api" });
  assert.equal(site.state().actions.length, before + 1);
});

test("an expired session is noticed, no action is tried, and it logs in by itself", async () => {
  const logins = site.state().logins;
  await fetch(`${site.controlUrl}/expire-session`, { method: "POST" });
  await until("it is logged in again", async () => {
    await driver.observe();
    return site.state().logins > logins && driver.session() === "logged_in";
  });
  assert.equal(await observed(), "stopped");
});

test("a browser that grew too large is replaced, with its session", async () => {
  await driver.close();
  const logins = site.state().logins;
  driver = open(1);
  await driver.compare();
  await driver.compare();
  assert.ok(told.includes("restarted memory"));
  assert.equal(await observed(), "stopped");
  assert.equal(site.state().logins, logins, "no new login was needed");
});

test("no secret is in the log or in an artifact's name", () => {
  const text = lines.join("");
  assert.ok(!text.includes(DEFAULT_PASSWORD));
  assert.ok(!/u-csrf-token":"(?!\[secret\])/i.test(text));
  for (const name of readdirSync(join(stateDir, "artifacts"))) assert.match(name, /^[\w-]+\.(png|html)$/);
});
