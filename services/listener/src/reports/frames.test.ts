import assert from "node:assert/strict";
import { test } from "node:test";
import type { Report } from "@gpu-power-manager/shared/events";
import { frameOf, isExpired } from "./frames.ts";

const base = { pool: "default", at: 1_000_000, reportId: "x" };

test("reports become the frames of the gateway's protocol", () => {
  const status: Report = { ...base, kind: "status", status: "running", requestId: "q1", fresh: true };
  assert.deepEqual(frameOf(status, "booted"), {
    type: "gpu.status.response",
    status: "running",
    request_id: "q1",
    source: "gpu_monitor",
    fresh: true,
  });
  const booted: Report = { ...base, kind: "booted", instance: "gpu-1", requestId: "b1" };
  assert.deepEqual(
    [frameOf(booted, "booted").type, frameOf(booted, "booted").status],
    ["gpu.power.booted", "booted"],
  );
  assert.deepEqual(
    [frameOf(booted, "online").type, frameOf(booted, "online").status],
    ["gpu.power.online", "running"],
  );
  assert.deepEqual(frameOf({ ...base, kind: "boot_result", requestId: "b1", message: "no" }, "booted"), {
    type: "gpu.power.boot.result",
    request_id: "b1",
    success: false,
    status: "failed",
    msg: "no",
  });
  assert.deepEqual(frameOf({ ...base, kind: "task_query", requestId: "t" }, "booted"), {
    type: "gpu.task.query",
    request_id: "t",
  });
});

test("an old answer about the state is not said, everything else waits", () => {
  const status: Report = { ...base, kind: "status", status: "running", requestId: "q1", fresh: true };
  assert.equal(isExpired(status, base.at + 30_000), false);
  assert.equal(isExpired(status, base.at + 30_001), true);
  assert.equal(isExpired({ ...base, kind: "booted", instance: "gpu-1" }, base.at + 3_000_000), false);
  assert.equal(
    isExpired({ ...base, kind: "boot_result", requestId: "b", message: "" }, base.at + 3_000_000),
    false,
  );
});
