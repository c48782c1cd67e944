/** What the pool file may ask beside limits: schedules, budgets, an idle time that learns, on a real power. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { HistoryPage } from "@gpu-power-manager/shared/history-page";
import { ScheduleAhead, WhatIf } from "@gpu-power-manager/shared/policy-views";
import { Why } from "@gpu-power-manager/shared/why";
import { parse, stringify } from "yaml";
import { until } from "../harness/process.ts";
import { type Stack, startStack } from "../harness/stack.ts";

/** Writes other policies into the pool file, which power takes up by itself. */
async function setPolicy(stack: Stack, policy: Record<string, unknown>): Promise<void> {
  const pool = parse(await readFile(stack.poolFile, "utf8"));
  await writeFile(stack.poolFile, stringify({ ...pool, policy: { ...pool.policy, ...policy } }));
}

const allDay = { from: "0 0 * * *", until: "24:00" };

test("a schedule keeps the GPU on; in a quiet time it stops, and a job waits; a spent budget does the same; the idle time is learned", async (t) => {
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

  // A budget that a second of running spends.
  await setPolicy(stack, {
    budget: { day: { amount: 0.000_1, whenSpent: "stop_when_idle_at_once" }, month: { amount: 800 } },
  });
  await until("it is spent, and the machine stopped once it is idle", () => stack.state() === "Stopped");
  const history = HistoryPage.parse(await (await stack.api("/history?kind=intent")).json());
  const [last] = history.entries.flatMap(({ entry }) => (entry.kind === "intent" ? [entry] : []));
  assert.equal(`${last?.action} ${last?.reason}`, "stop budget_spent");
  const starts = stack.accepted("start");
  await dsp.submit({ type: "url", key: "K2" });
  await until("a job waits for the next day", () => decided("budget_spent"));
  const client = await dsp.client("K3");
  t.after(() => client.close());
  client.send({ type: "gpu.status.query", request_id: "state-1" });
  await until("who asks for the state hears it", () =>
    dsp.heard.some(({ frame }) => frame.includes("state-1") && frame.includes("budget is spent")),
  );
  client.send({ type: "gpu.power.boot", request_id: "boot-1" });
  await until("and who asks for the machine", () =>
    dsp.heard.some(({ frame }) => frame.includes("boot-1") && frame.includes("budget is spent")),
  );
  const { budgets } = await stack.status();
  assert.deepEqual(
    budgets.map(({ period, currency, left }) => [period, currency, left > 0]),
    [
      ["day", "CNY", false],
      ["month", "CNY", true],
    ],
  );
  assert.equal((await why()).start.find(({ name }) => name === "budget_left")?.holds, false);
  assert.equal(await power.metric('gpu_power_starts_barred{by="budget"}'), 1);
  assert.ok(((await power.metric('gpu_power_budget_spent{period="day",currency="CNY"}')) ?? 0) > 0.000_1);
  // The power that comes after knows what was spent.
  assert.equal(await power.stop(), 0);
  power.start();
  await power.ready();
  await until("the job waits still", () => decided("budget_spent"));
  assert.equal(stack.accepted("start"), starts);
  await setPolicy(stack, { budget: {} });
  await until("without the budget it is served", () => stack.state() === "Running");

  // Two starts for jobs were seen by now, so there is something to learn from.
  await setPolicy(stack, { idleTimeout: "auto", idleTimeoutMin: "1s", idleTimeoutMax: "2h" });
  const idleWords = async () =>
    (await why()).stops[0]?.conditions.find(({ name }) => name === "idle_long_enough")?.value ?? "";
  await until("it is learned, and why says from what", async () =>
    (await idleWords()).includes("learned: a start"),
  );
  const limit = (await power.metric("gpu_power_idle_limit_seconds")) ?? 0;
  const told = WhatIf.parse(await (await stack.api("/whatif?idle=15m&since=1d")).json());
  assert.ok(told.spells > 0 && told.bootSeconds !== null && told.bootSeconds > 0);
  assert.ok(limit <= 6 * told.bootSeconds + 1, "no longer than a start is worth, with nothing saved yet");
  assert.deepEqual(
    told.runs.map(({ idle }) => idle),
    ["auto", "900s", "hindsight"],
  );
  const refused = await stack.api("/whatif?idle=soon");
  assert.equal(refused.status, 400);
});
