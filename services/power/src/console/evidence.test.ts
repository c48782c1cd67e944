/** What is kept of doubtful moments holds no secret: the stand-in's page and API are full of them. */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { type Browser, chromium, type Page } from "playwright";
import { z } from "zod";
import { loginFactsOf } from "../../../../sim/console/src/login-facts.ts";
import {
  type Console,
  DEFAULT_PASSWORD,
  DEFAULT_USERNAME,
  startConsole,
} from "../../../../sim/console/src/provider.ts";
import { CHROMIUM, OURS, openDriver, SANDBOX } from "../../../../tests/harness/driven-console.ts";
import { profileFor } from "../../../../tests/harness/pool-files.ts";
import { PageAnswers } from "./page-answers.ts";
import type { PageConsole } from "./page-console.ts";
import { parseProfile } from "./profile.ts";

const COLLEAGUES = "uhost-colleagues";

let site: Console;
let driver: PageConsole;
let onlooker: Browser;
const stateDir = mkdtempSync(join(tmpdir(), "evidence-"));
const lines: string[] = [];

before(async () => {
  site = await startConsole({ machines: [{ UHostId: OURS }, { UHostId: COLLEAGUES }] });
  const profile = (await profileFor(site, {})).replace("elements: []", "elements: ['th:nth-child(3)']");
  driver = openDriver({
    profile: parseProfile(profile, "test.yaml"),
    // The colleague's machine is on the page only: its secrets come with the page's own answers.
    providerIds: [OURS],
    stateDir,
    logger: createLogger({
      service: "test",
      level: "trace",
      secrets: [],
      destination: { write: (line: string) => lines.push(line) },
    }),
  });
  onlooker = await chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: SANDBOX });
});
after(async () => {
  await driver.close();
  await onlooker.close();
  await site.close();
  rmSync(stateDir, { recursive: true });
});

/** Every text by which somebody could log in, in the ways in which HTML, JSON and addresses write it. */
function secretsOf(id: string): string[] {
  const { Password, SshLoginCommand, IPSet, Softwares } = loginFactsOf(id);
  const host = SshLoginCommand.split("@")[1] ?? "";
  const token = Softwares[0]?.URL.split("token=")[1] ?? "";
  const escaped = Password.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return [
    Password,
    escaped,
    escaped.replaceAll('"', "&quot;"),
    Password.slice(0, 10),
    SshLoginCommand,
    host,
    token,
    ...IPSet.map(({ IP }) => IP),
  ];
}

/** A page of its own that shows the same at the same place. */
async function sameView(): Promise<Page> {
  const page = await (await onlooker.newContext({ locale: "zh-CN" })).newPage();
  await page.goto(site.consoleUrl);
  await page.fill("input[name=username]", DEFAULT_USERNAME);
  await page.fill("input[name=password]", DEFAULT_PASSWORD);
  await page.click("button[type=submit]");
  await page.locator(".uc-fe-login").first().waitFor();
  return page;
}

/** Runs in the page: the share of black among a picture's pixels, for each of these boxes. */
const BLACK = `async ({ url, boxes }) => {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  return boxes.map(({ x, y, width, height }) => {
    const { data } = canvas.getImageData(Math.ceil(x), Math.ceil(y), Math.floor(width) - 1, Math.floor(height) - 1);
    let black = 0;
    for (let at = 0; at < data.length; at += 4) black += data[at] + data[at + 1] + data[at + 2] === 0 ? 1 : 0;
    return black / (data.length / 4);
  });
}`;

async function blackShares(page: Page, picture: Buffer, selectors: readonly string[]): Promise<number[]> {
  const boxes = await Promise.all(
    selectors.map(async (selector) => {
      const box = await page.locator(selector).first().boundingBox();
      assert.ok(box !== null, `${selector} is drawn`);
      return box;
    }),
  );
  const url = `data:image/png;base64,${picture.toString("base64")}`;
  return z.array(z.number()).parse(await page.evaluate(`(${BLACK})(${JSON.stringify({ url, boxes })})`));
}

