/** The operator's page in a real browser, beside real services: who comes in, what is shown, what can be done. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { request } from "node:http";
import { after, before, type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright";
import { CHROMIUM, SANDBOX } from "../harness/driven-console.ts";
import { QUICK_POLICY } from "../harness/pool-files.ts";
import { until } from "../harness/process.ts";
import { type Stack, startStack } from "../harness/stack.ts";

const run = promisify(execFile);
const GPUCTL = new URL("../../packages/cli/src/gpuctl.ts", import.meta.url).pathname;

let stack: Stack;
let browser: Browser;

before(async () => {
  stack = await startStack({ policy: { ...QUICK_POLICY, idleTimeout: "60s" } });
  browser = await chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: SANDBOX });
});
after(async () => {
  await browser.close();
  await stack.stop();
});

async function visit(t: TestContext, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  const wrong: string[] = [];
  // A line about a refused request is the browser's own, and some are meant here.
  page.on(
    "console",
    (line) => line.type() === "error" && !/Failed to load/.test(line.text()) && wrong.push(line.text()),
  );
  page.on("pageerror", (error) => wrong.push(String(error)));
  t.after(() => assert.deepEqual(wrong, [], "the page has no errors, of its policy neither"));
  await page.goto(`${stack.power.url}/`);
  return page;
}

async function signIn(page: Page, token: string, name = ""): Promise<void> {
  await page.locator("input[name=token]").fill(token);
  await page.locator("input[name=name]").fill(name);
  await page.locator("button[type=submit]").click();
  await page.locator("#hero").waitFor();
}

async function act(page: Page, name: string, reason: string): Promise<void> {
  await page.locator(`button[data-act=${name}]:enabled`).click();
  await page.locator("#confirm input[name=reason]").fill(reason);
  await page.locator("#confirm-yes").click();
}

async function noSeriousFault(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  assert.deepEqual(
    serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]),
    [],
  );
}

async function cookieOf(context: BrowserContext): Promise<string> {
  const cookies = await context.cookies();
  const { value, httpOnly, sameSite } = cookies.find(({ name }) => name === "gpu-power-session") ?? {};
  assert.deepEqual([httpOnly, sameSite], [true, "Strict"]);
  return `gpu-power-session=${value}`;
}

/** As no browser would: with the headers that are said. */
async function change(headers: Readonly<Record<string, string>>, path = "/hold", method = "PUT") {
  return await new Promise<{ status: number | undefined; code: string }>((resolve, reject) => {
    const body = JSON.stringify({ reason: "a test" });
    const all = { "content-type": "application/json", "content-length": String(body.length), ...headers };
    request(`${stack.power.url}/api/v1${path}`, { method, headers: all }, (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += String(chunk);
      });
      response.on("end", () => resolve({ status: response.statusCode, code: text }));
    })
      .on("error", reject)
      .end(body);
  });
}

test("a wrong token is refused, the right one signs in, and signing out ends the session everywhere", async (t) => {
  const page = await visit(t);
  await noSeriousFault(page);
  await page.locator("input[name=token]").fill("x".repeat(30));
  await page.locator("button[type=submit]").click();
  await page.locator(".refused").waitFor();
  await page.goto(`${stack.power.url}/`);
  await signIn(page, stack.tokens.operator, "Anna");
  assert.match((await page.locator("#hero h1").textContent()) ?? "", /The GPU is (off|on)/);
  const cookie = await cookieOf(page.context());
  assert.equal((await fetch(`${stack.power.url}/api/v1/status`, { headers: { cookie } })).status, 200);
  const response = await page.goto(`${stack.power.url}/`);
  const policy = response?.headers()["content-security-policy"] ?? "";
  assert.match(policy, /default-src 'none';script-src 'self';style-src 'self'/);
  assert.match(policy, /frame-ancestors 'none'/);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.locator("input[name=token]").waitFor();
  assert.equal((await fetch(`${stack.power.url}/api/v1/status`, { headers: { cookie } })).status, 401);
});

test("a change by cookie needs our origin, the page's CSRF token, and an operator", async (t) => {
  const page = await visit(t);
  await signIn(page, stack.tokens.operator);
  const cookie = await cookieOf(page.context());
  const csrf = (await page.locator("body").getAttribute("data-csrf")) ?? "";
  const origin = stack.power.url;
  for (const [headers, why] of [
    [{ cookie, "x-csrf-token": csrf, origin: "https://evil.example" }, "a foreign origin"],
    [{ cookie, "x-csrf-token": csrf }, "no origin"],
    [{ cookie, "x-csrf-token": csrf, origin, "sec-fetch-site": "same-site" }, "another port of the host"],
    [{ cookie, origin }, "no CSRF token"],
    [{ cookie, origin, "x-csrf-token": "wrong" }, "a wrong CSRF token"],
  ] as const) {
    const { status, code } = await change(headers);
    assert.equal(status, 403, why);
    assert.match(code, /"forged"/, why);
  }
  assert.equal((await stack.status()).hold, null);
  // A restart signs nobody out.
  assert.equal(await stack.power.stop(), 0);
  stack.power.start();
  await stack.power.ready();
  assert.equal((await change({ cookie, origin, "x-csrf-token": csrf })).status, 200);
  assert.equal((await change({ cookie, origin, "x-csrf-token": csrf }, "/hold", "DELETE")).status, 200);

  const viewer = await visit(t);
  await signIn(viewer, stack.tokens.viewer);
  assert.equal(await viewer.locator("button[data-act]:enabled").count(), 0);
  assert.match((await viewer.locator("#actions").textContent()) ?? "", /viewer, who only looks/);
  const theirs = await cookieOf(viewer.context());
  const token = (await viewer.locator("body").getAttribute("data-csrf")) ?? "";
  const refused = await change({ cookie: theirs, origin, "x-csrf-token": token });
  assert.match(refused.code, /"forbidden"/);
});

