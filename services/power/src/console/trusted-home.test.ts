/** Chromium opens a console with a private CA when its certificate is given, and no other one. */
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Authority, authoritiesEnv } from "@gpu-power-manager/shared/authorities";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { makePrivateCa, serveTls } from "../../../../tests/harness/private-ca.ts";
import { BrowserKeeper } from "./browser.ts";
import { SavedSession } from "./saved-session.ts";

const logger = createLogger({ service: "test", level: "fatal", secrets: [] });

function keeper(authorities: readonly Authority[]): BrowserKeeper {
  return new BrowserKeeper({
    chromiumPath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
    headless: true,
    sandbox: process.getuid?.() !== 0,
    authorities,
    pictures: () => false,
    locale: () => "zh-CN",
    saved: new SavedSession(mkdtempSync(join(tmpdir(), "state-")), "a key only for this test", logger),
    logger,
    now: Date.now,
    onPage: () => {},
    onGone: () => {},
  });
}

test("a console whose CA lies in CA_DIR is opened; without it, or by another CA, it is refused", async (t) => {
  const [ours, other] = await Promise.all([makePrivateCa(), makePrivateCa()]);
  const plain = createServer((_request, response) => response.end("the console"));
  await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
  t.after(() => plain.close());
  const address = plain.address();
  assert.ok(typeof address === "object" && address !== null);
  const server = await serveTls(await ours.issue(1), address.port);
  t.after(() => server.stop());
  const text = async (authorities: readonly Authority[]) => {
    const browser = keeper(authorities);
    try {
      const { page } = await browser.open();
      await page.goto(`https://127.0.0.1:${server.port}/`);
      return await page.textContent("body");
    } finally {
      await browser.close();
    }
  };
  const of = (dir: string) => authoritiesEnv.CA_DIR.parse(dir);
  await assert.rejects(text([]), /ERR_CERT_AUTHORITY_INVALID/);
  await assert.rejects(text(of(other.dir)), /ERR_CERT_AUTHORITY_INVALID/);
  assert.equal(await text([...of(other.dir), ...of(ours.dir)]), "the console");
});
