/** What the pool file may ask beside limits: schedules, on a real power. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { ScheduleAhead, Why } from "@gpu-power-manager/shared/api";
import { parse, stringify } from "yaml";
import { until } from "../harness/process.ts";
import { type Stack, startStack } from "../harness/stack.ts";

/** Writes other policies into the pool file, which power takes up by itself. */
async function setPolicy(stack: Stack, policy: Record<string, unknown>): Promise<void> {
  const pool = parse(await readFile(stack.poolFile, "utf8"));
  await writeFile(stack.poolFile, stringify({ ...pool, policy: { ...pool.policy, ...policy } }));
}

const allDay = { from: "0 0 * * *", until: "24:00" };

test("a schedule keeps the GPU on; in a quiet time it stops, and a job waits until that is over", async (t) => {
  const office = { name: "office", effect: "keepOn", ...allDay };
  const stack = await startStack({ policy: { timeZone: "Asia/Shanghai", schedules: [office] } });
  t.after(() => stack.stop());
  const { power, dsp } = stack;
  const why = async () => Why.parse(await (await stack.api("/why")).json());
  const decided = async (reason: string) =>
    (await stack.status()).decisions.some((decision) => decision.reason === reason);

  await until("it runs although no job came", () => stack.state() === "Running");
  await until("it is kept on by the schedule", () => decided("scheduled"));
  const { schedule } = await stack.status();
  assert.equal(schedule?.rule, "office");
  assert.equal(schedule?.keepsOn, true);
  const kept = (await why()).stops[0]?.conditions.find(({ name }) => name === "not_scheduled");
  assert.ok(kept?.holds === false && kept.value.startsWith('by "office" until'));
  assert.equal(await power.metric('gpu_power_schedule{rule="office",effect="keep_on"}'), 1);
  const ahead = ScheduleAhead.parse(await (await stack.api("/schedule")).json());
  assert.ok(ahead.windows.length >= 7 && ahead.timeZone === "Asia/Shanghai");

  const night = { name: "night", effect: "quiet", noStarts: true, idleTimeout: "1s", ...allDay };
  await setPolicy(stack, { schedules: [night] });
  await until("it is stopped", () => stack.state() === "Stopped");
  assert.equal(await power.metric('gpu_power_starts_barred{by="quiet_time"}'), 1);
  await dsp.submit({ type: "url", key: "K1" });
  await until("the job waits for the end of the quiet time", () => decided("quiet_time"));
  assert.equal(stack.accepted("start"), 1);
  const barred = (await why()).start.find(({ name }) => name === "no_quiet_time");
  assert.equal(barred?.holds, false);
  assert.equal((await stack.status()).demand.waitingJobs, 1);

  await setPolicy(stack, { schedules: [] });
  await until("what waited is served once nothing forbids it", () => stack.state() === "Running");
  await until("it is served", async () => (await stack.status()).demand.waitingJobs === 0);
  assert.equal((await stack.status()).schedule, null);
});
