import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { findDspRedis, findGateway } from "./connection.ts";

const root = mkdtempSync(join(tmpdir(), "connection-"));
writeFileSync(join(root, ".env"), "DSP_REDIS_URL=redis://of-env-file\nDSP_URL=ws://of-env-file/dsp\n");
const file = join(root, "redis-url");
writeFileSync(file, "redis://of-secret\n");

test("the gateway's Redis: as said, as the service has it, as .env has it; an empty line says nothing", () => {
  assert.equal(findDspRedis("redis://said", { DSP_REDIS_URL: "redis://env" }, root), "redis://said");
  assert.equal(findDspRedis(undefined, { DSP_REDIS_URL: "redis://env" }, root), "redis://env");
  const inContainer = { DSP_REDIS_URL: "", DSP_REDIS_URL_FILE: file };
  assert.equal(findDspRedis(undefined, inContainer, root), "redis://of-secret");
  assert.equal(findDspRedis(undefined, {}, root), "redis://of-env-file");
});

test("the gateway: an empty line says nothing either", () => {
  assert.equal(findGateway(undefined, { DSP_URL: "" }, root), "ws://of-env-file/dsp");
  assert.equal(findGateway(undefined, { DSP_URL: "ws://env/dsp" }, root), "ws://env/dsp");
});
