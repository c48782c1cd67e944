import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import type { Browser } from "playwright";
import { until } from "../../../tests/harness/process.ts";
import {
  control,
  launchChromium,
  loggedIn,
  logIn,
  menuItem,
  openMenu,
  openPage,
  primary,
  quickConsole,
  row,
  startButton,
  startByClicking,
} from "./browser-for-tests.ts";

const FIRST = "uhost-1qr8k2vt0a7m";
const SECOND = "uhost-1qr8k5xw3d9p";
const rowsOf = "table.uc-fe-table tbody tr.uc-fe-table-row";

let browser: Browser;
before(async () => {
  browser = await launchChromium();
});
after(async () => {
  await browser.close();
});
afterEach(async () => {
  // A page left open goes on asking a stand-in that is gone.
  await Promise.all(browser.contexts().map((context) => context.close()));
});

test("without a session every way leads to the login, and a wrong password does not pass", async () => {
  await using running = await quickConsole();
  const page = await openPage(browser, running);
  assert.match(page.url(), /\/login\?redirect=/);
  await page.locator("input[name=username]").fill("operator");
  await page.locator("input[name=password]").fill("wrong");
  await page.locator("button[type=submit]").click();
  await page.locator(".uc-fe-form-error").getByText("用户名或密码错误").waitFor();
  assert.equal(running.state().logins, 0);
});

test("a login sets an HttpOnly session cookie and a token, and shows the list", async () => {
  await using running = await quickConsole();
  const page = await loggedIn(browser, running);
  await row(page, FIRST).waitFor();
  assert.deepEqual(await page.locator(`${rowsOf} .uc-fe-table-cell-id`).allTextContents(), [
    FIRST,
    SECOND,
    "uhost-1qr8k9zc6f4s",
  ]);
  assert.deepEqual(await page.locator("span.uc-fe-status").allTextContents(), ["已关机", "已关机", "已关机"]);
  const cookies = await page.context().cookies();
  assert.equal(
    cookies.some((cookie) => cookie.httpOnly),
    true,
  );
  const token = await page.evaluate(() => localStorage.getItem("u-csrf-token"));
  assert.match(token ?? "", /^[0-9a-f]{32}$/);
  assert.deepEqual(running.state().describes, { page: 1, api: 0, unclear: 0, signed: 0 });
});

test("the stored session opens the list in another browser context", async () => {
  await using running = await quickConsole();
  const page = await loggedIn(browser, running);
  const context = await browser.newContext({ storageState: await page.context().storageState() });
  const again = await context.newPage();
  await again.goto(running.consoleUrl);
  await row(again, FIRST).waitFor();
  assert.equal(running.state().logins, 1);
});

test("the hand-only login offers no password field; a person passes, and every open login page goes on", async () => {
  await using running = await quickConsole({ faults: { loginByHandOnly: true } });
  const page = await openPage(browser, running);
  const other = await openPage(browser, running);
  assert.equal(await page.locator("input[name=password]").count(), 0);
  await until("both login pages wait", () => running.state().loginPagesWaiting === 2);
  assert.deepEqual((await control(running, "/login-by-hand", {})).body, { waiting: 2 });
  await row(page, FIRST).waitFor();
  await row(other, FIRST).waitFor();
  assert.equal(running.state().logins, 2);
});

test("a start by clicking: disabled phase, confirmation that names the machine, then Starting and Running", async () => {
  await using running = await quickConsole({ faults: { buttonDisabledMs: 1_500, pageRefreshMs: 50 } });
  const page = await loggedIn(browser, running);
  const button = startButton(page, SECOND);
  await button.waitFor();
  assert.equal(await button.isDisabled(), true);
  assert.match((await button.getAttribute("class")) ?? "", /uc-fe-button-disabled/);
  await button.click();
  const dialog = page.locator("div.uc-fe-modal");
  assert.match((await dialog.textContent()) ?? "", new RegExp(SECOND));
  assert.equal(running.state().actions.length, 0);
  await primary(page).click();
  await row(page, SECOND).locator("span.uc-fe-status").getByText("启动中").waitFor();
  await row(page, SECOND).locator("span.uc-fe-status").getByText("运行中").waitFor();
  const [action, ...more] = running.state().actions;
  assert.equal(more.length, 0);
  assert.deepEqual(
    [action?.verb, action?.uHostId, action?.lane, action?.outcome],
    ["start", SECOND, "page", "accepted"],
  );
  assert.equal(action?.origin, running.consoleUrl);
  assert.ok(Math.abs((action?.atMs ?? 0) - Date.now()) < 60_000);
  assert.equal(await startButton(page, SECOND).count(), 0);
});

