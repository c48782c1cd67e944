import assert from "node:assert/strict";
import { test } from "node:test";
import { RecentIds } from "./recent-ids.ts";

test("another message under an id is a copy, the same one delivered anew is none", () => {
  const ids = new RecentIds(1_000, 10);
  assert.equal(ids.isCopy("a", 1, 0), false);
  assert.equal(ids.isCopy("a", 1, 10), false);
  assert.equal(ids.isCopy("a", 2, 20), true);
  assert.equal(ids.isCopy("a", 2, 30), true);
  assert.equal(ids.isCopy("b", 3, 40), false);
});

test("an id that is used again later is something new", () => {
  const ids = new RecentIds(1_000, 10);
  assert.equal(ids.isCopy("a", 1, 0), false);
  assert.equal(ids.isCopy("a", 2, 1_000), false);
  assert.equal(ids.isCopy("a", 3, 1_500), true);
});

test("of more than it may remember the oldest are forgotten", () => {
  const ids = new RecentIds(1_000, 2);
  for (const [sequence, id] of ["a", "b", "c"].entries()) assert.equal(ids.isCopy(id, sequence, 0), false);
  assert.equal(ids.isCopy("c", 10, 1), true);
  assert.equal(ids.isCopy("b", 11, 1), true);
  assert.equal(ids.isCopy("a", 12, 1), false);
});
