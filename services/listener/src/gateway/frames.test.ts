import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { hashKey } from "@gpu-power-manager/shared/license";
import fc from "fast-check";
import { z } from "zod";
import { type Meaning, readFrame as readBytes, sampleOf } from "./frames.ts";

const LIMIT = 1_048_576;
const readFrame = (raw: string) => readBytes(Buffer.from(raw), false, LIMIT);

const Line = z.object({ actor: z.string(), event: z.string(), frame: z.unknown().optional() });
const recorded = readFileSync(new URL("../../../../tests/data/dsp-transcript.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => Line.parse(JSON.parse(line)))
  .filter(({ actor, event }) => actor.startsWith("monitor") && event === "receives")
  .map(({ frame }) => JSON.stringify(frame));

test("every frame that the real gateway sent to a monitor is understood", () => {
  assert.ok(recorded.length >= 15);
  const kinds = recorded.map((raw) => {
    const frame = readFrame(raw);
    assert.ok(frame.ok, raw);
    assert.notEqual(frame.meaning.kind, "other", raw);
    assert.equal(frame.type, JSON.parse(raw).type);
    return frame.meaning.kind;
  });
  const count = (kind: Meaning["kind"]) => kinds.filter((each) => each === kind).length;
  const notices = recorded.filter((raw) =>
    /"type":"(url|chatglm_video|gpu\.job\.submit|gpu_task)"/.test(raw),
  );
  assert.equal(count("job"), notices.length);
  assert.deepEqual(
    [count("boot"), count("status_query"), count("task_active"), count("registered")],
    [3, 1, 1, 2],
  );
});

function meaningOf(raw: string): Meaning {
  const frame = readFrame(raw);
  assert.ok(frame.ok, raw);
  return frame.meaning;
}

test("a job carries its type, request and license, the license only as a hash", () => {
  assert.deepEqual(meaningOf('{"type":"gpu.job.submit","task_type":"t","key":"K1","request_id":"r1"}'), {
    kind: "job",
    type: "gpu.job.submit",
    taskType: "t",
    requestId: "r1",
    keyHash: hashKey("K1"),
  });
  assert.ok(!JSON.stringify(meaningOf('{"type":"url","key":"LICENSE-1"}')).includes("LICENSE-1"));
});

test("property: whatever else is wrong with it, a job is a job", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("url", "chatglm_video", "gpu.job.submit", "gpu_task"),
      fc.record({
        task_type: fc.anything(),
        key: fc.anything(),
        request_id: fc.anything(),
        data: fc.anything(),
      }),
      (type, rest) => {
        let raw: string;
        try {
          raw = JSON.stringify({ ...rest, type });
        } catch {
          return;
        }
        const frame = readFrame(raw);
        assert.ok(frame.ok && frame.meaning.kind === "job" && frame.meaning.type === type);
      },
    ),
  );
});

test("property: no text makes it throw or reach into a prototype", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (raw) => {
      readFrame(raw);
    }),
  );
  readFrame('{"type":"nope","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
  assert.equal(Object.getOwnPropertyDescriptor(Object.prototype, "polluted"), undefined);
});

const REJECTED: Array<[string, string]> = [
  ["<html>502</html>", "not_json"],
  ["", "not_json"],
  ["[1]", "not_an_object"],
  ["null", "not_an_object"],
  ['"gpu.job.submit"', "not_an_object"],
  ["{}", "no_type"],
  ['{"type":5}', "wrong_shape"],
];
for (const [raw, reason] of REJECTED) {
  test(`a frame that is no frame is counted with its reason: ${raw || "(empty)"}`, () => {
    const frame = readFrame(raw);
    assert.ok(!frame.ok && frame.reason === reason);
  });
}

test("binary and oversized frames are refused before they are parsed", () => {
  assert.partialDeepStrictEqual(readBytes(Buffer.from([0, 1]), true, LIMIT), { ok: false, reason: "binary" });
  const huge = Buffer.from(`{"type":"url","key":"${"x".repeat(LIMIT)}"}`);
  const refused = readBytes(huge, false, LIMIT);
  assert.ok(!refused.ok && refused.reason === "too_large" && refused.sample().length <= 200);
});

const LONG = "x".repeat(5_000);
test("of a long frame only the type is read: a job is a job, and what cannot be read may have said busy", () => {
  for (const raw of [
    `{"type":"gpu.job.submit","task_type":"${LONG}","key":"K1"}`,
    `{"key":"${LONG}","type":"url"}`,
  ]) {
    const frame = readFrame(raw);
    assert.ok(frame.ok && frame.meaning.kind === "job" && frame.meaning.keyHash === undefined, raw);
    assert.ok(frame.dropped.includes("task_type"));
  }
  const answer = readFrame(`{"type":"gpu.task.query.response","active_count":0,"x":"${LONG}"}`);
  assert.ok(answer.ok && answer.meaning.kind === "task_query_response" && answer.meaning.active);
  const online = readFrame(`{"type":"gpu.power.online","x":"${LONG}","data":{"source":"worker"}}`);
  assert.ok(online.ok && online.meaning.kind === "online" && !online.meaning.worker);
});

