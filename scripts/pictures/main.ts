/** Writes docs/images: the operator's page as it looks beside real services, light and dark, wide and on a phone. */
import { fileURLToPath } from "node:url";
import { chromium, type Page } from "playwright";
import { CHROMIUM, SANDBOX } from "../../tests/harness/driven-console.ts";
import { QUICK_POLICY } from "../../tests/harness/pool-files.ts";
import { until } from "../../tests/harness/process.ts";
import { type Stack, startStack } from "../../tests/harness/stack.ts";

const FOLDER = fileURLToPath(new URL("../../docs/images/", import.meta.url));
const LAPTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
/** Fonts, the chart and the first look at history are there by then. */
const SETTLED_MS = 1_500;

const stack = await startStack({ policy: { ...QUICK_POLICY, idleTimeout: "60s" } });
const browser = await chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: SANDBOX });

async function open(
  options: Parameters<typeof browser.newContext>[0],
  role: keyof Stack["tokens"],
): Promise<Page> {
  const page = await (await browser.newContext({ deviceScaleFactor: 1, ...options })).newPage();
  await page.goto(`${stack.power.url}/`);
  await page.locator("input[name=token]").fill(stack.tokens[role]);
  await page.locator("input[name=name]").fill("Anna");
  await page.locator("button[type=submit]").click();
  await page.locator("#chart canvas").waitFor();
  await page.waitForTimeout(SETTLED_MS);
  return page;
}

async function keep(page: Page, name: string, fullPage = false): Promise<void> {
  await page.screenshot({ path: `${FOLDER}${name}.png`, fullPage });
}

try {
  const say = { reason: "to look at it", actor: "Anna" };
  await stack.api("/instances/gpu-1/start", { method: "POST", body: say });
  await until("it runs", async () => (await stack.status()).instances[0]?.state === "running");
  await stack.api("/instances/gpu-1/stop", { method: "POST", body: say });
  await until("it is off", async () => (await stack.status()).instances[0]?.state === "stopped");
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("it runs", async () => (await stack.status()).instances[0]?.state === "running");
  await stack.api("/instances/gpu-1/stop", { method: "POST", body: say });

  const wide = await open({ viewport: LAPTOP, locale: "en-GB", colorScheme: "light" }, "operator");
  await keep(wide, "page-light", true);
  const dark = await open({ viewport: LAPTOP, locale: "zh-CN", colorScheme: "dark" }, "operator");
  await dark.locator("[data-hours='168']").click();
  await dark.waitForTimeout(SETTLED_MS);
  await keep(dark, "page-dark-zh", true);
  const phone = await open({ viewport: PHONE, locale: "en-GB", colorScheme: "light" }, "operator");
  await keep(phone, "page-phone");
  const phoneDark = await open({ viewport: PHONE, locale: "zh-CN", colorScheme: "dark" }, "viewer");
  await keep(phoneDark, "page-phone-dark-zh");
  await wide.locator("button[data-act=hold]:enabled").click();
  await wide.locator("#confirm input[name=reason]").fill("maintenance of the rack");
  await keep(wide, "page-hold");
  const door = await (await browser.newContext({ viewport: PHONE, locale: "zh-CN" })).newPage();
  await door.goto(`${stack.power.url}/`);
  await keep(door, "page-sign-in-zh");
} finally {
  await browser.close();
  await stack.stop();
}
