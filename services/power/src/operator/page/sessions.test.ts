import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { INVITATION_MS, Invitations } from "./invitations.ts";
import { SESSION_MS, Sessions } from "./sessions.ts";

const TOKENS = { operator: "o".repeat(30), viewer: "v".repeat(30) };

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "sessions-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return join(dir, "state", "page-sessions.json");
}

test("a session ends after 12 hours, by signing out, and when its own token changes; a restart keeps it", (t) => {
  const file = folder(t);
  let now = 1_000;
  const open = (tokens: Readonly<Record<string, string>> = TOKENS) =>
    new Sessions({ file, key: "k".repeat(16), tokens, now: () => now });
  const sessions = open();
  const [anna, ben, eve] = [
    sessions.open("operator", "Anna"),
    sessions.open("viewer", ""),
    sessions.open("viewer", "Eve"),
  ];
  assert.deepEqual([sessions.find(anna)?.role, sessions.find(anna)?.name], ["operator", "Anna"]);
  assert.notEqual(sessions.find(anna)?.csrf, sessions.find(ben)?.csrf);
  assert.equal(sessions.find("somebody else's"), undefined);

  sessions.close(eve);
  assert.equal(sessions.find(eve), undefined);
  const restarted = open();
  assert.equal(restarted.find(eve), undefined, "signed out is signed out, after a restart too");
  assert.deepEqual(restarted.find(anna), sessions.find(anna));

  const changed = open({ ...TOKENS, operator: "p".repeat(30) });
  assert.equal(changed.find(anna), undefined);
  assert.equal(changed.find(ben)?.role, "viewer", "another token's sessions go on");

  now += SESSION_MS - 1;
  assert.ok(sessions.find(anna));
  now += 1;
  assert.equal(sessions.find(anna), undefined);
});

test("the file opens nothing: neither the cookie nor a token stands in it, and only power may read it", (t) => {
  const file = folder(t);
  const sessions = new Sessions({ file, key: "k".repeat(16), tokens: TOKENS, now: () => 0 });
  const id = sessions.open("operator", "Anna");
  const text = readFileSync(file, "utf8");
  for (const secret of [id, TOKENS.operator, sessions.find(id)?.csrf ?? "?"])
    assert.ok(!text.includes(secret));
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test("a one-time link lets in once, and not after five minutes", () => {
  let now = 0;
  const invitations = new Invitations(() => now);
  const first = invitations.make("viewer", "bob");
  assert.deepEqual(invitations.use(first.code), { role: "viewer", name: "bob", until: INVITATION_MS });
  assert.equal(invitations.use(first.code), undefined);
  const late = invitations.make("operator", "");
  now = INVITATION_MS;
  assert.equal(invitations.use(late.code), undefined);
});
