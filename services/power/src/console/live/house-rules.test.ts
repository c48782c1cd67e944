/** What a person may make of the page, in a real browser: nothing but the console's own addresses is opened. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { after, before, test } from "node:test";
import { type Browser, chromium } from "playwright";
import { CHROMIUM, SANDBOX } from "../../../../../tests/harness/driven-console.ts";
import { until } from "../../../../../tests/harness/process.ts";
import { keepHouseRules } from "./house-rules.ts";

const servers: Server[] = [];
/** Paths that the foreign site was asked for. */
const visits: string[] = [];
let browser: Browser;
let ours = "";
let foreign = "";

async function serve(
  answer: (path: string) => { status?: number; headers?: Record<string, string>; body: string },
) {
  const server = createServer((request, response) => {
    const { status = 200, headers = {}, body } = answer(request.url ?? "/");
    response.writeHead(status, { "content-type": "text/html", ...headers });
    response.end(body);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

before(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: SANDBOX });
  foreign = await serve((path) => {
    visits.push(path);
    return { body: "<h1>elsewhere</h1>" };
  });
  ours = await serve((path) => {
    if (path === "/hop") return { status: 302, headers: { location: `${foreign}/hop` }, body: "" };
    if (path === "/file")
      return { headers: { "content-disposition": "attachment; filename=report.csv" }, body: "a,b" };
    if (path === "/other") return { body: "<h1>other</h1>" };
    return {
      body: `<h1>console</h1><a id=link href="${foreign}/link">link</a><a id=hop href="/hop">hop</a>
<a id=blank target=_blank href="${foreign}/blank">blank</a><a id=own target=_blank href="/other">own</a>
<a id=file href="/file">file</a><input id=choose type=file><iframe src="${foreign}/captcha"></iframe>
<form id=form method=post action="${foreign}/form"><button id=post>post</button></form>
<button id=open onclick="window.open('${foreign}/open')">open</button><button id=ask onclick="this.textContent = confirm('delete it?')">ask</button>
<button id=print onclick="window.print(); this.textContent = 'printed'">print</button>
<button id=script onclick="location = '${foreign}/script'">script</button>`,
    };
  });
});
after(async () => {
  await browser.close();
  for (const server of servers) server.close();
});

test("a link, a redirect, a form, a script, a window to elsewhere are refused, and the page stays where it is", async () => {
  const context = await browser.newContext({ acceptDownloads: false });
  const page = await context.newPage();
  await page.goto(`${ours}/`);
  await page.frameLocator("iframe").getByText("elsewhere").waitFor();
  const told: string[] = [];
  const end = await keepHouseRules({
    page,
    context,
    cdp: await context.newCDPSession(page),
    ours: (origin) => origin === ours,
    refused: (what, detail) => told.push(`${what} ${detail}`.trim()),
  });
  visits.length = 0;
  const stays = async (id: string, ...wanted: readonly string[]) => {
    told.length = 0;
    await page.locator(`#${id}`).click({ noWaitAfter: true });
    await until(`${id} is refused (${told.join()})`, () => wanted.some((each) => told.includes(each)));
    assert.equal(page.url(), `${ours}/`, id);
    await until(`${id} leaves one window`, () => context.pages().length === 1);
  };
  for (const id of ["link", "hop", "blank", "post", "script"]) await stays(id, `elsewhere ${foreign}`);
  // Closed before it has asked for its address, or refused when it asks.
  await stays("open", "window", `elsewhere ${foreign}`);
  assert.deepEqual(visits, [], "nothing has reached the other site");
  await stays("file", "download report.csv");
  await stays("choose", "file");
  await stays("ask", "dialog delete it?");
  assert.equal(await page.locator("#ask").textContent(), "false");
  await page.locator("#print").click();
  assert.equal(await page.locator("#print").textContent(), "printed");

  // A window of the console's own is shown in place.
  await page.locator("#own").click({ noWaitAfter: true });
  await page.waitForURL(`${ours}/other`);
  await until("one window is left", () => context.pages().length === 1);

  await page.goto(`${ours}/`);
  await end();
  await page.locator("#link").click();
  await page.waitForURL(`${foreign}/link`);
});
