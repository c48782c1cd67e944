import assert from "node:assert/strict";
import { test } from "node:test";
import { Alarm } from "./alarm.ts";

test("a ring ends a sleep at once", async () => {
  const alarm = new Alarm();
  const slept = alarm.sleep(2 ** 40).then(() => "woken");
  alarm.ring();
  assert.equal(await slept, "woken");
});

test("a ring while nobody sleeps ends the next sleep, and only that one", async () => {
  const alarm = new Alarm();
  alarm.ring();
  alarm.ring();
  await alarm.sleep(2 ** 40);
  let woken = false;
  const second = alarm.sleep(2 ** 40).then(() => {
    woken = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(woken, false);
  alarm.ring();
  await second;
});