test("a long frame that does not name its type at either end is refused, whatever it holds", () => {
  for (const raw of [
    LONG,
    `{"key":"${LONG}","type":"url","task_type":"${LONG}"}`,
    `{"type":"nope\\",\\"type\\":\\"url\\"","key":"${LONG}"}`,
    `{"key":"${LONG}","data":{"a":1,"type":"url"}}`,
    `{"type":"other","key":"${LONG},\\"type\\":\\"url"}`,
  ]) {
    const frame = readFrame(raw);
    assert.ok(!frame.ok || frame.meaning.kind === "other", raw.slice(0, 40));
  }
});

test("a field that cannot be used is dropped and named, the job stays", () => {
  const frame = readFrame(
    `{"type":"gpu.job.submit","task_type":["x"],"request_id":"${"r".repeat(300)}","key":7}`,
  );
  assert.ok(frame.ok && frame.meaning.kind === "job");
  assert.deepEqual([...frame.dropped].sort(), ["request_id", "task_type"]);
  assert.equal(frame.meaning.keyHash, hashKey("7"));
});

test("an unknown type is no rejection and no label of its own", () => {
  const frame = readFrame('{"type":"gpu.new.thing"}');
  assert.ok(frame.ok && frame.type === "other" && frame.meaning.kind === "other");
});

test("an answer about tasks that cannot be read counts as work", () => {
  const active = (fields: object) =>
    meaningOf(JSON.stringify({ type: "gpu.task.query.response", ...fields }));
  assert.ok("active" in active({}) && active({}).kind === "task_query_response");
  for (const [fields, expected] of [
    [{}, true],
    [{ active_count: "x", has_recent_active: "y" }, true],
    [{ active_count: 0, has_recent_active: false }, false],
    [{ active_count: 0 }, false],
    [{ active_count: 2, has_recent_active: false }, true],
    [{ active_count: 0, has_recent_active: true }, true],
  ] as const) {
    const meaning = active(fields);
    assert.ok(meaning.kind === "task_query_response" && meaning.active === expected, JSON.stringify(fields));
  }
});

test("only the gateway's word about a worker proves a worker", () => {
  assert.deepEqual(meaningOf('{"type":"gpu.power.online","data":{"source":"worker"}}'), {
    kind: "online",
    worker: true,
  });
  assert.deepEqual(meaningOf('{"type":"gpu.power.online","data":{"from":"gpu_monitor"}}'), {
    kind: "online",
    worker: false,
  });
});

test("a sample for the log is short and holds no license key", () => {
  const sample = sampleOf(
    `{"type":5,"key":"LICENSE-123","token": "abc\\"def","padding":"${"x".repeat(900)}"`,
  );
  assert.ok(sample.length <= 200);
  assert.ok(!sample.includes("LICENSE-123") && !sample.includes("abc") && !sample.includes("def"));
});

/** Pieces that make a pattern, a parser or a hash table work hard, repeated and strung together. */
const hostile = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        ...[
          "a",
          "key",
          "token",
          "key=",
          "key :",
          'key":"',
          "\\",
          '\\"',
          '"',
          "'",
          " ",
          "\n",
          "=",
          "&",
          "}",
          "界",
          "\0",
        ],
        ...[
          "[",
          '{"a":',
          "[{",
          ',"key":1',
          ',"__proto__":{}',
          "1",
          "-",
          "\\u00e9",
          '"type":"url",',
          "cookie'",
        ],
      ),
      fc.nat({ max: 900 }),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .chain((pieces) => {
    const text = pieces.map(([piece, count]) => piece.repeat(count)).join("");
    const inside = JSON.stringify(text);
    return fc.constantFrom(
      text,
      `{"type":"gpu.job.submit","task_type":${inside},"key":"K1"}`,
      `{"type":5,${inside}:${inside}}`,
      `{"type":"gpu.power.boot","request_id":${text}}`,
    );
  });

/** The quickest of some runs, because whatever else the machine does only makes one slower. Microseconds. */
function costOf(run: () => void): number {
  let quickest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 40; round += 1) {
    const began = performance.now();
    run();
    quickest = Math.min(quickest, performance.now() - began);
  }
  return quickest * 1_000;
}

test("property: no text costs more than 50 µs to read, nor to be shown in the log", () => {
  fc.assert(
    fc.property(hostile, (raw) => {
      const data = Buffer.from(raw);
      const reading = costOf(() => readBytes(data, false, LIMIT));
      assert.ok(reading <= 50, `${reading} µs to read ${data.length} bytes`);
      const showing = costOf(() => readBytes(data, false, LIMIT).sample()) - reading;
      assert.ok(showing <= 50, `${showing} µs to show ${data.length} bytes`);
    }),
    { numRuns: 300 },
  );
});
