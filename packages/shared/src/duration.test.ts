import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDuration } from "./duration.ts";

for (const [ms, words] of [
  [0, "0 ms"],
  [849.6, "850 ms"],
  [999.6, "1.0 s"],
  [2_449, "2.4 s"],
  [59_940, "59.9 s"],
  [59_990, "1 m"],
  [90_000, "1 m 30 s"],
  [299_990, "5 m"],
  [3_599_800, "1 h 0 m"],
  [11_100_000, "3 h 5 m"],
] as const)
  test(`${ms} ms are read as "${words}"`, () => assert.equal(formatDuration(ms), words));
