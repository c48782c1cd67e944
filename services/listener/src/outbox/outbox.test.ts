import assert from "node:assert/strict";
import { test } from "node:test";
import type { GatewayEvent } from "@gpu-power-manager/shared/events";
import fc from "fast-check";
import { noticeOf } from "../gateway/notices.ts";
import { Outbox, type Outgoing } from "./outbox.ts";

let serial = 0;
function outgoing(kind: "job" | "boot" | "status_query" | "task_active", at = 1): Outgoing {
  serial += 1;
  const stamp = { eventId: `e${serial}`, pool: "default", at };
  const meaning =
    kind === "job"
      ? ({ kind, type: "url", taskType: undefined, requestId: undefined, keyHash: undefined } as const)
      : kind === "task_active"
        ? ({ kind, taskType: undefined } as const)
        : ({ kind, requestId: `r${serial}`, sender: "2" } as const);
  const notice = noticeOf(meaning, stamp);
  assert.ok(notice);
  return notice;
}

const jobs = (events: readonly GatewayEvent[]) =>
  events.reduce((sum, event) => sum + (event.kind === "job" ? event.count : 0), 0);

test("events come out in the order in which they went in", () => {
  const outbox = new Outbox(100);
  const given = Array.from({ length: 50 }, () => outgoing("job"));
  for (const each of given) outbox.offer(each);
  assert.deepEqual([outbox.at(0), outbox.at(10), outbox.at(50)], [given[0], given[10], undefined]);
  outbox.take(30);
  assert.equal(outbox.depth, 20);
  assert.deepEqual(outbox.all(), given.slice(30));
});

test("past the limit jobs fold into one that says how many and since when; of questions the newest is kept", () => {
  const outbox = new Outbox(2);
  assert.deepEqual(
    [
      outgoing("job", 1),
      outgoing("job", 2),
      outgoing("job", 3),
      outgoing("job", 4),
      outgoing("status_query"),
      outgoing("status_query"),
    ].map((each) => outbox.offer(each)),
    ["kept", "kept", "kept", "folded", "kept", "dropped"],
  );
  assert.equal(outbox.depth, 4);
  const [, , folded] = outbox.all();
  assert.ok(folded?.event.kind === "job" && folded.event.count === 2 && folded.event.at === 3);
});

test("property: whatever comes and goes, no job is lost, nothing is doubled, and it stays bounded", () => {
  const move = fc.oneof(
    fc.constantFrom("job", "boot", "status_query", "task_active").map((kind) => ({ kind }) as const),
    fc.integer({ min: 1, max: 8 }).map((take) => ({ take }) as const),
  );
  fc.assert(
    fc.property(fc.array(move, { maxLength: 200 }), (moves) => {
      const outbox = new Outbox(10);
      let offered = 0;
      let boots = 0;
      const left: GatewayEvent[] = [];
      for (const each of moves) {
        if ("kind" in each) {
          if (each.kind === "job") offered += 1;
          if (each.kind === "boot") boots += 1;
          outbox.offer(outgoing(each.kind === "job" || each.kind === "boot" ? each.kind : each.kind));
        } else {
          let taken = 0;
          for (let next = outbox.at(0); next !== undefined && taken < each.take; next = outbox.at(taken)) {
            left.push(next.event);
            taken += 1;
          }
          outbox.take(taken);
        }
        assert.ok(outbox.depth <= 10 + 4 + 4);
      }
      left.push(...outbox.all().map(({ event }) => event));
      assert.equal(jobs(left), offered);
      assert.equal(
        left.some((event) => event.kind === "boot"),
        boots > 0,
      );
      assert.equal(new Set(left.map(({ eventId }) => eventId)).size, left.length);
    }),
  );
});

test("the server can tell copies of one request from requests of two licenses", () => {
  const job = (keyHash: string, requestId: string | undefined, eventId: string) =>
    noticeOf(
      { kind: "job", type: "gpu.job.submit", taskType: undefined, requestId, keyHash },
      { eventId, pool: "default", at: 1 },
    )?.messageId;
  assert.equal(job("a", "r1", "e1"), job("a", "r1", "e2"));
  assert.notEqual(job("a", "r1", "e1"), job("b", "r1", "e2"));
  assert.notEqual(job("a", undefined, "e1"), job("a", undefined, "e2"));
});
