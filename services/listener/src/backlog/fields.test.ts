import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pickFields } from "./fields.ts";

const NAMES = new Set(["type", "key", "sender_fd"]);
const pick = (text: string) => pickFields(Buffer.from(text), NAMES);

test("what is picked, what becomes null, and what is no object", () => {
  const long = "x".repeat(3_000);
  const cases: Array<readonly [text: string, picked: string | undefined]> = [
    ["{}", "{}"],
    [' {\n "type" : "url" , "payload" : {"type":"no"} }\n', '{"type":"url"}'],
    ['{"payload":[[{"a":"]"}],"\\"}"],"key":"K\\"1","sender_fd":2}', '{"key":"K\\"1","sender_fd":2}'],
    [`{"type":"${long}","key":{"a":1},"sender_fd":[1]}`, '{"type":null,"key":null,"sender_fd":null}'],
    ['{"key":true,"type":-1.5e3}', '{"key":true,"type":-1.5e3}'],
    ['{"key":"许可"}', '{"key":"许可"}'],
    ['{"key":"a","key":"b"}', '{"key":"b"}'],
    ["", undefined],
    ["[]", undefined],
    ['"type"', undefined],
    ['{"type"', undefined],
    ['{"type":', undefined],
    ['{"type":}', undefined],
    ['{"type":"url', undefined],
    ['{"type":"url"', undefined],
    ['{"payload":{"type":"url"}', undefined],
    ['{"payload":"\\', undefined],
    ["{type:1}", undefined],
  ];
  const json = (text: string | undefined): unknown => (text === undefined ? text : JSON.parse(text));
  for (const [text, picked] of cases) assert.deepEqual(json(pick(text)), json(picked), text);
});

test("property: of any JSON object the members are picked as JSON itself would read them", () => {
  const scalar = fc.oneof(fc.string({ unit: "grapheme" }), fc.integer(), fc.boolean(), fc.constant(null));
  const member = fc.oneof(scalar, fc.jsonValue());
  const names = fc.constantFrom("type", "key", "sender_fd", "payload", "content", "a");
  fc.assert(
    fc.property(fc.array(fc.tuple(names, member)), fc.nat(3), (members, indent) => {
      const whole = Object.fromEntries(members);
      const picked: unknown = JSON.parse(pick(JSON.stringify(whole, undefined, indent)) ?? "");
      const expected = Object.entries<unknown>(JSON.parse(JSON.stringify(whole)))
        .filter(([name]) => NAMES.has(name))
        .map(([name, value]) => [name, typeof value === "object" ? null : value]);
      assert.deepEqual(picked, Object.fromEntries(expected));
    }),
    { numRuns: 500 },
  );
});

test("property: whatever bytes come, it ends, and in time that grows as they do", () => {
  const hostile = fc.constantFrom('{"a":', '{"', '\\"', "\\", '"', "[", "{", "}", "]", ",", ":", " ");
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 60 }), (pieces) => {
      pick(pieces.join(""));
      pick(`{"a":${pieces.join("")}`);
    }),
    { numRuns: 1_000 },
  );
  const millisecondsFor = (length: number) => {
    const text = Buffer.from(`{"a":"${'\\"'.repeat(length)}`);
    const began = performance.now();
    pickFields(text, NAMES);
    return performance.now() - began;
  };
  millisecondsFor(100_000);
  const [few, many] = [millisecondsFor(250_000), millisecondsFor(2_500_000)];
  assert.ok(many < 100 * Math.max(few, 0.1), `${few} ms, ten times as much in ${many} ms`);
});
