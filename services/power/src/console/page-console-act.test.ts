/** The driver against the stand-in's real page and API, in real Chromium: what it does, and what it leaves alone. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { DrivenConsole, OURS, SECOND } from "../../../../tests/harness/driven-console.ts";
import { until } from "../../../../tests/harness/process.ts";

let on: DrivenConsole;
before(async () => {
  on = await DrivenConsole.start();
});
afterEach(() => on.reset());
after(() => on.close());

for (const lane of ["api", "page"] as const) {
  test(`start and stop by the ${lane} lane`, async () => {
    await on.use([lane]);
    assert.deepEqual(await on.act("start"), { outcome: "accepted", lane });
    await until("it runs", () => on.truth() === "Running");
    assert.deepEqual(await on.act("stop"), { outcome: "accepted", lane });
    await until("it is off", () => on.truth() === "Stopped");
    assert.equal(on.truth(SECOND), "Stopped");
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
    await on.use(["page"]);
    on.site.turn(fault);
    assert.deepEqual(await on.act("start"), { outcome: "accepted", lane: "page" });
    await until("it runs", () => on.truth() === "Running");
  });
}

for (const fault of [{ buttonDisabledAlways: true }, { changedSelectors: ["buttons"] }] as const) {
  test(`nothing is clicked that cannot be clicked: ${JSON.stringify(fault)}`, async () => {
    await on.use(["page"]);
    on.site.turn({
      ...fault,
      changedSelectors: [...("changedSelectors" in fault ? fault.changedSelectors : [])],
    });
    await on.driver.compare();
    const before = on.artifacts().length;
    assert.equal((await on.act("start")).outcome, "not_tried");
    assert.ok(on.artifacts().length > before, "a screenshot is kept");
    assert.equal(on.truth(), "Stopped");
  });
}

test("a confirmation that names another machine is left alone", async () => {
  await on.use(["page"], (text) => text.replace("step: 4s", "step: 1500ms"));
  await on.set(OURS, "Running");
  on.site.turn({ confirmNames: SECOND });
  const { actions } = on.site.state();
  assert.partialDeepStrictEqual(await on.act("stop"), {
    outcome: "not_tried",
    message: "The confirmation names another machine; it is left alone.",
  });
  assert.equal(on.site.state().actions.length, actions.length);
  // One that also names ours is ours.
  on.site.turn({ confirmNames: `${SECOND}、${OURS}` });
  assert.equal((await on.act("stop")).outcome, "accepted");
});

for (const lane of ["api", "page"] as const) {
  test(`nothing is sent by the ${lane} lane when the lease has run out`, async () => {
    await on.use([lane]);
    const { actions } = on.site.state();
    const result = await on.act("start", false);
    assert.equal(result.outcome, "not_tried");
    assert.equal(on.site.state().actions.length, actions.length);
    assert.equal(on.truth(), "Stopped");
  });
}

test("a refusal of the API is tried by clicking; want of stock is not, and says so", async () => {
  on.site.turn({ soldOut: [OURS] });
  const before = on.site.state().actions.length;
  assert.partialDeepStrictEqual(await on.act("start"), { outcome: "refused", lane: "api", soldOut: true });
  assert.equal(on.site.state().actions.length, before + 1);
});

test("an action whose answer never comes is uncertain, and is not tried another way", async () => {
  on.site.turn({ actionHangs: true });
  const before = on.site.state().actions.length;
  assert.partialDeepStrictEqual(await on.act("start"), { outcome: "uncertain", lane: "api" });
  assert.equal(on.site.state().actions.length, before + 1);
});

test("a planned stop is made, moved and withdrawn with the page's session", async () => {
  await on.set(OURS, "Running");
  const planned = async () => (await on.driver.observe()).facts?.get(OURS)?.plannedStopAt;
  assert.equal(await planned(), undefined);
  const at = Math.floor(Date.now() / 1_000 + 7_200) * 1_000;
  const plan = { providerId: OURS, allowed: () => true };
  assert.deepEqual(await on.driver.planStop({ ...plan, at }), { outcome: "accepted" });
  assert.equal(await planned(), at);
  assert.equal((await on.driver.planStop({ ...plan, at: Date.now() })).outcome, "refused", "too near");
  assert.equal((await on.driver.planStop({ ...plan, at: null, allowed: () => false })).outcome, "not_tried");
  assert.equal(await planned(), at);
  assert.deepEqual(await on.driver.planStop({ ...plan, at: null }), { outcome: "accepted" });
  assert.equal(await planned(), undefined);
});
