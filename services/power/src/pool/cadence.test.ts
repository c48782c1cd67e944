import assert from "node:assert/strict";
import { test } from "node:test";
import { pauseBetweenLooks } from "./cadence.ts";
import type { InstanceView } from "./decide/snapshot.ts";
import { instance } from "./decide/snapshot-for-tests.ts";
import { Policy } from "./pool.ts";

const policy = Policy.parse({});
const view = (state: InstanceView["state"], attempt: InstanceView["attempt"] = null) =>
  instance({ state, attempt });

const CASES: Array<[string, InstanceView[], number, number]> = [
  ["off", [view("stopped")], 0, 30_000],
  ["on", [view("stopped"), view("running")], 0, 15_000],
  ["starting", [view("running"), view("starting")], 0, 1_000],
  ["an attempt under way", [view("stopped", { action: "start", at: 1 })], 0, 1_000],
  ["off, the third trouble in a row", [view("stopped")], 3, 240_000],
  ["off, trouble for hours", [view("stopped")], 400, 300_000],
  ["starting, trouble for long", [view("starting")], 400, 15_000],
];

for (const [what, instances, troubles, pause] of CASES) {
  test(`the pause between looks: ${what}`, () => {
    assert.equal(pauseBetweenLooks(instances, policy, troubles, 0.5), pause);
    assert.ok(pauseBetweenLooks(instances, policy, troubles, 0) >= pause * 0.9 - 1e-6);
    assert.ok(pauseBetweenLooks(instances, policy, troubles, 1) <= pause * 1.1 + 1e-6);
  });
}
