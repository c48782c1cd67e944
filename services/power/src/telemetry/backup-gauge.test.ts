import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Registry } from "prom-client";
import { deriveFromBackup } from "./backup-gauge.ts";

test("the time of the last backup is told, and nothing where there is none or none that can be read", async () => {
  const dir = mkdtempSync(join(tmpdir(), "state-"));
  const registry = new Registry();
  deriveFromBackup(registry, dir);
  const told = async () => /^gpu_power_backup_timestamp_seconds (.+)$/m.exec(await registry.metrics())?.[1];
  assert.equal(await told(), undefined);
  for (const [text, expected] of [
    ["1764000000\n", "1764000000"],
    ["", undefined],
    ["yesterday", undefined],
    ["-5", undefined],
    ["1764086400", "1764086400"],
  ]) {
    writeFileSync(join(dir, "last-backup"), text ?? "");
    assert.equal(await told(), expected, JSON.stringify(text));
  }
});
