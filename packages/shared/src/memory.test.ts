import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readMemory } from "./memory.ts";

function group(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "group-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}
const FILES = {
  "memory.current": "100000000\n",
  "memory.max": "268435456\n",
  "memory.stat": "anon 50000000\nfile 40000000\ninactive_file 30000000\nactive_file 10000000\n",
};

test("cached files that nobody uses are not counted: the kernel gives them back", () => {
  assert.deepEqual(readMemory(group(FILES)), { usedBytes: 70_000_000, limitBytes: 268_435_456 });
});

test("no limit is not a limit of 0", () => {
  assert.equal(readMemory(group({ ...FILES, "memory.max": "max\n" }))?.limitBytes, null);
});

test("what cannot be read, or is no number, is unknown", () => {
  assert.equal(readMemory(group({})), undefined);
  assert.equal(readMemory(group({ ...FILES, "memory.current": "lots\n" })), undefined);
});
