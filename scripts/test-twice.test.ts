import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const SCRIPT = new URL("./test-twice.ts", import.meta.url).pathname;

/** Runs these bodies of tests, each in a file of its own. */
function run(...bodies: readonly string[]) {
  const dir = mkdtempSync(join(tmpdir(), "twice-"));
  const files = bodies.map((body, index) => {
    const file = join(dir, `${index}.test.mjs`);
    writeFileSync(
      file,
      `import { test } from "node:test"; import { appendFileSync, existsSync } from "node:fs";\n${body}`,
    );
    return file;
  });
  // The runner above us tells its children that they are children.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout } = spawnSync(process.execPath, [SCRIPT, "--test-reporter=spec", ...files], {
    cwd: dir,
    env,
    encoding: "utf8",
  });
  return { status, stdout };
}

const GOOD = 'test("steady", () => { console.log("STEADY RAN"); });';
const ONCE_BAD =
  'test("shaky", () => { if (existsSync("seen")) return; appendFileSync("seen", ""); throw new Error("x"); });';
const BAD = 'test("broken", () => { throw new Error("x"); });';

test("all well: each runs once, nothing is said", () => {
  const { status, stdout } = run(GOOD);
  assert.equal(status, 0);
  assert.equal(stdout.match(/^STEADY RAN/gm)?.length, 1);
  assert.doesNotMatch(stdout, /UNSTEADY|Once more/);
});

test("failed and then passed: green, and named; what had passed is not run again", () => {
  const { status, stdout } = run(GOOD, ONCE_BAD);
  assert.equal(status, 0);
  assert.equal(stdout.match(/^STEADY RAN/gm)?.length, 1);
  assert.match(stdout, /UNSTEADY[^\n]*\n {2}shaky \(/);
});

test("failed twice: red", () => {
  const { status, stdout } = run(BAD, ONCE_BAD);
  assert.equal(status, 1);
  assert.match(stdout, /UNSTEADY[^\n]*\n {2}shaky \([^\n]*\n$/, "only what passed is unsteady");
});
