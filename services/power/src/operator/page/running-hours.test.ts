import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstanceState } from "@gpu-power-manager/shared/events";
import type { HistoryPage } from "@gpu-power-manager/shared/history-page";
import fc from "fast-check";
import { spansOf, timeIn } from "./running-hours.ts";

const change = (at: number, from: InstanceState, to: InstanceState): HistoryPage["entries"][number] => ({
  sequence: at + 1,
  at: new Date(at).toISOString(),
  entry: { kind: "state", pool: "default", instance: "gpu-1", at, from, to, reason: "observed" },
});
const seen = (state: InstanceState, at: number) => ({
  id: "gpu-1",
  state,
  observedAt: new Date(at).toISOString(),
});

test("what ran before the first change, and what runs on, are counted; what is unknown since the last look is not", () => {
  const entries = [
    change(60, "starting", "running"),
    change(20, "running", "stopping"),
    change(40, "stopped", "starting"),
  ];
  const spans = spansOf(entries, seen("running", 100), 0, 100);
  assert.equal(timeIn(spans, "running", 0, 100), 20 + 40);
  assert.equal(timeIn(spans, "running", 10, 70), 10 + 10);
  const blind = spansOf(entries, seen("unknown", 80), 0, 100);
  assert.equal(timeIn(blind, "running", 0, 100), 20 + 20);
  assert.equal(timeIn(blind, "unknown", 0, 100), 20);
  assert.deepEqual(spansOf([], seen("stopped", 50), 0, 50), [{ state: "stopped", from: 0, to: 50 }]);
});

test("what nobody saw counts for no state, though it was running before and after", () => {
  const entries = [change(30, "running", "unknown"), change(70, "unknown", "running")];
  const spans = spansOf(entries, seen("running", 100), 0, 100);
  assert.equal(timeIn(spans, "running", 0, 100), 60);
  assert.equal(timeIn(spans, "unknown", 0, 100), 40);
});

test("spans fill the stretch without a break or an overlap, whatever history holds", () => {
  const state = fc.constantFrom<InstanceState>("unknown", "stopped", "starting", "running", "stopping");
  const changes = fc.array(fc.record({ at: fc.nat(1_000), from: state, to: state }), { maxLength: 20 });
  fc.assert(
    fc.property(changes, state, fc.nat(1_000), (all, now, looked) => {
      const entries = all.map(({ at, from, to }) => change(at, from, to));
      const spans = spansOf(entries, seen(now, looked), 100, 1_000);
      assert.equal(spans[0]?.from, 100);
      assert.equal(spans.at(-1)?.to, 1_000);
      for (const [index, span] of spans.entries()) {
        assert.ok(span.from < span.to);
        if (index > 0) assert.equal(span.from, spans[index - 1]?.to);
      }
    }),
  );
});
