/** A console of another kind by its profile alone: JSON bodies, a token in a header, pages by number, another library. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { DrivenConsole, OURS, SECOND, seen } from "../../../../tests/harness/driven-console.ts";
import { until } from "../../../../tests/harness/process.ts";

let on: DrivenConsole;
before(async () => {
  on = await DrivenConsole.start("autodl");
});
afterEach(() => on.reset());
after(() => on.close());

test("both witnesses see machines on the list's second page, and one page of the API is asked after the other", async () => {
  await on.set(OURS, "Running");
  const before = on.site.state().describes.api;
  assert.equal(await on.observed(), "running");
  assert.equal(on.site.state().describes.api, before + 2, "ours stand on the second page of ten");
  assert.equal(await on.compared(), "running");
  on.site.turn({ pageDisagrees: { [OURS]: "Stopped" } });
  assert.equal(await on.compared(), "unknown: witnesses_disagree");
});

for (const lane of ["api", "page"] as const) {
  test(`start and stop by the ${lane} lane`, async () => {
    await on.use([lane]);
    assert.deepEqual(await on.act("start"), { outcome: "accepted", lane });
    await until("it runs", () => on.truth() === "Running");
    assert.equal((await on.driver.observe()).facts?.get(OURS)?.withoutGpu, false, "with its GPU");
    assert.deepEqual(await on.act("stop"), { outcome: "accepted", lane });
    await until("it is off", () => on.truth() === "Stopped");
    assert.equal(on.truth(SECOND), "Stopped");
  });

  test(`want of GPUs is told by the ${lane} lane, and known before any start`, async () => {
    await on.use([lane]);
    await on.observed();
    on.site.turn({ soldOut: [OURS] });
    const { facts } = await on.driver.observe();
    assert.equal(facts?.get(OURS)?.available, false);
    assert.equal(facts?.get(SECOND)?.available, true);
    assert.partialDeepStrictEqual(await on.act("start"), { outcome: "refused", lane, soldOut: true });
    assert.equal(on.truth(), "Stopped");
  });
}

test("a machine that runs without its GPU is told so; one that is off tells when it will be deleted", async () => {
  on.site.turn({ facts: { [OURS]: { withoutGpu: "A" } } });
  await on.set(OURS, "Running");
  const sighting = await on.driver.observe();
  assert.equal(seen(sighting), "running");
  assert.equal(sighting.facts?.get(OURS)?.withoutGpu, true);
  assert.equal(sighting.facts?.get(OURS)?.releaseAt, undefined);
  const { releaseAt = 0 } = sighting.facts?.get(SECOND) ?? {};
  const days = (releaseAt - Date.now()) / 86_400_000;
  assert.ok(days > 14.9 && days <= 15, String(days));
});

test("a token that has expired is noticed, no action is tried, and it logs in by itself", async () => {
  const { logins, actions } = on.site.state();
  await fetch(`${on.site.controlUrl}/expire-session`, { method: "POST" });
  await until("it is logged in again", async () => {
    await on.driver.observe();
    return on.site.state().logins > logins && on.driver.session() === "logged_in";
  });
  assert.equal(on.site.state().actions.length, actions.length);
  assert.equal(await on.observed(), "stopped");
});

for (const fault of [
  { api500: "describe" },
  { htmlInsteadOfJson: "describe" },
  { rateLimited: "describe" },
] as const) {
  test(`trouble is unknown, with its reason: ${JSON.stringify(fault)}`, async () => {
    await on.observed();
    on.site.turn(fault);
    assert.equal(await on.observed(), "unknown: console_error");
  });
}

for (const fault of [{ dialogLess: true }, { dialogMore: "onLoad" }, { buttonDisabledMs: 900 }] as const) {
  test(`clicking copes with ${JSON.stringify(fault)}`, async () => {
    await on.use(["page"]);
    on.site.turn(fault);
    assert.deepEqual(await on.act("start"), { outcome: "accepted", lane: "page" });
    await until("it runs", () => on.truth() === "Running");
  });
}

test("neither the token nor how one logs in to a machine is in the log", async () => {
  on.site.turn({ soldOut: [OURS], refusalsTell: true });
  await on.driver.compare();
  await on.act("start");
  const text = on.lines.join("");
  assert.match(text, /GPU不足/);
  assert.doesNotMatch(text, /ssh -p/);
});
