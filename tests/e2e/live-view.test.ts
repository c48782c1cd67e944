/** The live view beside real services: a person's login through it, two people, and what is refused. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright";
import { WebSocket } from "ws";
import { z } from "zod";
import { CHROMIUM, SANDBOX } from "../harness/driven-console.ts";
import { LivePerson, spotsOn } from "../harness/live-person.ts";
import { until } from "../harness/process.ts";
import { type Stack, startStack } from "../harness/stack.ts";

const PHONE = "13812345678";
const LOGGED_IN = "a person has logged in at the console";
const BLUE = [47, 107, 255] as const;
/** What stands in the file of every JPEG picture. */
const JPEG = Buffer.from([0xff, 0xd8, 0xff]);

let stack: Stack;
let browser: Browser;
const lines: string[] = [];

before(async () => {
  stack = await startStack({
    credentials: false,
    console: { faults: { loginByHandOnly: true } },
    powerEnv: { LOG_LEVEL: "trace" },
    onLine: (_service, line) => lines.push(line),
  });
  browser = await chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: SANDBOX });
});
after(async () => {
  await browser.close();
  await stack.stop();
});

async function visit(t: TestContext, role: keyof Stack["tokens"], name: string): Promise<Page> {
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1400, height: 1000 } });
  t.after(() => context.close());
  const page = await context.newPage();
  const wrong: string[] = [];
  page.on(
    "console",
    (line) =>
      line.type() === "error" && !/Failed to load|WebSocket/.test(line.text()) && wrong.push(line.text()),
  );
  page.on("pageerror", (error) => wrong.push(String(error)));
  t.after(() => assert.deepEqual(wrong, [], "the page has no errors, of its policy neither"));
  await page.goto(`${stack.power.url}/live`);
  await page.locator("input[name=token]").fill(stack.tokens[role]);
  await page.locator("input[name=name]").fill(name);
  await page.locator("button[type=submit]").click();
  await page.locator(".live").waitFor();
  return page;
}

async function watcher(t: TestContext, name: string): Promise<LivePerson> {
  const page = await visit(t, "operator", name);
  await page.locator(".live-frame.is-shown").waitFor({ timeout: 60_000 });
  return new LivePerson(page);
}

async function cookieOf(context: BrowserContext): Promise<string> {
  const found = (await context.cookies()).find(({ name }) => name === "gpu-power-session");
  return `gpu-power-session=${found?.value}`;
}

/** Tries the upgrade as no browser would. @returns the refusal's status, or "open". */
async function knock(headers: Readonly<Record<string, string>>, path = "/live/socket?tab=test-tab-1") {
  const socket = new WebSocket(`${stack.power.url.replace("http", "ws")}${path}`, { headers });
  return await new Promise<number | string>((resolve) => {
    socket.on("unexpected-response", (request, response) => {
      resolve(response.statusCode ?? 0);
      request.destroy();
    });
    socket.on("open", () => {
      resolve("open");
      socket.close();
    });
    socket.on("error", (error) => resolve(String(error)));
  });
}

test("a person logs in through the live view with a slider and a code; the waiting job's start follows at once", async (t) => {
  await until(
    "the console asks for a login",
    async () => (await stack.status()).session === "login_required",
  );
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("a job waits", async () => (await stack.status()).demand.waitingJobs === 1);
  const spots = await spotsOn(browser, `${stack.console.consoleUrl}/login`, {
    phone: "input[name=phone]",
    knob: ".login-slider span",
    send: "#send-code",
    code: "input[name=code]",
    enter: "#enter",
  });
  const anna = await watcher(t, "Anna");
  await anna.takeControl();
  const status = await stack.status();
  assert.equal(status.control?.by, "Anna");
  await until("power says that it waits", async () =>
    (await stack.status()).decisions.some(({ reason }) => reason === "operator_controls"),
  );
  await anna.sees("the slider's knob", spots.knob, BLUE);
  const { violations } = await new AxeBuilder({ page: anna.page }).analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  assert.deepEqual(
    serious.map(({ id }) => id),
    [],
  );

  await anna.type(spots.phone, PHONE);
  await anna.slide(spots.knob, 280);
  await until("the slider is judged", () => stack.console.state().slides.length > 0);
  assert.deepEqual(stack.console.state().slides, ["by hand"]);
  await anna.click(spots.send);
  const { code } = await until("the phone gets a code", () => stack.console.state().phones.at(-1));
  assert.equal(stack.console.state().phones.at(-1)?.phone, PHONE);
  await anna.paste(spots.code, code);
  await anna.click(spots.enter);
  await until("the console let her in", () => stack.console.state().logins === 1);
  const start = await until("the job's start is sent", () =>
    stack.console.state().actions.find(({ verb }) => verb === "start"),
  );
  const known = await until("power's log tells of the login", () =>
    lines.find((line) => line.includes(LOGGED_IN)),
  );
  const ms = start.atMs - Date.parse(z.object({ time: z.string() }).parse(JSON.parse(known)).time);
  t.diagnostic(`the start was sent ${Math.round(ms)} ms after power knew of the login`);
  await anna.page.locator("#live-said", { hasText: "Power goes on" }).waitFor();
  assert.equal((await stack.status()).control, null);
  await until("it runs", () => stack.state() === "Running");

  // ---- the session survives a restart of power
  assert.equal(await stack.power.stop(), 0);
  stack.power.start();
  await stack.power.ready();
  await until(
    "logged in again by the saved session",
    async () => (await stack.status()).session === "logged_in",
  );
  assert.equal(stack.console.state().logins, 1);

  // ---- neither what was typed nor a picture lies anywhere
  for (const secret of [PHONE, code]) assert.ok(!lines.some((line) => line.includes(secret)), secret);
  const files = readdirSync(stack.dir, { recursive: true, encoding: "utf8" }).map((name) =>
    join(stack.dir, name),
  );
  for (const file of files.filter((name) => statSync(name).isFile())) {
    const bytes = readFileSync(file);
    assert.ok(!bytes.includes(JPEG), `${file} holds a picture`);
    for (const secret of [PHONE, code]) assert.ok(!bytes.includes(secret), `${file} holds what was typed`);
  }
});

