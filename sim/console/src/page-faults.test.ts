import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import type { Browser } from "playwright";
import { until } from "../../../tests/harness/process.ts";
import {
  launchChromium,
  loggedIn,
  openPage,
  primary,
  quickConsole,
  row,
  startButton,
  startByClicking,
} from "./browser-for-tests.ts";

const A = "uhost-a";
const B = "uhost-b";
const machines = [{ UHostId: A }, { UHostId: B, Zone: "cn-sh2-02", Region: "cn-sh2" }];
const statusOf = (id: string, page: Parameters<typeof row>[0]) => row(page, id).locator("span.uc-fe-status");

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

test("buttonDisabledAlways: the start button is shown and never enabled", async () => {
  await using running = await quickConsole({ machines, faults: { buttonDisabledAlways: true } });
  const page = await loggedIn(browser, running);
  await startButton(page, A).waitFor();
  await assert.rejects(startButton(page, A).click({ timeout: 400 }), /not enabled/);
});

test("hiddenTemplateButton off: the only start buttons are those of stopped machines", async () => {
  await using running = await quickConsole({
    machines: [{ UHostId: A, State: "Running" }, { UHostId: B }],
    faults: { hiddenTemplateButton: false },
  });
  const page = await loggedIn(browser, running);
  await row(page, B).waitFor();
  assert.equal(await page.locator("button").filter({ hasText: "启动" }).count(), 1);
});

for (const [part, gone] of [
  ["row", "tr.uc-fe-table-row"],
  ["status", "span.uc-fe-status"],
  ["buttons", "div[data-urc-action_list-id='2'] button.uc-fe-button"],
] as const) {
  test(`changedSelectors ${part}: the old class is nowhere, the content is still there`, async () => {
    await using running = await quickConsole({ machines, faults: { changedSelectors: [part] } });
    const page = await loggedIn(browser, running);
    await page.getByText(A, { exact: true }).waitFor();
    assert.equal(await page.locator(gone).count(), 0);
    assert.equal((await page.locator(gone.replace("uc-fe-", "ux-next-")).count()) > 0, true);
  });
}

test("dialogMore onLoad: an announcement covers the page until it is closed", async () => {
  await using running = await quickConsole({ machines, faults: { dialogMore: "onLoad" } });
  const page = await loggedIn(browser, running);
  await page.locator("div.uc-fe-modal").getByText("公告").waitFor();
  await assert.rejects(startButton(page, A).click({ timeout: 400 }), /intercepts pointer events/);
  await primary(page).click();
  await startByClicking(page, A);
  await until("the start arrived", () => running.state().actions.length === 1);
});

test("dialogMore beforeConfirm: an announcement lies on top of the confirmation", async () => {
  await using running = await quickConsole({ machines, faults: { dialogMore: "beforeConfirm" } });
  const page = await loggedIn(browser, running);
  await startButton(page, A).click();
  await page.getByText("知道了").waitFor();
  const confirm = primary(page).filter({ hasText: "确定" });
  await assert.rejects(confirm.click({ timeout: 400 }), /intercepts pointer events/);
  await page.getByText("知道了").click();
  await confirm.click();
  await until("the start arrived", () => running.state().actions.length === 1);
});

test("dialogLess: a start asks for no confirmation", async () => {
  await using running = await quickConsole({ machines, faults: { dialogLess: true } });
  const page = await loggedIn(browser, running);
  await startButton(page, A).click();
  await until("the start arrived", () => running.state().actions.length === 1);
  assert.equal(await page.locator("div.uc-fe-modal").count(), 0);
});

test("halfLoaded rows: ids without state and without actions", async () => {
  await using running = await quickConsole({ machines, faults: { halfLoaded: "rows" } });
  const page = await loggedIn(browser, running);
  await row(page, A).waitFor();
  assert.equal(await page.locator("span.uc-fe-status").count(), 0);
  assert.equal(await row(page, A).locator("button").count(), 0);
});

test("halfLoaded table: the API has answered and the loading state stays", async () => {
  await using running = await quickConsole({ machines, faults: { halfLoaded: "table", pageRefreshMs: 30 } });
  const page = await loggedIn(browser, running);
  await until("the list was read several times", () => running.state().describes.page >= 3);
  assert.equal(await page.locator("div.uc-fe-loading").isVisible(), true);
  assert.equal(await page.locator("tr.uc-fe-table-row").count(), 0);
});

