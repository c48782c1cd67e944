import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { optionsFrom } from "./options.ts";

test("an empty environment leaves every default alone", () => {
  assert.deepEqual(optionsFrom({ HOST: "", UNRELATED: "x" }), { faults: {} });
});

test("every variable reaches its option", () => {
  const options = optionsFrom({
    SKIN: "autodl",
    HOST: "0.0.0.0",
    API_PORT: "8101",
    API_URL: "http://sim-console:8101/",
    BOOT_MS: "50",
    PAGE_REFRESH_MS: "200",
    MACHINES: '[{"UHostId":"uhost-x","State":"Running"}]',
    FAULTS: '{"api500":true,"soldOut":["uhost-x"]}',
  });
  assert.equal(options.skin, "autodl");
  assert.equal(options.host, "0.0.0.0");
  assert.equal(options.apiPort, 8101);
  assert.equal(options.apiUrl, "http://sim-console:8101");
  assert.equal(options.bootMs, 50);
  assert.equal(options.machines?.[0]?.State, "Running");
  assert.deepEqual(options.faults, { pageRefreshMs: 200, api500: "all", soldOut: ["uhost-x"] });
});

test("all mistakes are named together", () => {
  try {
    optionsFrom({ API_PORT: "abc", MACHINES: "[]", FAULTS: '{"nonsense":1}', CONSOLE_URL: "ftp://x" });
    assert.fail("bad options were taken");
  } catch (error) {
    assert.ok(error instanceof z.ZodError);
    const names = new Set(error.issues.map((issue) => issue.path[0]));
    assert.deepEqual(names, new Set(["API_PORT", "MACHINES", "FAULTS", "CONSOLE_URL"]));
  }
});

test("two machines with one id are refused", () => {
  assert.throws(() => optionsFrom({ MACHINES: '[{"UHostId":"a"},{"UHostId":"a"}]' }), /same UHostId/);
});
