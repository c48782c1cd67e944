import assert from "node:assert/strict";
import { test } from "node:test";
import { hashKey } from "@gpu-power-manager/shared/license";
import { isActiveTask, type PendingJob, PendingList } from "./pending.ts";

function readPending(list: string, raw: string): PendingJob | undefined {
  return new PendingList(list).read(Buffer.from(raw));
}

test("the three kinds of entries that the gateway writes", () => {
  const submitted = readPending(
    "K1",
    '{"type":"gpu.job.submit","task_type":"heygem_submit","request_id":"r1","key":"K1","sender_fd":2,"payload":[]}',
  );
  assert.partialDeepStrictEqual(submitted, {
    type: "gpu.job.submit",
    taskType: "heygem_submit",
    requestId: "r1",
    keyHash: hashKey("K1"),
    overHttp: false,
  });
  const video = readPending(
    "K1",
    '{"type":"chatglm_video","content":"hi","key":"K1","request_id":"v1","sender_fd":2}',
  );
  assert.partialDeepStrictEqual(video, { type: "chatglm_video", requestId: "v1", overHttp: false });
  const link = readPending("K1", '{"type":"url","url":"https:\\/\\/example.com\\/1","key":"K1"}');
  assert.partialDeepStrictEqual(link, { type: "url", requestId: undefined, overHttp: false });
});

test("a controller's job has its request's id and no sender", () => {
  const raw = '{"type":"gpu.job.submit","task_type":"t","request_id":"h0","key":"K1","payload":[]}';
  assert.equal(readPending("K1", raw)?.overHttp, true);
});

test("the list tells the license where the entry does not, but the global list tells none", () => {
  assert.equal(readPending("K7", '{"type":"url"}')?.keyHash, hashKey("K7"));
  assert.equal(readPending("__global__", '{"type":"url"}')?.keyHash, undefined);
});

test("equal entries of two lists are two jobs", () => {
  const raw = '{"type":"url","url":"u"}';
  assert.notEqual(readPending("K1", raw)?.hash, readPending("K2", raw)?.hash);
});

test("a job with a large payload is read like one without, and so is a task", () => {
  const [start, rest] = [
    '{"type":"gpu.job.submit","payload":',
    ',"task_type":"t","request_id":"r1","key":"K1","sender_fd":2}',
  ];
  const payload = JSON.stringify({ video: '\\"'.repeat(50_000), list: [{ type: "url" }, "}]"], 长: "视频" });
  const { hash: _, ...small } = readPending("K1", `${start}[]${rest}`) ?? assert.fail();
  const { hash: __, ...large } = readPending("K1", `${start}${payload}${rest}`) ?? assert.fail();
  assert.deepEqual(large, small);
  assert.equal(readPending("K1", `${start}${payload}`), undefined, "cut off");
  const task = Buffer.from(JSON.stringify({ start_time: 5, request_id: "r".repeat(50_000) }));
  assert.equal(isActiveTask(task, 604), true);
  assert.equal(isActiveTask(task, 606), false);
});

test("what cannot be understood is no job", () => {
  for (const raw of ["", "x", "[]", "null", '{"type":"other"}', '{"type":5}']) {
    assert.equal(readPending("K1", raw), undefined, raw);
  }
});

test("a task is active for 600 s, and one that cannot be read may be", () => {
  const NOW_S = 1_800_000_000;
  const task = (age: number) =>
    Buffer.from(JSON.stringify({ task_type: "t", status: "queued", start_time: NOW_S - age }));
  assert.equal(isActiveTask(task(0), NOW_S), true);
  assert.equal(isActiveTask(task(599), NOW_S), true);
  assert.equal(isActiveTask(task(600), NOW_S), false);
  assert.equal(isActiveTask(Buffer.from("x"), NOW_S), true);
});
