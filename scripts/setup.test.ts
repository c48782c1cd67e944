/** The set-up script says what it would do, and what to do by hand where it can do nothing. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const SCRIPT = new URL("setup.sh", import.meta.url).pathname;
const BASICS = ["bash", "dirname", "id", "grep", "head", "cut", "cat", "sha256sum", "mktemp", "rm", "env"];

/** Runs the script where only the basics and `extra` are on the PATH. */
function run(...extra: string[]) {
  const bin = mkdtempSync(join(tmpdir(), "path-"));
  for (const name of [...BASICS, ...extra]) {
    const found = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();
    symlinkSync(found === "" ? "/bin/true" : found, join(bin, name));
  }
  return spawnSync("bash", [SCRIPT], {
    encoding: "utf8",
    env: { PATH: bin, SETUP_DRY_RUN: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

test("where there is no apt-get it names what to install by hand and fails", () => {
  const { status, stderr } = run();
  assert.equal(status, 1);
  for (const word of [
    "nats-server",
    "redis-server",
    "chromium",
    "prometheus",
    "fonts-noto-cjk",
    "Install them by hand",
  ]) {
    assert.match(stderr, new RegExp(word));
  }
});

test("where there is, it installs just what is missing", () => {
  const { status, stdout, stderr } = run("apt-get", "sudo", "npm", "redis-server", "promtool", "amtool");
  assert.equal(status, 0, stderr);
  const install = stdout.split("\n").find((line) => line.includes("install -y")) ?? "";
  assert.match(install, /nats-server/);
  assert.match(install, /chromium/);
  assert.doesNotMatch(install, /redis-server|prometheus|nodejs/);
});
