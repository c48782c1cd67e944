/** Everything that differs from provider to provider is in a profile: the programs know no provider's name. */
import assert from "node:assert/strict";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const ROOT = new URL("../../../../", import.meta.url).pathname;
/** The demo's profile is the stand-in's; the owner of one of the consoles has a name of its own. */
const NAMES = [
  ...readdirSync(`${ROOT}profiles`).flatMap((file) => /^(?!demo)(.+)\.yaml$/.exec(file)?.[1] ?? []),
  "ucloud",
];

test("no line of the services or of gpuctl names a provider", () => {
  const files = globSync(["services/*/src/**/*.ts", "packages/*/src/**/*.ts"], { cwd: ROOT }).filter(
    (file) => !file.endsWith(".test.ts"),
  );
  assert.ok(files.length > 100 && NAMES.length > 2, "there is something to look at");
  const named = new RegExp(NAMES.join("|"), "i");
  const lines = files.flatMap((file) =>
    readFileSync(`${ROOT}${file}`, "utf8")
      .split("\n")
      .flatMap((line, index) => (named.test(line) ? `${file}:${index + 1}: ${line.trim()}` : [])),
  );
  assert.deepEqual(lines, []);
});
