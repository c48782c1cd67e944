import assert from "node:assert/strict";
import { test } from "node:test";
import { isTrustworthy, laneOf } from "./lane.ts";

test("a lane is told by what the browser itself adds", () => {
  assert.equal(laneOf(["Origin", "http://c", "Sec-Fetch-Mode", "cors"], true), "page");
  assert.equal(laneOf(["user-agent", "x"], true), "api");
  // Headers learned from the page and forwarded: the value is the browser's, the spelling is not.
  assert.equal(laneOf(["origin", "http://c", "sec-fetch-mode", "cors"], true), "api");
});

test("where browsers send no Sec-Fetch headers, an Origin alone proves nothing", () => {
  assert.equal(laneOf(["Origin", "http://c"], false), "unclear");
  assert.equal(laneOf(["accept", "*/*"], false), "api");
});

test("loopback and HTTPS are trustworthy, plain HTTP elsewhere is not", () => {
  for (const url of ["http://127.0.0.1:9", "http://localhost:9", "https://example.invalid"]) {
    assert.equal(isTrustworthy(url), true, url);
  }
  assert.equal(isTrustworthy("http://sim-console:9"), false);
});