test("cancelling the confirmation asks nothing of the provider", async () => {
  await using running = await quickConsole();
  const page = await loggedIn(browser, running);
  await startButton(page, FIRST).click();
  await page.locator("div.uc-fe-modal button").getByText("取消").click();
  await page.locator("div.uc-fe-modal").waitFor({ state: "detached" });
  assert.equal(running.state().actions.length, 0);
});

test("a stop by menu: nothing is confirmed before the consent box is ticked", async () => {
  await using running = await quickConsole({
    machines: [{ UHostId: FIRST, State: "Running" }, { UHostId: SECOND }],
    faults: { pageRefreshMs: 50 },
  });
  const page = await loggedIn(browser, running);
  await openMenu(page, FIRST);
  await menuItem(page, "关闭").click();
  await primary(page).waitFor();
  assert.equal(await primary(page).isDisabled(), true);
  assert.match((await primary(page).getAttribute("class")) ?? "", /uc-fe-button-disabled/);
  await page.locator("div.uc-fe-modal span.uc-fe-checkbox > span.uc-fe-checkbox-icon-wrap").click();
  await primary(page).click();
  await row(page, FIRST).locator("span.uc-fe-status").getByText("已关机").waitFor();
  assert.deepEqual(running.state().tallies, [
    { uHostId: FIRST, verb: "stop", lane: "page", accepted: 1, refused: 0, broken: 0 },
  ]);
});

test("the menu hangs at the end of the body, and offers no stop for a machine that is off", async () => {
  await using running = await quickConsole();
  const page = await loggedIn(browser, running);
  await openMenu(page, FIRST);
  assert.deepEqual(await page.locator("body > div.uc-fe-popup div.uc-fe-menu-item").allTextContents(), [
    "关闭",
    "重启",
    "重装系统",
    "删除",
  ]);
  assert.match((await menuItem(page, "关闭").getAttribute("class")) ?? "", /uc-fe-menu-item-disabled/);
  await page.locator("h1").click();
  await page.locator("div.uc-fe-menu").waitFor({ state: "detached" });
});

test("hidden copies of the start button are in the DOM, and none can be seen", async () => {
  await using running = await quickConsole({
    machines: [{ UHostId: FIRST, State: "Running" }, { UHostId: SECOND }],
  });
  const page = await loggedIn(browser, running);
  await row(page, SECOND).waitFor();
  const all = page
    .locator("div[data-urc-action_list-id='2'] button.uc-fe-button")
    .filter({ hasText: "启动" });
  assert.equal(await all.count(), 3);
  assert.equal(await all.filter({ visible: true }).count(), 1);
  assert.equal(await row(page, FIRST).locator("button").filter({ hasText: "启动" }).isVisible(), false);
});

test("25 machines fill three pages, and the page asks for ten at a time", async () => {
  const machines = Array.from({ length: 25 }, (_, i) => ({ UHostId: `uhost-${i}`, Name: `机器-${i}` }));
  await using running = await quickConsole({ machines });
  const page = await loggedIn(browser, running);
  await row(page, "uhost-9").waitFor();
  assert.equal(await page.locator(rowsOf).count(), 10);
  assert.match(
    (await page.locator(".uc-fe-pagination-prev").getAttribute("class")) ?? "",
    /uc-fe-pagination-disabled/,
  );
  const next = page.locator(".uc-fe-pagination-next");
  await next.click();
  await row(page, "uhost-19").waitFor();
  const asked = page.waitForRequest((request) => request.url().includes("Action=DescribeCompShareInstance"));
  await next.click();
  const body = new URLSearchParams((await asked).postData() ?? "");
  assert.deepEqual([body.get("Offset"), body.get("Limit")], ["20", "10"]);
  await row(page, "uhost-24").waitFor();
  assert.equal(await page.locator(rowsOf).count(), 5);
  assert.equal(await page.locator(".uc-fe-pagination-item-active").textContent(), "3");
  assert.match((await next.getAttribute("class")) ?? "", /uc-fe-pagination-disabled/);
  await startByClicking(page, "uhost-24");
  await until("the start arrived", () => running.state().actions[0]?.uHostId === "uhost-24");
});

test("an expired session sends the page to the login, and a new login brings it back", async () => {
  await using running = await quickConsole({ faults: { pageRefreshMs: 50 } });
  const page = await loggedIn(browser, running);
  await row(page, FIRST).waitFor();
  assert.deepEqual((await control(running, "/expire-session", {})).body, { expired: 1 });
  await page.waitForURL(/\/login\?/);
  await logIn(page);
  await row(page, FIRST).waitFor();
});
