/** What other listeners have left on a real disk. */
import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { Leftovers } from "./leftovers.ts";

/** Nobody's in particular. */
const ANOTHER_USER = 65_534;

const line = (id: string) =>
  `${JSON.stringify({ event: { eventId: id, pool: "p", at: 1, kind: "job", type: "url", source: "notice", count: 1 }, messageId: id, receivedAt: 1 })}\n`;

function open(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "gpm-left-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const log: string[] = [];
  const logger = createLogger({
    service: "test",
    level: "warn",
    secrets: [],
    destination: { write: (text) => log.push(text) },
  });
  const old = new Date(Date.now() - 60_000);
  return {
    folder,
    log,
    leftovers: (id = "me") => new Leftovers({ folder, id, logger }),
    /** A file that nobody keeps up. */
    put: (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      utimesSync(join(folder, name), old, old);
    },
    names: () => readdirSync(folder).sort(),
  };
}

const idsOf = async (leftovers: Leftovers) => (await leftovers.takeUp()).map(({ messageId }) => messageId);

test("what was left is taken up at once, of whatever version; what its owner keeps up is left alone", async (t) => {
  const { folder, leftovers, put, names } = open(t);
  put("listener-spool-a.jsonl", line("died"));
  put("listener-spool-3f1c3c3e-6c32-4f8e-8c0a-2e1f6f0f7a11.jsonl", line("older version"));
  put("listener-spool-b.jsonl.new", line("unfinished"));
  put("something-else.jsonl", line("x"));
  writeFileSync(join(folder, "listener-spool-c.left.jsonl"), line("left"));
  writeFileSync(join(folder, "listener-spool-d.jsonl"), line("lives"));
  const mine = leftovers();
  assert.deepEqual((await idsOf(mine)).sort(), ["died", "left", "older version"]);
  assert.deepEqual(await idsOf(mine), []);
  await mine.settle();
  assert.deepEqual(names(), ["listener-spool-d.jsonl", "something-else.jsonl"]);
  // And as soon as it falls silent, or its time is none.
  for (const at of [Date.now() - 6_000, Date.now() + 3_600_000]) {
    writeFileSync(join(folder, "listener-spool-d.jsonl"), line("lives"));
    utimesSync(join(folder, "listener-spool-d.jsonl"), at / 1_000, at / 1_000);
    assert.deepEqual(await idsOf(mine), ["lives"]);
  }
});

test("of two who see it one takes it; what is taken and not settled is kept up, and given back", async (t) => {
  const { folder, leftovers, put, names } = open(t);
  put("listener-spool-a.left.jsonl", line("left"));
  const [one, two] = [leftovers("one"), leftovers("two")];
  const both = await Promise.all([idsOf(one), idsOf(two)]);
  assert.deepEqual(both.flat(), ["left"]);
  const [taker, other] = both[0]?.length === 1 ? [one, two] : [two, one];
  const [name = ""] = names();
  const old = new Date(Date.now() - 60_000);
  utimesSync(join(folder, name), old, old);
  await taker.touch();
  assert.deepEqual(await idsOf(other), []);
  await taker.leave();
  assert.deepEqual(await idsOf(other), ["left"]);
});

test("of a file that is cut off what can be read is taken up; the file is put aside and told of", async (t) => {
  const { folder, leftovers, put, names, log } = open(t);
  const text = line("whole") + line("cut off").slice(0, 50);
  put("listener-spool-a.jsonl", text);
  put("listener-spool-b.jsonl", "\0".repeat(4_096));
  mkdirSync(join(folder, "listener-spool-c.left.jsonl"));
  const mine = leftovers();
  assert.deepEqual(await idsOf(mine), ["whole"]);
  await mine.settle();
  assert.equal(log.length, 3);
  for (const each of log) assert.match(each, /put aside/);
  assert.equal(names().length, 3);
  for (const name of names()) assert.match(name, /^listener-spool-me\.taken-\d\.jsonl\.unreadable$/);
  assert.ok(names().some((name) => readIfFile(join(folder, name)) === text));
  assert.deepEqual(await idsOf(leftovers("next")), []);
});

const readIfFile = (path: string) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};

test("a file of another owner is put aside, and what cannot even be that is told of once", async (t) => {
  const { folder, leftovers, put, names, log } = open(t);
  put("listener-spool-a.left.jsonl", line("a"));
  const file = join(folder, "listener-spool-a.left.jsonl");
  chmodSync(file, 0o000);
  // Root may read everything, so it becomes somebody else.
  const { geteuid, seteuid } = process;
  const root = geteuid?.() === 0 && seteuid !== undefined;
  if (root) {
    chownSync(folder, ANOTHER_USER, ANOTHER_USER);
    seteuid(ANOTHER_USER);
  }
  try {
    chmodSync(folder, 0o500);
    const mine = leftovers();
    for (let look = 0; look < 2; look += 1) assert.deepEqual(await idsOf(mine), []);
    assert.equal(log.length, 1);
    assert.match(log[0] ?? "", /neither be taken up nor put aside/);
    chmodSync(folder, 0o700);
    assert.deepEqual(await idsOf(leftovers("next")), []);
    assert.equal(log.length, 2);
    assert.match(log[1] ?? "", /EACCES.*put aside/);
    assert.deepEqual(names(), ["listener-spool-next.taken-1.jsonl.unreadable"]);
  } finally {
    if (root) seteuid(0);
  }
});

test("without a folder, or with one that is gone, there is nothing", async (t) => {
  const { folder, leftovers } = open(t);
  const logger = createLogger({ service: "test", level: "fatal", secrets: [] });
  assert.deepEqual(await idsOf(new Leftovers({ folder: undefined, id: "me", logger })), []);
  rmSync(folder, { recursive: true });
  assert.deepEqual(await idsOf(leftovers()), []);
  assert.ok(!existsSync(folder));
  mkdirSync(folder);
});
