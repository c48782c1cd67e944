import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { EVENT_LOOP_BEAT_MS, processRegistry } from "./registry.ts";

/** Wide enough for what the test's own runner does meanwhile; the library's 10 ms would be 200 turns. */
const TURNS = 60;
const SECONDS = 2;

test("measuring the event loop does not keep a resting process awake", async () => {
  const registry = processRegistry("default");
  const turns = () => performance.nodeTiming.uvMetricsInfo.loopCount;
  const before = turns();
  await pause(SECONDS * 1_000);
  const taken = turns() - before;
  assert.ok(taken < TURNS, `${taken} turns of the event loop in ${SECONDS} s`);
  const [, lag] = /^nodejs_eventloop_lag_p50_seconds\S* (\S+)$/m.exec(await registry.metrics()) ?? [];
  assert.ok(Number(lag) >= (EVENT_LOOP_BEAT_MS / 1_000) * 0.9, `it is measured all the same: ${lag}`);
});
