import assert from "node:assert/strict";
import { test } from "node:test";
import type { HistoryPage } from "@gpu-power-manager/shared/api";
import type { InstanceState } from "@gpu-power-manager/shared/events";
import fc from "fast-check";
import { dayStart, periods } from "./language.ts";
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

test("days, weeks and months begin at midnight of the zone, also on days of 23 and 25 hours", () => {
  const iso = (at: number) => new Date(at).toISOString();
  const at = (text: string) => Date.parse(text);
  assert.equal(iso(dayStart("Asia/Shanghai", at("2026-11-24T17:30:00Z"))), "2026-11-24T16:00:00.000Z");
  // Berlin: an hour less on 29 March 2026, an hour more on 25 October.
  assert.equal(iso(dayStart("Europe/Berlin", at("2026-03-29T10:00:00Z"))), "2026-03-28T23:00:00.000Z");
  assert.equal(iso(dayStart("Europe/Berlin", at("2026-10-25T10:00:00Z"))), "2026-10-24T22:00:00.000Z");
  const { today, week, month } = periods("Asia/Shanghai", at("2026-11-25T01:00:00Z"));
  assert.deepEqual([today, week, month].map(iso), [
    "2026-11-24T16:00:00.000Z",
    "2026-11-22T16:00:00.000Z",
    "2026-10-31T16:00:00.000Z",
  ]);
});
