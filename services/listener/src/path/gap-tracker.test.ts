import assert from "node:assert/strict";
import { test } from "node:test";
import { GapTracker } from "./gap-tracker.ts";

const NOW = 1_800_000_000_000;

test("a gap begins with the last proof, not when it is noticed", () => {
  const tracker = new GapTracker();
  assert.equal(tracker.update(undefined, NOW, NOW), undefined);
  tracker.update("probe_failing", NOW, NOW - 30_000);
  assert.equal(tracker.openSince, NOW - 30_000);
  assert.equal(tracker.seconds("probe_failing", NOW + 5_000), 35);
});

test("what follows from the first cause is part of the same gap, its seconds are not", () => {
  const tracker = new GapTracker();
  tracker.update("probe_failing", NOW, NOW - 1_000);
  tracker.update("disconnected", NOW + 2_000, NOW - 1_000);
  tracker.update("unregistered", NOW + 5_000, NOW - 1_000);
  const gap = tracker.update(undefined, NOW + 6_000, NOW - 1_000);
  assert.deepEqual(gap, { from: NOW - 1_000, to: NOW + 6_000, cause: "probe_failing" });
  assert.equal(tracker.seconds("probe_failing", NOW + 60_000), 3);
  assert.equal(tracker.seconds("disconnected", NOW + 60_000), 3);
  assert.equal(tracker.seconds("unregistered", NOW + 60_000), 1);
  assert.deepEqual(
    [tracker.gaps("probe_failing"), tracker.gaps("disconnected"), tracker.openSince],
    [1, 0, null],
  );
});

test("a gap that nobody was there to see is counted afterwards", () => {
  const tracker = new GapTracker();
  tracker.note({ from: NOW - 60_000, to: NOW, cause: "listener_down" });
  assert.equal(tracker.seconds("listener_down", NOW), 60);
  assert.equal(tracker.gaps("listener_down"), 1);
});
