/** A dry run against the stand-ins' real pages: every step is walked, and the ledger counts no action. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DrivenConsole, OURS } from "../../../../../tests/harness/driven-console.ts";

for (const skin of ["compshare", "autodl"] as const) {
  test(`dry runs on the console of ${skin}`, { timeout: 120_000 }, async (t) => {
    let on: DrivenConsole;
    before(async () => {
      on = await DrivenConsole.start(skin);
    });
    after(() => on.close());
    const walk = async (action: "start" | "stop") => {
      await on.set(OURS, action === "start" ? "Stopped" : "Running");
      const walked = await on.driver.doctor.dryRun(action, OURS);
      assert.deepEqual(on.site.state().actions, [], "no action has left");
      return walked;
    };

    for (const action of ["start", "stop"] as const) {
      await t.test(`a ${action}: every step fits, and the last is not clicked`, async () => {
        const { steps, stopped, words } = await walk(action);
        assert.equal(words, "Every step fits the page.");
        assert.deepEqual(stopped, []);
        assert.ok(steps.length >= 2);
        for (const [index, step] of steps.entries()) {
          assert.equal(step.verdict, "found");
          assert.equal(step.clicked, index < steps.length - 1);
          assert.ok(on.artifacts().includes(`${step.picture}.png`), "with a picture");
        }
      });
    }

    await t.test("a click that acts at once is stopped on its way", async () => {
      on.site.turn({ dialogLess: true });
      const { stopped, words } = await walk("start");
      assert.equal(stopped.length, 1);
      assert.match(words, /acts already/);
      on.site.turn({ dialogLess: false });
    });

    await t.test("a step that does not fit is named", async () => {
      on.site.turn({ changedSelectors: ["buttons"] });
      await on.use(["api", "page"], (text) => text.replace("step: 4s", "step: 1s"));
      await on.driver.observe();
      const { steps } = await walk("start");
      assert.partialDeepStrictEqual(steps, [{ name: "start.steps.0", verdict: "missing", clicked: false }]);
      on.site.turn({ changedSelectors: [] });
    });

    await t.test("a machine in another state is told, and nothing is clicked", async () => {
      await on.set(OURS, "Running");
      const { steps, words } = await on.driver.doctor.dryRun("start", OURS);
      assert.deepEqual(steps, []);
      assert.match(words, /shows the machine as running/);
      assert.deepEqual(on.site.state().actions, []);
    });

    await t.test("afterwards the page works as before", async () => {
      await on.set(OURS, "Stopped");
      await on.use(["page"]);
      assert.deepEqual(await on.act("start"), { outcome: "accepted", lane: "page" });
      assert.equal(on.site.state().actions.length, 1);
    });
  });
}
