import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { scryptSync } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { SavedSession } from "./saved-session.ts";
import { newSealingKey, seal, unseal } from "./sealed-session.ts";

const KEY = "a key of more than sixteen characters";
const state = JSON.stringify({ cookies: [{ name: "sid", value: "very-secret-cookie" }], origins: [] });
const lines: string[] = [];
const logger = createLogger({
  service: "test",
  level: "trace",
  secrets: [],
  destination: { write: (line: string) => lines.push(line) },
});

const sealedWith = async (key: string, text: string) => seal(text, await newSealingKey(key));
const unsealed = async (sealed: Buffer) => (await unseal(sealed, KEY)).text;

/** Written by the version that derived its key for each file. */
const OF_AN_OLDER_VERSION =
  "R1BNMZRNVuPOMlPjHWE1SgzaIwP73edqQbrESEhecP3KqXRdTKogqFe+7tK4RkPof5+cGMHr8/MSjE1WI2w49lyYSLidS9TcT47D3Sx55u0H7n2F7fAgXNTRSP7LcJQRLc77SqLU+PQFMgK5YtqNimhLih+toTM=";

test("a session is saved encrypted, for its owner alone, and comes back", async () => {
  const dir = mkdtempSync(join(tmpdir(), "session-"));
  await new SavedSession(dir, KEY, logger).save(state);
  const file = join(dir, "console-session.enc");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(!readFileSync(file).includes("very-secret-cookie"));
  assert.equal(await new SavedSession(dir, KEY, logger).load(), state);
  assert.ok(!lines.join("").includes("very-secret-cookie"));
});

test("a session that has not changed is not written again", async () => {
  const dir = mkdtempSync(join(tmpdir(), "session-"));
  const saved = new SavedSession(dir, KEY, logger);
  await saved.save(state);
  const before = readFileSync(join(dir, "console-session.enc"));
  await saved.save(state);
  assert.deepEqual(readFileSync(join(dir, "console-session.enc")), before);
});

test("a file of an older version opens, and what is written after it opens with the same key", async () => {
  const dir = mkdtempSync(join(tmpdir(), "session-"));
  writeFileSync(join(dir, "console-session.enc"), Buffer.from(OF_AN_OLDER_VERSION, "base64"));
  const saved = new SavedSession(dir, KEY, logger);
  assert.match((await saved.load()) ?? "", /of an older version/);
  await saved.save(state);
  assert.equal(await new SavedSession(dir, KEY, logger).load(), state);
});

test("neither a first nor a later writing, nor a reading, stops the event loop", async () => {
  const dir = mkdtempSync(join(tmpdir(), "session-"));
  const saved = new SavedSession(dir, KEY, logger);
  const atOnce = performance.now();
  scryptSync(KEY, Buffer.alloc(16), 32);
  const costMs = performance.now() - atOnce;
  for (const work of [
    () => new SavedSession(mkdtempSync(join(tmpdir(), "session-")), KEY, logger).save(state),
    () => saved.save(`${state} `),
    () => new SavedSession(dir, KEY, logger).load(),
  ]) {
    // The shortest of some: a machine that has much else to do stops every loop, but not each time.
    let shortest = Number.POSITIVE_INFINITY;
    for (let times = 0; times < 5; times += 1) {
      const before = performance.eventLoopUtilization();
      await work();
      shortest = Math.min(shortest, performance.eventLoopUtilization(before).active);
    }
    assert.ok(shortest < costMs / 2, `${shortest} ms on the event loop, where a key costs ${costMs} ms`);
  }
});

test("writings at the same time keep their order", async () => {
  const dir = mkdtempSync(join(tmpdir(), "session-"));
  const saved = new SavedSession(dir, KEY, logger);
  await Promise.all(["1", "2", "3"].map((last) => saved.save(last)));
  assert.equal(await new SavedSession(dir, KEY, logger).load(), "3");
});

test("another key, or a single changed bit, gives no session; the file is put aside and the operator told", async () => {
  const sealed = await sealedWith(KEY, state);
  assert.equal(await unsealed(sealed), state);
  for (let index = 0; index < sealed.length; index += 7) {
    const changed = Buffer.from(sealed);
    changed[index] = (changed[index] ?? 0) ^ 1;
    await assert.rejects(unsealed(changed), `bit of byte ${index}`);
  }
  const dir = mkdtempSync(join(tmpdir(), "session-"));
  writeFileSync(join(dir, "console-session.enc"), sealed);
  assert.equal(await new SavedSession(dir, "quite another key, also long", logger).load(), undefined);
  assert.ok(existsSync(join(dir, "console-session.enc.unreadable")));
  assert.match(lines.at(-1) ?? "", /Log in again/);
});

test("a session that was brought is taken, and the one before it stays", async () => {
  const dir = mkdtempSync(join(tmpdir(), "session-"));
  const file = join(dir, "console-session.enc");
  const saved = new SavedSession(dir, KEY, logger);
  await saved.save(state);
  const other = JSON.stringify({ cookies: [], origins: [] });
  writeFileSync(`${file}.brought`, await sealedWith(KEY, other));
  // Whatever power saves until it starts again does not undo it.
  await saved.save(JSON.stringify({ cookies: [], origins: ["late"] }));
  assert.equal(await new SavedSession(dir, KEY, logger).load(), other);
  assert.equal(await unsealed(readFileSync(file)), other);
  assert.ok(!existsSync(`${file}.brought`));
  assert.match(await unsealed(readFileSync(`${file}.before`)), /late/);
});

test("one that was brought and cannot be read is put aside, and the saved one goes on", async () => {
  const dir = mkdtempSync(join(tmpdir(), "session-"));
  const file = join(dir, "console-session.enc");
  await new SavedSession(dir, KEY, logger).save(state);
  writeFileSync(`${file}.brought`, await sealedWith("quite another key, also long", "{}"));
  assert.equal(await new SavedSession(dir, KEY, logger).load(), state);
  assert.ok(existsSync(`${file}.brought.unreadable`));
});

for (const [words, text, key, status] of [
  ["the server's own key", state, KEY, 0],
  ["another key", state, "quite another key, also long", 1],
  ["no session in it", "not JSON", KEY, 1],
] as const) {
  test(`the check before an import: ${words}`, async () => {
    const script = new URL("check-session.ts", import.meta.url).pathname;
    const run = spawnSync(process.execPath, [script], {
      input: await sealedWith(key, text),
      env: { SESSION_KEY: KEY },
      encoding: "utf8",
    });
    assert.equal(run.status, status, run.stderr);
    if (status === 1) assert.match(run.stderr, /cannot be read with this server's secrets\/session-key/);
  });
}