test("hold, resume, start and stop through the page are seen at once by another person", async (t) => {
  const anna = await visit(t);
  await signIn(anna, stack.tokens.operator, "Anna");
  const other = await visit(t, {
    locale: "zh-CN",
    colorScheme: "dark",
    viewport: { width: 390, height: 844 },
  });
  await signIn(other, stack.tokens.viewer);
  await noSeriousFault(other);

  await anna.locator("button[data-act=hold]:enabled").click();
  await anna.locator("#confirm input[value=off]").check();
  await anna.locator("#confirm input[name=reason]").fill("maintenance");
  await noSeriousFault(anna);
  await anna.locator("#confirm-yes").click();
  await until("it is held", async () => (await stack.status()).hold?.mode === "off");
  assert.equal((await stack.status()).hold?.by, "Anna");
  await other.locator("#hero", { hasText: "Anna" }).waitFor();
  await anna.locator("button[data-act=start]:disabled").waitFor();
  assert.match((await anna.locator("#say-start-gpu-1").textContent()) ?? "", /Resume first/);
  await act(anna, "resume", "done");
  await until("it is resumed", async () => (await stack.status()).hold === null);

  await act(anna, "start", "to look at it");
  await other.locator("#hero.is-running").waitFor({ timeout: 60_000 });
  assert.equal(stack.state(), "Running");
  await noSeriousFault(anna);
  await act(anna, "stop", "seen enough");
  await until("it is off", () => stack.state() === "Stopped");
  await other.locator("#hero.is-stopped").waitFor({ timeout: 60_000 });

  const start = anna.locator("#history details", { hasText: "Start gpu-1" }).first();
  await start.waitFor();
  await start.locator("summary").click();
  await start.locator(".steps li", { hasText: "seen on" }).waitFor();
  await anna.locator("#chart canvas").waitFor();
  await anna.locator("#timeline summary").click();
  await anna.locator("#timeline td", { hasText: "a person ordered it" }).first().waitFor();
});

test("a one-time link signs in once; status is read without JavaScript", async (t) => {
  const { stdout } = await run(process.execPath, [GPUCTL, "--url", stack.power.url, "page"], {
    env: { ...process.env, OPERATOR_TOKEN: stack.tokens.viewer, GPUCTL_ACTOR: "bob" },
  });
  const link = stdout.trim();
  const page = await visit(t, { javaScriptEnabled: false });
  await page.goto(link);
  await page.locator("button[type=submit]").click();
  await page.locator("#hero h1").waitFor();
  assert.match((await page.locator(".who").textContent()) ?? "", /bob \(viewer\)/);
  assert.match((await page.locator("#fact-notices").textContent()) ?? "", /heard/);
  const again = await visit(t, { javaScriptEnabled: false });
  await again.goto(link);
  await again.locator("button[type=submit]").click();
  assert.match((await again.locator(".refused").textContent()) ?? "", /That link was used/);
});

test("the first view is small, and one screen of a laptop and of a phone holds all that is asked first", async (t) => {
  let bytes = 0;
  const page = await visit(t, { viewport: { width: 1280, height: 720 } });
  await signIn(page, stack.tokens.operator);
  for (const path of [
    "",
    "page/main.js",
    "page/acting.js",
    "page/clocks.js",
    "page/page.css",
    "page/icon.svg",
  ]) {
    const response = await page.request.get(`${stack.power.url}/${path}`);
    assert.equal(response.status(), 200, path);
    bytes += (await response.body()).length;
  }
  await page.reload({ waitUntil: "load" });
  const first = await page.evaluate(
    () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
  );
  t.diagnostic(`first view: ${bytes} bytes, painted after ${first?.toFixed(0)} ms`);
  assert.ok(bytes > 0 && bytes < 100_000, `${bytes} bytes`);
  const lowest = async () =>
    await page.locator("#fact-usage").evaluate((each) => each.getBoundingClientRect().bottom);
  assert.ok((await lowest()) <= 720, `on a laptop it ends at ${await lowest()}`);
  await page.setViewportSize({ width: 390, height: 844 });
  assert.ok((await lowest()) <= 844, `on a phone it ends at ${await lowest()}`);
});