test("a doubt is kept without anything by which somebody could log in to a machine", async () => {
  site.turn({ pageDisagrees: { [OURS]: "Running" } });
  const seen = (await driver.compare()).instances.get(OURS);
  assert.partialDeepStrictEqual(seen, { state: "unknown", reason: "witnesses_disagree" });
  const kept = readdirSync(join(stateDir, "artifacts")).map((name) => join(stateDir, "artifacts", name));
  const html = readFileSync(kept.find((name) => name.endsWith(".html")) ?? "", "utf8");
  for (const id of [OURS, COLLEAGUES]) {
    for (const secret of secretsOf(id)) assert.ok(!html.includes(secret), secret);
  }
  // What mends a profile is still there.
  for (const needed of [OURS, "uc-fe-table-cell-id", "uc-fe-status-running", "运行中", "启动", "uc-fe-login"])
    assert.ok(html.includes(needed), needed);
  assert.match(html, /<th>名称<\/th><th>\[secret\]<\/th>/, "an element that the profile names");

  const page = await sameView();
  const picture = readFileSync(kept.find((name) => name.endsWith(".png")) ?? "");
  const row = (index: number) => `tr.uc-fe-table-row:nth-child(${index})`;
  const covered = [1, 2].flatMap((index) => [`${row(index)} code`, `${row(index)} .uc-fe-login input`]);
  assert.deepEqual(
    await blackShares(page, picture, [...covered, "th:nth-child(3)"]),
    [1, 1, 1, 1, 1],
    "bars lie over each",
  );
  const open = await blackShares(page, picture, [
    `${row(1)} .uc-fe-table-cell-id`,
    `${row(1)} .uc-fe-table-cell-action`,
  ]);
  assert.ok(
    open.every((share) => share < 0.1),
    `and over nothing else: ${open}`,
  );
});

test("a refusal that quotes how one logs in is told and logged without it", async () => {
  site.turn({ pageDisagrees: {}, soldOut: [OURS], refusalsTell: true });
  const result = await driver.act({
    providerId: OURS,
    attemptId: "a",
    action: "start",
    allowed: () => true,
  });
  assert.partialDeepStrictEqual(result, { outcome: "refused", soldOut: true });
  const text = JSON.stringify(result) + lines.join("");
  assert.match(text, /资源已售罄.*\[secret\]/);
  for (const secret of secretsOf(OURS)) assert.ok(!text.includes(secret), secret);
});

test("neither a password of ours nor the session is in what is kept or logged", async () => {
  const artifacts = readdirSync(join(stateDir, "artifacts"))
    .filter((name) => name.endsWith(".html"))
    .map((name) => readFileSync(join(stateDir, "artifacts", name), "utf8"));
  const text = [...artifacts, ...lines].join("");
  assert.ok(!text.includes(DEFAULT_PASSWORD));
});

/** As much of Playwright's page and request as `PageAnswers` uses. */
class FakePage extends EventEmitter {
  readonly frame = {};
  mainFrame() {
    return this.frame;
  }
  load() {
    this.emit("framenavigated", this.frame);
  }
  told(text: () => Promise<string>, of: { status?: number; type?: string } = {}) {
    const response = { status: () => of.status ?? 200, text };
    this.emit("requestfinished", { resourceType: () => of.type ?? "xhr", response: async () => response });
  }
}
const GONE = async () => {
  throw new Error("No resource with given identifier found");
};
const CASES: ReadonlyArray<readonly [string, boolean, (page: FakePage) => void]> = [
  ["everything was read", true, (page) => page.told(async () => '{"Password":"abcd"}')],
  ["an answer that is no JSON names nothing", true, (page) => page.told(async () => "<html>")],
  ["one could not be read", false, (page) => page.told(GONE)],
  ["one that was late for the page that it was for", true, (page) => [page.told(GONE), page.load()]],
  ["one is still being read", false, (page) => page.told(() => new Promise(() => {}))],
  ["an answer without a body", true, (page) => page.told(GONE, { status: 204 })],
  ["a redirect", true, (page) => page.told(GONE, { status: 302 })],
  ["a picture", true, (page) => page.told(GONE, { type: "image" })],
];
for (const [words, settled, happens] of CASES) {
  test(`whether all that the page was told is known: ${words}`, async () => {
    const heard: unknown[] = [];
    const answers = new PageAnswers((answer) => heard.push(answer));
    const page = new FakePage();
    // @ts-expect-error as much of a page as is used
    answers.follow(page);
    page.load();
    happens(page);
    assert.equal(await answers.settled(), settled);
    if (words === "everything was read") assert.deepEqual(heard, [{ Password: "abcd" }]);
  });
}
