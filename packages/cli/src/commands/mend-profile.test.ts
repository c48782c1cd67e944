import assert from "node:assert/strict";
import { test } from "node:test";
import { differingLines } from "./mend-profile.ts";

for (const [what, before, after, shown] of [
  ["nothing", "a\nb\n", "a\nb\n", []],
  ["one line", "a\nb\nc\n", "a\nx\nc\n", ["@@ 2", "-b", "+x"]],
  ["a part that is longer", "a\nb\nc\n", "a\nx\ny\nc\n", ["@@ 2", "-b", "+x", "+y"]],
  ["lines that are there twice", "a\na\n", "a\na\na\n", ["@@ 3", "+a"]],
  ["a part that is gone", "a\nb\n", "a\n", ["@@ 2", "-b"]],
] as const) {
  test(`a difference is shown without what is the same: ${what}`, () => {
    assert.deepEqual(differingLines(before, after), shown);
  });
}
