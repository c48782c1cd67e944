/** Chromium is small as it should be, and no less safe for it. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { type Browser, chromium } from "playwright";
import { CHROMIUM, SANDBOX } from "../../../../tests/harness/driven-console.ts";
import { BrowserKeeper } from "./browser.ts";
import { FLAGS, PLAYWRIGHT_FEATURES } from "./browser-flags.ts";
import { SavedSession } from "./saved-session.ts";

const logger = createLogger({ service: "test", level: "fatal", secrets: [] });

async function processesOf(browser: Browser) {
  const cdp = await browser.newBrowserCDPSession();
  const { processInfo } = await cdp.send("SystemInfo.getProcessInfo");
  const [root] = processInfo.filter(({ type }) => type === "browser");
  assert.ok(root !== undefined);
  const commandLine = readFileSync(`/proc/${root.id}/cmdline`, "utf8").split("\0");
  return { types: processInfo.map(({ type }) => type), commandLine };
}

test("Playwright's own features are all said again, since Chromium takes the last list alone", async (t) => {
  const browser = await chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: SANDBOX });
  t.after(() => browser.close());
  const { commandLine } = await processesOf(browser);
  const lists = commandLine.filter((each) => each.startsWith("--enable-features="));
  const theirs = lists.at(-1)?.slice("--enable-features=".length).split(",") ?? [];
  for (const feature of theirs) assert.ok(PLAYWRIGHT_FEATURES.includes(feature), feature);
});

test("no flag takes a sandbox, a process of its own from the renderer, or the check of certificates away", () => {
  const unsafe =
    /sandbox|single-process|in-process-gpu|no-zygote|web-security|certificate|insecure|site-isolation/;
  for (const flag of FLAGS) assert.doesNotMatch(flag, unsafe);
});

for (const pictures of [false, true]) {
  test(`pictures and fonts are loaded only where the profile wants them: ${pictures}`, async (t) => {
    const asked: string[] = [];
    const site = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.setHeader("content-type", request.url === "/" ? "text/html" : "image/svg+xml");
      if (request.url !== "/") response.end('<svg xmlns="http://www.w3.org/2000/svg"/>');
      else
        response.end(
          `<style>@font-face { font-family: own; src: url(/own.woff2?v=1) } p { font-family: own }</style>
          <img src="/big.png"><img src="/button.svg"><p>text</p>`,
        );
    });
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
    t.after(() => site.close());
    const address = site.address();
    assert.ok(typeof address === "object" && address !== null);
    const keeper = new BrowserKeeper({
      chromiumPath: CHROMIUM,
      headless: true,
      sandbox: SANDBOX,
      authorities: [],
      pictures: () => pictures,
      locale: () => "zh-CN",
      saved: new SavedSession(mkdtempSync(join(tmpdir(), "state-")), "a key only for this test", logger),
      logger,
      now: Date.now,
      onPage: () => {},
      onGone: () => {},
    });
    t.after(() => keeper.close());
    const { page } = await keeper.open();
    await page.goto(`http://127.0.0.1:${address.port}/`, { waitUntil: "networkidle" });
    assert.deepEqual(
      asked.filter((path) => path !== "/favicon.ico").sort(),
      pictures ? ["/", "/big.png", "/button.svg", "/own.woff2?v=1"] : ["/", "/button.svg"],
    );
    const browser = page.context().browser();
    assert.ok(browser !== null);
    const { types } = await processesOf(browser);
    assert.ok(!types.includes("network.mojom.NetworkService"), types.join());
  });
}
