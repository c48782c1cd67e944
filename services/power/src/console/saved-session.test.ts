import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { decrypt, encrypt, SavedSession } from "./saved-session.ts";

const KEY = "a key of more than sixteen characters";
const state = JSON.stringify({ cookies: [{ name: "sid", value: "very-secret-cookie" }], origins: [] });
const lines: string[] = [];
const logger = createLogger({
  service: "test",
  level: "trace",
  secrets: [],
  destination: { write: (line: string) => lines.push(line) },
});

test("a session is saved encrypted, for its owner alone, and comes back", () => {
  const dir = mkdtempSync(join(tmpdir(), "session-"));
  new SavedSession(dir, KEY, logger).save(state);
  const file = join(dir, "console-session.enc");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(!readFileSync(file).includes("very-secret-cookie"));
  assert.equal(new SavedSession(dir, KEY, logger).load(), state);
  assert.ok(!lines.join("").includes("very-secret-cookie"));
});

test("a session that has not changed is not written again", () => {
  const dir = mkdtempSync(join(tmpdir(), "session-"));
  const saved = new SavedSession(dir, KEY, logger);
  saved.save(state);
  const before = readFileSync(join(dir, "console-session.enc"));
  saved.save(state);
  assert.deepEqual(readFileSync(join(dir, "console-session.enc")), before);
});

test("another key, or a single changed bit, gives no session; the file is put aside and the operator told", () => {
  const sealed = encrypt(state, KEY);
  assert.equal(decrypt(sealed, KEY), state);
  for (let index = 0; index < sealed.length; index += 7) {
    const changed = Buffer.from(sealed);
    changed[index] = (changed[index] ?? 0) ^ 1;
    assert.throws(() => decrypt(changed, KEY), `bit of byte ${index}`);
  }
  const dir = mkdtempSync(join(tmpdir(), "session-"));
  writeFileSync(join(dir, "console-session.enc"), sealed);
  assert.equal(new SavedSession(dir, "quite another key, also long", logger).load(), undefined);
  assert.ok(existsSync(join(dir, "console-session.enc.unreadable")));
  assert.match(lines.at(-1) ?? "", /Log in again/);
});

test("a session that was brought is taken, and the one before it stays", () => {
  const dir = mkdtempSync(join(tmpdir(), "session-"));
  const file = join(dir, "console-session.enc");
  const saved = new SavedSession(dir, KEY, logger);
  saved.save(state);
  const other = JSON.stringify({ cookies: [], origins: [] });
  writeFileSync(`${file}.brought`, encrypt(other, KEY));
  // Whatever power saves until it starts again does not undo it.
  saved.save(JSON.stringify({ cookies: [], origins: ["late"] }));
  assert.equal(new SavedSession(dir, KEY, logger).load(), other);
  assert.equal(decrypt(readFileSync(file), KEY), other);
  assert.ok(!existsSync(`${file}.brought`));
  assert.match(decrypt(readFileSync(`${file}.before`), KEY), /late/);
});

test("one that was brought and cannot be read is put aside, and the saved one goes on", () => {
  const dir = mkdtempSync(join(tmpdir(), "session-"));
  const file = join(dir, "console-session.enc");
  new SavedSession(dir, KEY, logger).save(state);
  writeFileSync(`${file}.brought`, encrypt("{}", "quite another key, also long"));
  assert.equal(new SavedSession(dir, KEY, logger).load(), state);
  assert.ok(existsSync(`${file}.brought.unreadable`));
});

for (const [words, text, key, status] of [
  ["the server's own key", state, KEY, 0],
  ["another key", state, "quite another key, also long", 1],
  ["no session in it", "not JSON", KEY, 1],
] as const) {
  test(`the check before an import: ${words}`, () => {
    const script = new URL("check-session.ts", import.meta.url).pathname;
    const run = spawnSync(process.execPath, [script], {
      input: encrypt(text, key),
      env: { SESSION_KEY: KEY },
      encoding: "utf8",
    });
    assert.equal(run.status, status, run.stderr);
    if (status === 1) assert.match(run.stderr, /cannot be read with this server's secrets\/session-key/);
  });
}
