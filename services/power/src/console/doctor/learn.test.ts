/** What is learnt from a person's hand on the stand-ins' real pages does the same by itself, by either lane. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright";
import { parse, stringify } from "yaml";
import { launchChromium } from "../../../../../sim/console/src/browser-for-tests.ts";
import { DEFAULT_PASSWORD, DEFAULT_USERNAME } from "../../../../../sim/console/src/provider.ts";
import { DrivenConsole, OURS, SECOND } from "../../../../../tests/harness/driven-console.ts";
import { profileFor } from "../../../../../tests/harness/pool-files.ts";
import { until } from "../../../../../tests/harness/process.ts";
import { type Profile, parseProfile } from "../profile.ts";
import { withPart } from "./edit-profile.ts";
import { learnAction } from "./learn-action.ts";
import { WatchedHand } from "./watch-hand.ts";

let browser: Browser;
before(async () => {
  browser = await launchChromium();
});
after(() => browser.close());

/** A person's own browser on the list's page with our machines. */
async function personOn(on: DrivenConsole, profile: Profile): Promise<Page> {
  const page = await (await browser.newContext({ locale: "zh-CN" })).newPage();
  await page.goto(on.site.consoleUrl);
  await page.locator("input[name=username]").fill(DEFAULT_USERNAME);
  await page.locator("input[name=password]").fill(DEFAULT_PASSWORD);
  await page.locator("button[type=submit]").click();
  await page.locator(profile.page.row).first().waitFor();
  await page.locator(profile.page.next?.click ?? "").click();
  await page.getByText(OURS, { exact: true }).waitFor();
  return page;
}

const WAYS = {
  compshare: {
    start: ["启动", "确定"],
    stop: ["更多", "关闭", ".uc-fe-modal .uc-fe-checkbox-icon-wrap", "确定"],
  },
  autodl: { start: ["开机", "确定"], stop: ["关机", "确定"] },
} as const;

for (const skin of ["compshare", "autodl"] as const) {
  test(`a start and a stop by hand on the console of ${skin} make the parts of its profile`, {
    timeout: 120_000,
  }, async (t) => {
    const on = await DrivenConsole.start(skin);
    t.after(() => on.close());
    on.site.turn({ pageRefreshMs: 300 });
    const whole = await profileFor(on.site, { skin });
    const profile = parseProfile(whole, "p.yaml");
    await on.driver.observe();
    const page = await personOn(on, profile);
    const ours = page.locator(profile.page.row).filter({ hasText: OURS });
    let changed = whole;
    for (const action of ["start", "stop"] as const) {
      await ours.getByText(action === "start" ? "已关机" : "运行中", { exact: true }).waitFor();
      const hand = await WatchedHand.begin(page, profile);
      for (const [index, what] of WAYS[skin][action].entries()) {
        const place = index === 0 ? ours : page.locator("body");
        const target = what.startsWith(".") ? place.locator(what) : place.getByText(what, { exact: true });
        await target.filter({ visible: true }).last().click();
      }
      await until("it is done", () => on.truth() === (action === "start" ? "Running" : "Stopped"));
      const { sent, clicks } = await hand.end();
      const { yaml, remarks } = learnAction(action, OURS, sent, clicks, {
        profile,
        entry: {
          UHostId: OURS,
          Zone: "cn-wlcb-01",
          Region: "cn-wlcb",
          BasicImageId: "compshareImage-ubuntu2204",
        },
        isSecret: () => false,
      });
      assert.ok(yaml !== null, remarks.join(" "));
      assert.deepEqual(remarks, []);
      const learnt = parse(yaml)[action];
      const { steps: _, ...request } = learnt;
      const { steps: __, ...known } = parse(whole)[action];
      assert.deepEqual(
        new Set(Object.entries(request).flat(2).map(String)),
        new Set(Object.entries(known).flat(2).map(String)),
      );
      assert.equal(learnt.steps.length, WAYS[skin][action].length);
      changed = withPart(changed, "p.yaml", action, yaml);
    }
    await page.context().close();

    for (const lane of ["api", "page"] as const) {
      on.driver.setProfile(parseProfile(stringify({ ...parse(changed), lanes: [lane] }), "p.yaml"));
      assert.deepEqual(await on.act("start"), { outcome: "accepted", lane });
      await until("it runs", () => on.truth() === "Running");
      assert.deepEqual(await on.act("stop"), { outcome: "accepted", lane });
      await until("it is off", () => on.truth() === "Stopped");
      assert.equal(on.truth(SECOND), "Stopped");
    }
  });
}

