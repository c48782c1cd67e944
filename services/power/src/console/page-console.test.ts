/** The driver against the stand-in's real page and API, in real Chromium: what it sees through every trouble. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { DEFAULT_PASSWORD } from "../../../../sim/console/src/provider.ts";
import { DrivenConsole, OURS, SECOND, seen } from "../../../../tests/harness/driven-console.ts";
import { until } from "../../../../tests/harness/process.ts";

let on: DrivenConsole;
before(async () => {
  on = await DrivenConsole.start();
});
afterEach(() => on.reset());
after(() => on.close());

test("one API call observes the whole pool, and the steady state reloads nothing", async () => {
  await on.observed();
  const before = on.site.state();
  on.site.turn({ facts: { [SECOND]: { gpuUsage: [64] } } });
  await on.set(SECOND, "Running");
  const { instances, facts } = await on.driver.observe();
  assert.deepEqual([...instances.keys()], [OURS, SECOND]);
  assert.ok((facts?.get(OURS)?.releaseAt ?? 0) > Date.now(), "and what the provider tells beside the state");
  assert.equal(facts?.get(SECOND)?.gpuUsage, 64);
  assert.equal(on.site.state().describes.api, before.describes.api + 1);
  assert.equal(on.site.state().pageLoads, before.pageLoads);
});

for (const [lane, goesOn] of [
  ["api", false],
  ["page", true],
] as const) {
  test(`between looks the page ${goesOn ? "stays, where clicking comes first" : "is left"}`, async () => {
    await on.use(goesOn ? ["page", "api"] : ["api", "page"]);
    on.site.turn({ pageRefreshMs: 200 });
    // A look may fall into the moment in which the page fills its list anew.
    await until("the page is compared", async () => (await on.compared()) === "stopped");
    // A second turn comes when the first has left the page.
    assert.ok(Array.isArray(await on.driver.doctor.checkSelectors()));
    await until("the page is left, or asks again", async () => {
      const { page } = on.site.state().describes;
      await pause(250);
      return on.site.state().describes.page > page === goesOn;
    });
    assert.equal(await on.observed(), "stopped");
    // Whoever needs the page has it again.
    const report = await on.driver.doctor.checkSelectors();
    assert.ok(Array.isArray(report));
    assert.ok((report.find(({ name }) => name === "page.row")?.count ?? 0) > 0, lane);
  });
}

for (const fault of [
  { otherMachineFirst: true },
  { ignoreFilter: true },
  { otherMachineFirst: true, ignoreFilter: true },
]) {
  test(`found by its id, never by its place: ${Object.keys(fault).join(" and ")}`, async () => {
    await on.set(OURS, "Running");
    on.site.turn(fault);
    assert.equal(await on.observed(), "running");
    assert.equal(await on.compared(), "running");
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
    await on.observed();
    on.site.turn(fault);
    const sighting = await on.driver.observe();
    assert.equal(seen(sighting), `unknown: ${reason}`);
    assert.equal(sighting.trouble, reason);
  });
}

test("a list without our machine is no state, and no trouble of the others", async () => {
  on.site.turn({ emptyList: true });
  assert.equal(await on.observed(), "unknown: not_in_list");
});

test("a page that shows another state: unknown, counted, with a screenshot", async () => {
  await on.set(OURS, "Running");
  on.site.turn({ pageDisagrees: { [OURS]: "Stopped" } });
  const before = on.artifacts().length;
  assert.equal(await on.compared(), "unknown: witnesses_disagree");
  assert.ok(on.told.includes("disagreed"));
  assert.ok(on.artifacts().length > before);
});

for (const fault of [
  { halfLoaded: "rows" },
  { halfLoaded: "table" },
  { changedSelectors: ["row"] },
  { changedSelectors: ["status"] },
] as const) {
  test(`a page that cannot be read is a doubt, and the API's word is kept beside it: ${JSON.stringify(fault)}`, async () => {
    await on.use(["api", "page"], (text) => text.replace("load: 8s", "load: 1500ms"));
    on.site.turn({
      ...fault,
      changedSelectors: [...("changedSelectors" in fault ? fault.changedSelectors : [])],
    });
    const sighting = (await on.driver.compare()).instances.get(OURS);
    assert.partialDeepStrictEqual(sighting, { state: "unknown", reason: "page_half_loaded", api: "stopped" });
  });
}

test("an expired session is noticed, no action is tried, and it logs in by itself", async () => {
  const logins = on.site.state().logins;
  await fetch(`${on.site.controlUrl}/expire-session`, { method: "POST" });
  await until("it is logged in again", async () => {
    await on.driver.observe();
    return on.site.state().logins > logins && on.driver.session() === "logged_in";
  });
  assert.equal(await on.observed(), "stopped");
  assert.equal(on.logins.at(-1), "by_itself");
});

test("a browser that grew too large is replaced, with its session", async () => {
  const { logins } = on.site.state();
  await on.reopen(1);
  await on.driver.compare();
  await on.driver.compare();
  assert.ok(on.told.includes("restarted memory"));
  assert.equal(await on.observed(), "stopped");
  assert.equal(on.site.state().logins, logins, "no new login was needed");
  assert.equal(on.logins.at(-1), "kept");
});

test("no secret is in the log or in an artifact's name", () => {
  const text = on.lines.join("");
  assert.ok(!text.includes(DEFAULT_PASSWORD));
  assert.ok(!/u-csrf-token":"(?!\[secret\])/i.test(text));
  for (const name of on.artifacts()) assert.match(name, /^[\w-]+\.(png|html)$/);
});