test("one controls and the others watch: control is asked for, handed over and given back, and only its holder types", async (t) => {
  await stack.expireSession();
  await until(
    "the console asks for a login",
    async () => (await stack.status()).session === "login_required",
  );
  const spots = await spotsOn(browser, `${stack.console.consoleUrl}/login`, {
    phone: "input[name=phone]",
    knob: ".login-slider span",
  });
  const anna = await watcher(t, "Anna");
  const bo = await watcher(t, "Bo");
  await anna.takeControl();
  await bo.page.locator("#live-who", { hasText: "Anna controls" }).waitFor();
  const ask = bo.page.locator("#live-take:visible", { hasText: "Ask for control" });
  await ask.waitFor();
  await bo.sees("the slider's knob", spots.knob, BLUE);

  // Bo cannot type, nor slide, whatever his page thinks.
  const blank = await bo.colourAt(spots.phone.x + 20, spots.phone.y + 18);
  await bo.page.evaluate(`document.querySelector("#live-keys").disabled = false`);
  await bo.slide(spots.knob, 280);
  await bo.click(spots.phone);
  await bo.page.keyboard.type("999");
  await ask.click();
  await anna.page.locator("#live-give", { hasText: "Bo" }).waitFor();
  assert.deepEqual(stack.console.state().slides.slice(1), [], "nothing of Bo's has reached the console");
  assert.deepEqual(await bo.colourAt(spots.phone.x + 20, spots.phone.y + 18), blank);
  await anna.page.locator("#live-give").click();
  await bo.page.locator(".live-frame.is-controlled").waitFor();
  await anna.page.locator("#live-who", { hasText: "Bo controls" }).waitFor();
  await bo.slide(spots.knob, 280);
  await until("the slider of Bo is judged", () => stack.console.state().slides.length === 2);
  assert.equal(stack.console.state().slides.at(-1), "by hand");
  assert.equal((await stack.status()).control?.by, "Bo");
  await bo.page.locator("#live-release").click();
  await until("power has the page again", async () => (await stack.status()).control === null);
});

test("no upgrade without a session, from a foreign origin or host, for a viewer, or after signing out", async (t) => {
  const page = await visit(t, "operator", "Anna");
  const cookie = await cookieOf(page.context());
  const origin = stack.power.url;
  const viewer = await visit(t, "viewer", "Vera");
  await viewer.locator(".refused", { hasText: "VIEWERS_WATCH" }).waitFor();
  const theirs = await cookieOf(viewer.context());
  for (const [headers, status, why] of [
    [{ origin }, 401, "no session"],
    [{ origin, cookie: "gpu-power-session=nobody" }, 401, "a session of nobody"],
    [{ origin, authorization: `Bearer ${stack.tokens.operator}` }, 401, "a token in place of a session"],
    [{ cookie, origin: "https://evil.example" }, 403, "a foreign origin"],
    [{ cookie }, 403, "no origin"],
    [{ cookie, origin, "sec-fetch-site": "same-site" }, 403, "another port of the host"],
    [{ cookie, origin, host: "evil.example" }, 403, "a foreign host name"],
    [{ cookie: theirs, origin }, 403, "a viewer"],
  ] as const)
    assert.equal(await knock(headers), status, why);
  assert.equal(await knock({ cookie, origin }, "/live/socket"), 400, "no tab");
  assert.equal(await knock({ cookie, origin }, "/elsewhere?tab=test-tab-1"), 404, "another path");
  assert.equal(await knock({ cookie, origin }), "open");

  // What is no message ends the connection; signing out ends it, too.
  const open = async () => {
    const socket = new WebSocket(`${origin.replace("http", "ws")}/live/socket?tab=test-tab-1`, {
      headers: { cookie, origin },
    });
    await new Promise((resolve) => socket.once("open", resolve));
    return { socket, closed: new Promise<number>((resolve) => socket.once("close", resolve)) };
  };
  for (const wrong of ["no json", '{"type":"mouse"}', '{"type":"text","text":"x","at":1,"more":1}']) {
    const { socket, closed } = await open();
    socket.send(wrong);
    assert.equal(await closed, 1008, wrong);
  }
  const { closed } = await open();
  await page.goto(`${origin}/`);
  await page.getByRole("button", { name: "Sign out" }).click();
  assert.equal(await closed, 4401);
});
