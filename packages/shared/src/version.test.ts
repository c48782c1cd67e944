import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readVersion } from "./version.ts";

test("the version is what the image was built as; sources have none", () => {
  const file = join(mkdtempSync(join(tmpdir(), "version-")), "VERSION");
  assert.equal(readVersion(file), undefined);
  writeFileSync(file, "1.2.0\n");
  assert.equal(readVersion(file), "1.2.0");
  assert.equal(readVersion(), undefined, "here it runs from sources");
});
