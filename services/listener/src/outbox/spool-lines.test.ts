import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { noticeOf } from "../gateway/notices.ts";
import { Outbox, type Outgoing } from "./outbox.ts";
import { jobsOf, lineOf, onceEach, readLine } from "./spool-lines.ts";

function job(eventId: string, requestId?: string): Outgoing {
  const notice = noticeOf(
    { kind: "job", type: "url", taskType: undefined, requestId, keyHash: "k" },
    { eventId, pool: "default", at: 1 },
  );
  assert.ok(notice);
  return notice;
}

const read = (lines: readonly string[]) => lines.flatMap((line) => readLine(line.trimEnd()) ?? []);

test("a line is read as it was written; one that is cut off, or not of this version, is none", () => {
  const line = lineOf(job("e1", "r1"));
  assert.equal(line.at(-1), "\n");
  assert.deepEqual(readLine(line)?.messageId, job("e1", "r1").messageId);
  const bad = [
    line.slice(0, -20),
    "\0\0\0\0",
    "[]",
    '{"version":9}',
    line.replace('"job"', '"from_the_future"'),
    line.replace('"count":1', '"count":"1"'),
  ];
  for (const text of bad) assert.equal(readLine(text), undefined, text);
});

test("one event is taken once, whatever lies in files twice, and not when it is in line already", () => {
  const [first, second] = [job("e1"), job("e2")];
  assert.deepEqual(onceEach([first, second, first]), [first, second]);
  assert.deepEqual(onceEach([first, second], [first]), [second]);
  // Two listeners heard one notice.
  assert.deepEqual(onceEach([job("e1", "r1"), job("e2", "r1")]).length, 1);
  assert.deepEqual(onceEach([job("e2", "r1")], [job("e1", "r1")]), []);
});

test("property: the lines of an outbox at several moments, in any order, hold as many jobs as the last of them", () => {
  const numbers = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(numbers, fc.boolean(), (arrivals, backwards) => {
      const outbox = new Outbox(5);
      let serial = 0;
      const lines: string[] = [];
      for (const count of arrivals) {
        for (let each = 0; each < count; each += 1) outbox.offer(job(`e${++serial}`, `r${serial}`));
        lines.push(...outbox.all().map(lineOf));
      }
      const found = onceEach(read(backwards ? lines.reverse() : lines));
      assert.equal(jobsOf(found), serial);
      assert.deepEqual(
        found.map(({ messageId }) => messageId).sort(),
        outbox
          .all()
          .map(({ messageId }) => messageId)
          .sort(),
      );
      assert.deepEqual(
        onceEach(
          found,
          outbox.all().map((each) => read([lineOf(each)])[0] ?? each),
        ),
        [],
      );
    }),
  );
});
