/** The doctor's check against the stand-in's real pages, in real Chromium. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { DrivenConsole, OURS, SECOND } from "../../../../../tests/harness/driven-console.ts";
import { parseProfile } from "../profile.ts";
import { checkAnswer } from "./check-answers.ts";

for (const skin of ["compshare", "autodl"] as const) {
  test(`the console of ${skin}`, { timeout: 120_000 }, async (t) => {
    let on: DrivenConsole;
    before(async () => {
      on = await DrivenConsole.start(skin);
      // The last page of the list: a machine that runs and one that is off must be on the first.
      await on.set("uhost-other-0", "Running");
      await use((text) => text);
    });
    after(() => on.close());
    /** A page that does not fit is not waited for. */
    const use = async (change: (text: string) => string) => {
      await on.use(["api", "page"], (text) => change(text.replace("load: 8s", "load: 2s")));
      await on.driver.observe();
    };
    const lines = async () => {
      const { selectors, selectorsWords } = await on.driver.doctor.check();
      assert.ok(selectors !== null, selectorsWords ?? "");
      return new Map(selectors.map((line) => [line.name, line]));
    };

    await t.test("a profile that fits: each line is found, or shows only later", async () => {
      const { selectors, api } = await on.driver.doctor.check();
      assert.deepEqual(
        selectors?.filter(({ verdict }) => verdict !== "found" && verdict !== "not_shown"),
        [],
      );
      const found = await lines();
      assert.partialDeepStrictEqual(found.get("page.row"), { verdict: "found", count: 10 });
      assert.partialDeepStrictEqual(found.get("page.state"), { verdict: "found", count: 10 });
      assert.deepEqual(new Set(found.get("page.state")?.texts), new Set(["运行中", "已关机"]));
      assert.equal(found.get("start.steps.0.click")?.verdict, "found");
      assert.equal(found.get("start.steps.1.click")?.verdict, "not_shown");
      assert.ok((found.get("page.id")?.boxes[0]?.width ?? 0) > 0, "with its place in the picture");
      assert.equal(api?.words, null);
      assert.deepEqual(
        api?.fields.filter(({ verdict }) => verdict === "missing"),
        [],
      );
      assert.deepEqual(api?.unlisted, []);
    });

    for (const [part, names] of [
      ["row", ["page.row", "page.id", "page.state", "start.steps.0.click"]],
      ["status", ["page.state"]],
      ["buttons", ["start.steps.0.click"]],
    ] as const) {
      await t.test(`classes of ${part} that were renamed are named`, async () => {
        on.site.turn({ changedSelectors: [part] });
        const found = await lines();
        for (const name of names) assert.notEqual(found.get(name)?.verdict, "found", name);
        assert.equal(found.get(names[0])?.verdict, "missing");
        assert.equal(found.get("page.ready")?.verdict, "found");
        on.site.turn({ changedSelectors: [] });
      });
    }

    await t.test("what is in a row twice is ambiguous; what is no selector is missing", async () => {
      await use((text) => text.replace(/^( +)id: (\.uc-fe-table-cell-id|span\.instance-id)$/m, "$1id: td"));
      assert.equal((await lines()).get("page.id")?.verdict, "ambiguous");
      await use((text) => text.replace(/^( +)dialog: .*$/m, "$1dialog: ']['"));
      assert.partialDeepStrictEqual((await lines()).get("page.dialog"), {
        verdict: "missing",
        words: "It is no CSS selector.",
      });
      await use((text) => text);
    });

    await t.test(
      "a word for a state that is not listed is named, on the page and in the answer",
      async () => {
        await on.set("uhost-other-1", "Reinstalling");
        const { api } = await on.driver.doctor.check();
        // One of the profiles knows the word, and says that it is nothing to act on.
        assert.equal(api?.unlisted.length, skin === "autodl" ? 1 : 0);
        const state = (await lines()).get("page.state");
        assert.equal(state?.unlisted?.length, 1);
      },
    );

    await t.test("without a login it says so", async () => {
      await fetch(`${on.site.controlUrl}/expire-session`, { method: "POST" });
      on.site.turn({ loginByHandOnly: true });
      await use((text) => text.replace(/ {2}fields:\n( {4}.*\n){3}/, ""));
      const { selectors, selectorsWords } = await on.driver.doctor.check();
      assert.equal(selectors, null);
      assert.match(selectorsWords ?? "", /asks for a login/);
      for (const id of [OURS, SECOND]) assert.equal(on.truth(id), "Stopped");
    });
  });
}

const profile = parseProfile(
  readFileSync(new URL("../../../../../profiles/compshare.yaml", import.meta.url), "utf8"),
  "compshare.yaml",
);

test("fields that are not there are named; those that may depend on a state only where no machine tells them", () => {
  const whole = { UHostId: "a", State: "Running", Zone: "z", Region: "r", BasicImageId: "i", GPU: 1 };
  const { Zone: _, ...without } = whole;
  const body = { RetCode: 0, TotalCount: 2, UHostSet: [whole, { ...without, State: "Napping" }] };
  const check = checkAnswer(body, [{ name: "api.headers.0", field: "u-csrf-token" }], profile);
  const verdicts = new Map(check.fields.map(({ name, verdict }) => [name, verdict]));
  assert.equal(verdicts.get("api.headers.0"), "missing");
  assert.equal(verdicts.get("start.fields.0"), "missing");
  assert.equal(verdicts.get("start.fields.1"), "found");
  assert.equal(verdicts.get("api.facts.gpus"), "found");
  assert.equal(verdicts.get("api.facts.releaseTime"), "not_told");
  assert.deepEqual(check.unlisted, ["Napping"]);
  assert.partialDeepStrictEqual(checkAnswer({ RetCode: 5, Message: "no" }, [], profile), {
    machines: null,
    words: "no",
  });
});
