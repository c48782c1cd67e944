import { type Browser, chromium, type Page } from "playwright";
import {
  type Console,
  type ConsoleOptions,
  DEFAULT_PASSWORD,
  DEFAULT_USERNAME,
  startConsole,
} from "./provider.ts";

/** The distribution's Chromium, without a window. Its sandbox cannot run as root. */
export async function launchChromium(): Promise<Browser> {
  return await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH || "/usr/bin/chromium",
    headless: true,
    chromiumSandbox: process.getuid?.() !== 0,
  });
}

/** A stand-in that is quick, and whose page moves only when a test makes it. */
export async function quickConsole(options: ConsoleOptions = {}): Promise<Console> {
  return await startConsole({
    bootMs: 150,
    stopMs: 100,
    ...options,
    faults: { buttonDisabledMs: 30, pageRefreshMs: 0, ...options.faults },
  });
}

/** A fresh browser context on the console's front door, which leads to its login. */
export async function openPage(browser: Browser, running: Console): Promise<Page> {
  const context = await browser.newContext({ locale: "zh-CN", viewport: { width: 1280, height: 720 } });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(running.consoleUrl);
  return page;
}

export async function logIn(page: Page): Promise<void> {
  await page.locator("input[name=username]").fill(DEFAULT_USERNAME);
  await page.locator("input[name=password]").fill(DEFAULT_PASSWORD);
  await page.locator("button[type=submit]").click();
  await page.waitForURL("**/light-gpu/console/resources");
}

/** A page that is logged in; whatever the list does is the test's to await. */
export async function loggedIn(browser: Browser, running: Console): Promise<Page> {
  const page = await openPage(browser, running);
  await logIn(page);
  return page;
}

export function row(page: Page, uHostId: string) {
  return page.locator("table.uc-fe-table tbody tr.uc-fe-table-row").filter({
    has: page.locator(".uc-fe-table-cell-id").getByText(uHostId, { exact: true }),
  });
}

/** The row's start button that a person could see. */
export function startButton(page: Page, uHostId: string) {
  return row(page, uHostId)
    .locator("div[data-urc-action_list-id='2'] button.uc-fe-button")
    .filter({ hasText: "启动", visible: true });
}

export async function openMenu(page: Page, uHostId: string): Promise<void> {
  await row(page, uHostId).locator("button.action-more").click();
}

export function menuItem(page: Page, text: string) {
  return page.locator("div.uc-fe-menu-item").filter({ hasText: text }).first();
}

export function primary(page: Page) {
  return page.locator("div.uc-fe-modal button.uc-fe-button.uc-fe-button-styletype-primary");
}

/** Clicks a start through to the provider's confirmation. */
export async function startByClicking(page: Page, uHostId: string): Promise<void> {
  await startButton(page, uHostId).click();
  await primary(page).click();
}

/** The JSON answer of the control API, or of any other address. */
export async function control(
  running: Console,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`${running.controlUrl}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.json() };
}
