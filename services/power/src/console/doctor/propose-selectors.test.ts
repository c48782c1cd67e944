/** What the doctor proposes for what a person points at, on every page of the stand-ins, in real Chromium. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright";
import {
  launchChromium,
  logIn,
  menuItem,
  openMenu,
  quickConsole,
} from "../../../../../sim/console/src/browser-for-tests.ts";
import { type Console, DEFAULT_PASSWORD, DEFAULT_USERNAME } from "../../../../../sim/console/src/provider.ts";
import { parseProfile } from "../profile.ts";
import { PROPOSER, proposeSelectors } from "./propose-selectors.ts";

const MACHINES = Array.from({ length: 14 }, (_, index) => ({
  UHostId: `uhost-m${index}`,
  Name: `machine ${index}`,
  State: index % 2 === 0 ? ("Running" as const) : ("Stopped" as const),
}));
const read = (name: string) =>
  parseProfile(
    readFileSync(new URL(`../../../../../profiles/${name}.yaml`, import.meta.url), "utf8"),
    `${name}.yaml`,
  );
const PROFILES = { compshare: read("compshare"), autodl: read("autodl") };

let browser: Browser;
before(async () => {
  browser = await launchChromium();
});
after(() => browser.close());

/** Runs in the page: for each visible element what is proposed, held against the whole page. */
const TRY_ALL = `({ row }) => {
  const propose = ${PROPOSER};
  const visible = (each) => each.checkVisibility();
  const rows = [...document.querySelectorAll(row)].filter(visible);
  const wrong = [];
  let tried = 0;
  let named = 0;
  const selectors = new Set();
  for (const element of [...document.body.querySelectorAll("*")].filter(visible)) {
    const own = rows.find((each) => each.contains(element) && each !== element);
    const kind = rows.includes(element) ? "row" : own === undefined ? "lone" : "part";
    const proposals = propose(element, { kind, row: kind === "row" ? undefined : row, texts: undefined, maxProposals: 8 });
    tried += 1;
    if (proposals.length > 0) named += 1;
    for (const { selector } of proposals) {
      selectors.add(selector);
      const all = [...document.querySelectorAll(selector)].filter(visible);
      const right =
        kind === "row" ? all.includes(element) && all.every((each) => rows.includes(each))
        : kind === "part" ? all.filter((each) => own.contains(each)).length === 1 && own.querySelectorAll(selector)[0] === element
        : all.length === 1 && all[0] === element;
      if (!right) wrong.push([kind, selector, element.outerHTML.slice(0, 200)]);
    }
  }
  return { tried, named, wrong, selectors: [...selectors] };
}`;

interface Tried {
  tried: number;
  named: number;
  wrong: unknown[];
  selectors: string[];
}

async function tryAll(page: Page, row: string): Promise<Tried> {
  return await page.evaluate<Tried>(`(${TRY_ALL})(${JSON.stringify({ row })})`);
}

/** Each page and each box of a console, as a person comes to see it. */
async function* pagesOf(skin: "compshare" | "autodl", site: Console, page: Page) {
  const list = skin === "compshare" ? "/light-gpu/console/resources" : "/console/instance/list";
  await page.goto(site.consoleUrl);
  await page.waitForURL("**/login**");
  yield "login";
  if (skin === "compshare") await logIn(page);
  else {
    await page.locator("input[name=username]").fill(DEFAULT_USERNAME);
    await page.locator("input[name=password]").fill(DEFAULT_PASSWORD);
    await page.locator("button[type=submit]").click();
  }
  await page.waitForURL(`**${list}`);
  const { row, next } = PROFILES[skin].page;
  await page.locator(row).first().waitFor();
  yield "list";
  if (skin === "compshare") {
    await openMenu(page, "uhost-m0");
    yield "menu";
    await menuItem(page, "关闭").click();
    await page.locator("div.uc-fe-modal").waitFor();
  } else {
    await page.locator(row).first().locator("button", { hasText: "更多" }).click();
    yield "menu";
    await page.locator(row).first().locator("button", { hasText: "关机" }).click();
    await page.locator(".el-message-box").waitFor();
  }
  yield "confirmation";
  await page.reload();
  await page.locator(row).first().waitFor();
  await page.locator(next?.click ?? "").click();
  await page.getByText("machine 12").waitFor();
  yield "second page";
  site.turn({ dialogMore: "onLoad" });
  await page.reload();
  await page.locator(PROFILES[skin].page.dialog).first().waitFor();
  yield "announcement";
}

for (const skin of ["compshare", "autodl"] as const) {
  test(`property: a proposal matches what is pointed at, and nothing else, on every page of ${skin}`, async () => {
    await using site = await quickConsole({ skin, machines: MACHINES });
    const page = await (await browser.newContext({ locale: "zh-CN" })).newPage();
    let tried = 0;
    let named = 0;
    for await (const name of pagesOf(skin, site, page)) {
      const found = await tryAll(page, PROFILES[skin].page.row);
      assert.deepEqual(found.wrong, [], name);
      tried += found.tried;
      named += found.named;
      for (const selector of found.selectors) {
        assert.doesNotMatch(
          selector,
          /:nth|:first|:last|data-v-|_\d+_|el-id-/,
          "never an index, never what a build made up",
        );
        assert.doesNotMatch(
          selector,
          /[.-](?:is-)?(?:disabled|active|checked)\b/,
          "never what comes and goes",
        );
      }
    }
    assert.ok(tried > 500, `only ${tried} elements were tried`);
    assert.ok(named > tried / 4, `of ${tried} elements only ${named} can be named`);
    await page.context().close();
  });

  test(`a person points at what the profile of ${skin} looks for, and the first proposal does as well`, async () => {
    await using site = await quickConsole({
      skin,
      machines: MACHINES,
      faults: { changedSelectors: ["row", "status", "buttons"] },
    });
    const page = await (await browser.newContext({ locale: "zh-CN" })).newPage();
    const pages = pagesOf(skin, site, page);
    site.turn({ changedSelectors: [] });
    await pages.next();
    await pages.next();
    site.turn({ changedSelectors: ["row", "status", "buttons"] });
    await page.reload();
    await page.getByText("uhost-m1", { exact: true }).waitFor();
    const profile = structuredClone(PROFILES[skin]);
    const pointAt = async (line: string, locator = page.getByText("uhost-m1", { exact: true })) => {
      const box = await locator.first().boundingBox();
      assert.ok(box !== null);
      const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
      const found = await proposeSelectors(page, profile, line, at);
      const [best] = found?.proposals ?? [];
      assert.ok(best !== undefined, `${line}: ${JSON.stringify(found)}`);
      return best;
    };
    const row = await pointAt("page.row");
    profile.page.row = row.selector;
    assert.equal(await page.locator(row.selector).count(), 10, row.selector);
    const id = await pointAt("page.id");
    assert.equal(id.covers, 10);
    assert.equal(await page.locator(`${row.selector} ${id.selector}`).first().textContent(), "uhost-m0");
    const state = await pointAt("page.state", page.getByText("已关机", { exact: true }));
    assert.equal(state.covers, 10, state.selector);
    const start = await pointAt(
      "start.steps.0.click",
      page.getByText(skin === "compshare" ? "启动" : "开机", { exact: true }).filter({ visible: true }),
    );
    assert.match(start.selector, /button/);
    assert.equal(await proposeSelectors(page, profile, "page.rows", { x: 1, y: 1 }), undefined);
    await page.context().close();
  });
}
