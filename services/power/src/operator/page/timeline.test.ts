import assert from "node:assert/strict";
import { test } from "node:test";
import type { Happening, HistoryPage } from "@gpu-power-manager/shared/history-page";
import type { PowerStatus } from "@gpu-power-manager/shared/status";
import { timeline, timelineTable } from "./timeline.ts";

const TO = Date.parse("2026-11-25T12:00:00.000Z");
const FROM = TO - 24 * 3_600_000;
const MINUTE = 60_000;
const speech = { language: "en" as const, say: (en: string) => en, zone: "UTC" };

const happened = (entry: Happening, sequence = 1): HistoryPage["entries"][number] => ({
  sequence,
  at: new Date(TO).toISOString(),
  entry,
});
const served = (at: number, oldestMs: number, jobs: number) =>
  happened({ kind: "served", pool: "default", instance: "gpu-1", at, jobs, oldestMs });

const demand: PowerStatus["demand"] = {
  waitingJobs: 0,
  oldestWaitingAt: null,
  bootRequests: 0,
  lastJobAt: null,
  lastActivityAt: null,
  counts: {},
};
function drawn(recent: HistoryPage["entries"], waiting: Partial<PowerStatus["demand"]> = {}) {
  const status = { instances: [], demand: { ...demand, ...waiting } };
  return timeline({ entries: [], begins: FROM }, status, recent, { from: FROM, to: TO }, speech);
}

test("jobs that waited are drawn from the oldest until a machine ran, within what is shown", () => {
  const early = served(FROM + MINUTE, 5 * MINUTE, 1);
  const { waits } = drawn([early, served(TO - 60 * MINUTE, 2 * MINUTE, 3)]);
  assert.deepEqual(waits, [
    { from: FROM, to: FROM + MINUTE, words: "1 job waited" },
    { from: TO - 62 * MINUTE, to: TO - 60 * MINUTE, words: "3 jobs waited" },
  ]);
});

test("jobs that wait now are drawn until now; the table says the same", () => {
  const since = new Date(TO - 3 * MINUTE).toISOString();
  const now = drawn([], { waitingJobs: 2, oldestWaitingAt: since });
  assert.deepEqual(now.waits, [{ from: TO - 3 * MINUTE, to: TO, words: "2 jobs wait" }]);
  assert.match(timelineTable(now, speech).text, /<td>jobs<\/td><td>2 jobs wait<\/td><td>3 min<\/td>/);
  assert.deepEqual(drawn([]).waits, []);
});
