/** The outbox on a real disk. */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createLogger } from "@gpu-power-manager/shared/logger";
import fc from "fast-check";
import { noticeOf } from "../gateway/notices.ts";
import { Outbox, type Outgoing } from "./outbox.ts";
import { Spool } from "./spool.ts";
import { jobsOf, onceEach, readLine } from "./spool-lines.ts";

const logger = createLogger({ service: "test", level: "fatal", secrets: [] });
const LIMIT = 10;

let serial = 0;
function outgoing(kind: "job" | "status_query" = "job"): Outgoing {
  serial += 1;
  const stamp = { eventId: `e${serial}`, pool: "default", at: serial };
  const meaning =
    kind === "job"
      ? ({ kind, type: "url", taskType: undefined, requestId: undefined, keyHash: undefined } as const)
      : ({ kind, requestId: `r${serial}`, sender: "2" } as const);
  const notice = noticeOf(meaning, stamp);
  assert.ok(notice);
  return notice;
}

const ids = (events: readonly Outgoing[]) => events.map(({ messageId }) => messageId);

function open(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "gpm-spool-"));
  const outbox = new Outbox(LIMIT);
  const spool = new Spool({ folder, id: "me", outbox, logger });
  const path = join(folder, "listener-spool-me.jsonl");
  const end = async () => {
    await spool.look(true);
    await spool.leave();
    rmSync(folder, { recursive: true });
  };
  t.after(end);
  return {
    folder,
    outbox,
    spool,
    path,
    /** What whoever comes next would take up. */
    kept: () =>
      onceEach(
        (existsSync(path) ? readFileSync(path, "utf8").split("\n") : []).flatMap(
          (line) => readLine(line) ?? [],
        ),
      ),
    lines: () => readFileSync(path, "utf8").split("\n").length - 1,
  };
}

test("while NATS takes events there is no file; what waited at the last look makes one, and it goes with them", async (t) => {
  const { folder, outbox, spool, kept } = open(t);
  for (let second = 0; second < 3; second += 1) {
    outbox.offer(outgoing());
    await spool.look();
    outbox.take(1);
  }
  assert.deepEqual(readdirSync(folder), []);
  const waiting = [outgoing(), outgoing()];
  for (const each of waiting) outbox.offer(each);
  await spool.look();
  assert.deepEqual([readdirSync(folder), spool.events, spool.unkept], [[], 0, 0]);
  await spool.look();
  assert.deepEqual(ids(kept()), ids(waiting));
  assert.deepEqual([spool.events, spool.unkept], [2, 0]);
  outbox.take(2);
  outbox.offer(outgoing());
  await spool.look();
  assert.deepEqual([readdirSync(folder), spool.events], [[], 0]);
});

test("the file grows by what came, and is written anew when NATS took of it or folding has filled it", async (t) => {
  const { outbox, spool, kept, lines } = open(t);
  for (let count = 0; count < 5; count += 1) outbox.offer(outgoing());
  await spool.look(true);
  outbox.offer(outgoing());
  await spool.look(true);
  assert.equal(lines(), 6);
  outbox.take(4);
  outbox.offer(outgoing());
  await spool.look(true);
  assert.equal(lines(), 3);
  for (let count = 0; count < 400; count += 1) {
    outbox.offer(outgoing());
    await spool.look(true);
  }
  assert.ok(lines() <= 230, `${lines()} lines for ${outbox.depth} events`);
  assert.deepEqual(ids(kept()), ids(outbox.all()));
});

test("a file that another took, or somebody deleted, is written anew", async (t) => {
  const { folder, outbox, spool, kept, path } = open(t);
  outbox.offer(outgoing());
  await spool.look(true);
  renameSync(path, `${path}.taken`);
  await spool.look(true);
  assert.deepEqual(ids(kept()), ids(outbox.all()));
  rmSync(folder, { recursive: true });
  outbox.offer(outgoing());
  await spool.look(true);
  assert.deepEqual(ids(kept()), ids(outbox.all()));
});

test("what is left at the end lies under a name that says so; where nothing is left, nothing lies there", async (t) => {
  const { folder, outbox, spool } = open(t);
  await spool.leave();
  outbox.offer(outgoing());
  await spool.look(true);
  await spool.leave();
  assert.deepEqual(readdirSync(folder), ["listener-spool-me.left.jsonl"]);
});

test("a folder that cannot be written is told of once, and used as soon as it can be", async (t) => {
  const { folder, outbox } = open(t);
  const lines: string[] = [];
  const told = createLogger({
    service: "test",
    level: "info",
    secrets: [],
    destination: { write: (line) => lines.push(line) },
  });
  // A file where the folder should be.
  const blocked = join(folder, "blocked");
  const spool = new Spool({ folder: join(blocked, "state"), id: "me", outbox, logger: told });
  writeFileSync(blocked, "");
  outbox.offer(outgoing());
  for (let look = 0; look < 3; look += 1) await spool.look(true);
  assert.deepEqual([spool.events, spool.unkept, lines.length], [0, 1, 1]);
  assert.match(lines[0] ?? "", /ENOTDIR.*cannot be written to STATE_DIR/);
  rmSync(blocked);
  await spool.look(true);
  assert.deepEqual([spool.events, spool.unkept], [1, 0]);
  await spool.leave();
});

test("property: whatever comes and goes, what lies on disk after a look is what waits", async (t) => {
  const move = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("job", "status_query").map((offer) => ({ offer }) as const) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 15 }).map((take) => ({ take }) as const) },
    { weight: 2, arbitrary: fc.boolean().map((all) => ({ all }) as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(move, { maxLength: 60, size: "max" }), async (moves) => {
      const { outbox, spool, kept } = open(t);
      let waited: readonly Outgoing[] = [];
      for (const each of moves) {
        if ("offer" in each) outbox.offer(outgoing(each.offer));
        else if ("take" in each) outbox.take(Math.min(each.take, outbox.lined));
        else {
          await spool.look(each.all);
          const now = outbox.all();
          const onDisk = kept();
          // Nothing that was there at the look before is only in memory.
          const wanted = each.all ? now : now.filter((one) => waited.includes(one));
          for (const { messageId } of wanted) assert.ok(ids(onDisk).includes(messageId));
          // Of questions, those that gave way to newer ones may still be there; no job is there twice.
          if (each.all) assert.equal(jobsOf(onDisk), jobsOf(now));
          waited = now;
        }
      }
    }),
    { numRuns: 150 },
  );
});
