/** Writes the pictures of the live view in docs/images: a login at the stand-in's console, through the page of real services. */
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import { CHROMIUM, SANDBOX } from "../../tests/harness/driven-console.ts";
import { LivePerson, spotsOn } from "../../tests/harness/live-person.ts";
import { until } from "../../tests/harness/process.ts";
import { startStack } from "../../tests/harness/stack.ts";

const FOLDER = fileURLToPath(new URL("../../docs/images/", import.meta.url));
const LAPTOP = { width: 1280, height: 960 };
const PHONE = { width: 390, height: 844 };
/** What was done last is drawn by then. */
const SETTLED_MS = 1_500;

const stack = await startStack({ credentials: false, console: { faults: { loginByHandOnly: true } } });
const browser = await chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: SANDBOX });

async function look(name: string, options: Parameters<typeof browser.newContext>[0]): Promise<LivePerson> {
  const page = await (await browser.newContext({ deviceScaleFactor: 1, ...options })).newPage();
  await page.goto(`${stack.power.url}/live`);
  await page.locator("input[name=token]").fill(stack.tokens.operator);
  await page.locator("input[name=name]").fill(name);
  await page.locator("button[type=submit]").click();
  await page.locator(".live-frame.is-shown").waitFor({ timeout: 60_000 });
  return new LivePerson(page);
}

async function keep({ page }: LivePerson, name: string): Promise<void> {
  await page.waitForTimeout(SETTLED_MS);
  await page.screenshot({ path: `${FOLDER}${name}.png` });
}

try {
  await until(
    "the console asks for a login",
    async () => (await stack.status()).session === "login_required",
  );
  const spots = await spotsOn(browser, `${stack.console.consoleUrl}/login`, {
    phone: "input[name=phone]",
    knob: ".login-slider span",
  });
  const anna = await look("Anna", { viewport: LAPTOP, locale: "en-GB", colorScheme: "light" });
  await anna.takeControl();
  await anna.type(spots.phone, "13800000000");
  await anna.slide(spots.knob, 280);
  await keep(anna, "live-light");
  const bo = await look("Bo", { viewport: LAPTOP, locale: "zh-CN", colorScheme: "dark" });
  await keep(bo, "live-dark-zh");
  const phone = await look("Cy", { viewport: PHONE, locale: "en-GB", colorScheme: "light", hasTouch: true });
  await phone.page.locator("#live-take").click();
  await keep(phone, "live-phone");
  await keep(anna, "live-asked");
  const dark = await look("Di", { viewport: PHONE, locale: "zh-CN", colorScheme: "dark", hasTouch: true });
  await keep(dark, "live-phone-dark-zh");
} finally {
  await browser.close();
  await stack.stop();
}