test("pageDisagrees: the page shows one state, the API's answer to it says another", async () => {
  await using running = await quickConsole({ machines, faults: { pageDisagrees: { [A]: "Running" } } });
  const page = await openPage(browser, running);
  const seen = page.waitForResponse((response) => response.url().includes("Action=Describe"));
  await page.locator("input[name=username]").fill("operator");
  await page.locator("input[name=password]").fill("only-for-the-stand-in");
  await page.locator("button[type=submit]").click();
  assert.match(await (await seen).text(), /"UHostId":"uhost-a".*?"State":"Stopped"/);
  await statusOf(A, page).getByText("运行中").waitFor();
  await statusOf(B, page).getByText("已关机").waitFor();
});

test("apiDisagrees: the API says one state, the page shows the true one", async () => {
  await using running = await quickConsole({ machines, faults: { apiDisagrees: { [A]: "Running" } } });
  const page = await openPage(browser, running);
  const seen = page.waitForResponse((response) => response.url().includes("Action=Describe"));
  await page.locator("input[name=username]").fill("operator");
  await page.locator("input[name=password]").fill("only-for-the-stand-in");
  await page.locator("button[type=submit]").click();
  assert.match(await (await seen).text(), /"UHostId":"uhost-a".*?"State":"Running"/);
  await statusOf(A, page).getByText("已关机").waitFor();
});

test("stalePage: after an action the page still shows the old state; a reload shows the new one", async () => {
  await using running = await quickConsole({
    machines,
    bootMs: 60_000,
    faults: { stalePage: true, pageRefreshMs: 30 },
  });
  const page = await loggedIn(browser, running);
  await startByClicking(page, A);
  await page.locator(".uc-fe-message-success").waitFor();
  assert.equal(await statusOf(A, page).textContent(), "已关机");
  assert.equal(running.state().describes.page, 1);
  await page.reload();
  await statusOf(A, page).getByText("启动中").waitFor();
});

test("otherMachineFirst: a stranger's machine leads the list, the others are in reverse", async () => {
  await using running = await quickConsole({ machines, faults: { otherMachineFirst: true } });
  const page = await loggedIn(browser, running);
  await row(page, A).waitFor();
  assert.deepEqual(await page.locator(".uc-fe-table-cell-id").allTextContents(), [
    "uhost-0stranger000",
    B,
    A,
  ]);
});

test("emptyList: the page says that there is nothing", async () => {
  await using running = await quickConsole({ machines, faults: { emptyList: true } });
  const page = await loggedIn(browser, running);
  await page.getByText("暂无数据").waitFor();
  assert.equal(await page.locator("tr.uc-fe-table-row").count(), 0);
});

for (const [fault, text] of [
  ["api500", "服务异常 (500)"],
  ["htmlInsteadOfJson", "服务返回异常"],
  ["rateLimited", "请求过于频繁"],
] as const) {
  test(`${fault} for describe: the page says so instead of a list, and recovers when it is over`, async () => {
    await using running = await quickConsole({
      machines,
      faults: { [fault]: "describe", pageRefreshMs: 30 },
    });
    const page = await loggedIn(browser, running);
    await page.locator(".uc-fe-error").getByText(text).waitFor();
    running.turn({ [fault]: false });
    await row(page, A).waitFor();
  });
}

test("slowPageMs delays the page, slowApiMs its list", async () => {
  await using running = await quickConsole({ machines, faults: { slowApiMs: 300, slowPageMs: 300 } });
  const before = performance.now();
  const page = await openPage(browser, running);
  assert.ok(performance.now() - before >= 300);
  running.turn({ slowPageMs: 0 });
  await page.locator("input[name=username]").fill("operator");
  await page.locator("input[name=password]").fill("only-for-the-stand-in");
  await page.locator("button[type=submit]").click();
  await page.locator("div.uc-fe-loading").waitFor();
  await row(page, A).waitFor();
});

test("soldOut: the page shows the provider's message, and the machine stays off", async () => {
  await using running = await quickConsole({ machines, faults: { soldOut: [A] } });
  const page = await loggedIn(browser, running);
  await startByClicking(page, A);
  await page.locator(".uc-fe-message-error").getByText("售罄").waitFor();
  assert.equal(running.state().machines[0]?.State, "Stopped");
  assert.equal(running.state().tallies[0]?.refused, 1);
});

test("actionHangs: the machine starts, the dialog waits for an answer that never comes", async () => {
  await using running = await quickConsole({ machines, faults: { actionHangs: true } });
  const page = await loggedIn(browser, running);
  await startByClicking(page, A);
  await until("the machine runs", () => running.state().machines[0]?.State === "Running");
  assert.equal(await primary(page).isDisabled(), true);
  assert.equal(await page.locator(".uc-fe-message").count(), 0);
});