test("whoever controls the page in the live view is watched, and the token of the page is not in what is learnt", async (t) => {
  const on = await DrivenConsole.start("autodl");
  t.after(() => on.close());
  const { doctor, live } = on.driver;
  // A person waits until the button can be pressed; this hand presses at once.
  on.site.turn({ dialogLess: true, buttonDisabledMs: 0 });
  const FIRST = "uhost-other-0";
  assert.match((await doctor.learn("start", FIRST))?.words ?? "", /Take control/);
  assert.match(wordsOf(await doctor.learnt()), /Nothing is being learnt/);
  await live.watch({ picture: () => {}, room: async () => {}, refused: () => {} });
  const lines = await doctor.checkSelectors();
  assert.ok(!("words" in lines));
  const [box] = lines.find(({ name }) => name === "start.steps.0.click")?.boxes ?? [];
  assert.ok(box !== undefined);
  await live.lend();
  assert.equal(await doctor.learn("start", FIRST), undefined);
  const at = { x: box.x + box.width / 2, y: box.y + box.height / 2, modifiers: 0, button: "left" as const };
  for (const [index, kind] of (["move", "down", "up"] as const).entries())
    live.input({ ...at, type: "mouse", kind, at: index, buttons: kind === "down" ? 1 : 0, clicks: 1 });
  await until("it starts", () => on.site.state().actions.length === 1);
  const learnt = await doctor.learnt();
  assert.ok("yaml" in learnt && learnt.yaml !== null, wordsOf(learnt));
  assert.deepEqual(parse(learnt.yaml).start, {
    action: "instance/power_on",
    id: "instance_uuid",
    constants: { payload: "gpu" },
    steps: [{ in: "row", click: "button.el-button", text: "开机", disabledClass: "is-disabled" }],
  });
  assert.deepEqual(learnt.remarks, []);
  await live.takeBack();
  await live.unwatch();
});

const wordsOf = (each: object) => ("words" in each ? String(each.words) : JSON.stringify(each));

test("no value that may be secret is kept, and what is not described is told", async () => {
  const profile = parseProfile(
    await profileFor(
      { consoleUrl: "http://c.invalid", apiUrl: "http://c.invalid/api/v1" },
      { skin: "autodl" },
    ),
    "p.yaml",
  );
  const token = "eyJhbGciOiJIUzI1NiJ9.x.y-secret";
  const sent = (url: string, fields: object) => [
    { method: "POST", url, headers: ["authorization", "x-trace", "accept"], body: JSON.stringify(fields) },
  ];
  const learn = (requests: ReturnType<typeof sent>) =>
    learnAction("start", "m1", requests, [], {
      profile,
      entry: undefined,
      isSecret: (text) => text === "hunter22",
    });
  const url = "http://c.invalid/api/v1/instance/power_on";
  const { yaml, remarks } = learn(
    sent(url, { instance_uuid: "m1", payload: "gpu", ticket: token, pin: "hunter22" }),
  );
  assert.deepEqual(parse(yaml ?? "").start.constants, { payload: "gpu" });
  assert.ok(
    !JSON.stringify([yaml, remarks]).includes(token) && !JSON.stringify([yaml, remarks]).includes("hunter22"),
  );
  for (const words of [/ticket/, /pin/, /x-trace/, /No click/])
    assert.ok(
      remarks.some((each) => words.test(each)),
      String(words),
    );
  assert.equal(learn(sent("http://other.invalid/power_on", { id: "m1" })).yaml, null);
  assert.match(
    learn(sent("http://other.invalid/power_on?t=1", { id: "m1" })).remarks.join(),
    /other\.invalid\/power_on that/,
  );
  assert.match(learn(sent(url, { instance_uuid: "m2" })).remarks.join(), /no request that names m1/);
});
