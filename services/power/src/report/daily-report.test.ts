/** A day's figures: right where all is known, null with a reason where something is not, and made once a day. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dayReportLines } from "@gpu-power-manager/shared/day-report-words";
import type { ReportEntry } from "@gpu-power-manager/shared/history-entries";
import type { Happening } from "@gpu-power-manager/shared/history-page";
import { createLogger } from "@gpu-power-manager/shared/logger";
import fc from "fast-check";
import { busOn } from "../../../../tests/harness/bus.ts";
import { startNats } from "../../../../tests/harness/servers.ts";
import { noSpending } from "../policy/budget.ts";
import { Pool } from "../pool/pool.ts";
import { type DayFacts, dailyReport } from "./daily-report.ts";
import { Reporter } from "./reporter.ts";

const HOUR = 3_600_000;
const FROM = Date.parse("2026-11-24T00:00:00Z");
const TO = FROM + 24 * HOUR;
const on = { pool: "default", instance: "gpu-1" };
const MACHINE = {
  id: "gpu-1",
  state: "stopped",
  observedAt: new Date(TO + HOUR).toISOString(),
  pricePerHour: 2,
  currency: "CNY",
} as const;
const entriesOf = (entries: readonly Happening[]): DayFacts["entries"] =>
  entries.map((entry, index) => ({ sequence: index + 1, at: new Date(FROM).toISOString(), entry }));
const facts = (entries: readonly Happening[], more: Partial<DayFacts> = {}): DayFacts => ({
  day: "2026-11-24",
  from: FROM,
  to: TO,
  entries: entriesOf(entries),
  historyBegins: FROM - 1,
  machines: [MACHINE],
  desiredRunning: 1,
  spending: { ...noSpending(FROM - 1), days: { "2026-11-24": { spent: 6.1, unpricedMs: 0 } } },
  jobs: 12,
  now: TO + HOUR,
  ...more,
});
const state = (hour: number, from: "stopped" | "running", to: "stopped" | "running"): Happening => ({
  kind: "state",
  ...on,
  at: FROM + hour * HOUR,
  from,
  to,
  reason: "observed",
});
const served = (hour: number, seconds: number): Happening => ({
  kind: "served",
  ...on,
  at: FROM + hour * HOUR,
  jobs: 1,
  oldestMs: seconds * 1_000,
});
const gap = (hour: number, recovered: number | null, covered = false): Happening => ({
  kind: "gap",
  pool: "default",
  listener: "l",
  from: FROM + hour * HOUR - 60_000,
  to: FROM + hour * HOUR,
  cause: "disconnected",
  covered,
  recovered,
});
const start = (hour: number, reason: string): Happening => ({
  kind: "intent",
  ...on,
  at: FROM + hour * HOUR,
  attemptId: `a${hour}`,
  action: "start",
  reason,
});
const DAY = [
  start(1, "jobs_pending"),
  state(1, "stopped", "running"),
  served(1.1, 90),
  state(3, "running", "stopped"),
  start(20, "needed"),
  state(20, "stopped", "running"),
  served(20.1, 150),
  served(20.2, 60),
  gap(5, 2),
  gap(6, null, true),
  state(25, "running", "stopped"),
  start(25, "jobs_pending"),
  served(25, 900),
];

test("hours, cost, waiting, starts, gaps and savings of a day, and nothing of the next one", () => {
  assert.deepEqual(dailyReport(facts(DAY)), {
    day: "2026-11-24",
    hours: [{ instance: "gpu-1", running: 6, unknown: 0 }],
    cost: 6.1,
    currency: "CNY",
    alwaysOnCost: 48,
    saved: 41.9,
    jobs: 12,
    waited: { times: 3, medianSeconds: 90, worstSeconds: 150 },
    starts: { jobs_pending: 1, needed: 1 },
    failedStarts: 0,
    gaps: { count: 1, seconds: 60, missedAndRecovered: 2 },
    unknown: [],
  });
});

for (const [what, more, path, reason] of [
  ["a gap whose backlog could not be read", { entries: entriesOf([gap(5, null)]) }, "gaps", /missed jobs/],
  ["history that begins at noon", { historyBegins: FROM + 12 * HOUR }, null, /history begins/],
  [
    "a price that nobody knew",
    { spending: { ...noSpending(0), days: { "2026-11-24": { spent: 1, unpricedMs: 1 } } } },
    "cost",
    /no price/,
  ],
  ["counting that began at noon", { spending: noSpending(FROM + 12 * HOUR) }, "cost", /not counted/],
  [
    "two currencies",
    { machines: [MACHINE, { ...MACHINE, id: "gpu-2", currency: "USD" }] },
    "cost",
    /currencies/,
  ],
  ["no price for always on", { machines: [{ ...MACHINE, pricePerHour: null }] }, "saved", /savings/],
  ["a power that was down at midnight", { jobs: null }, "jobs", /jobs/],
] as const)
  test(`${what} is told as unknown, never as 0`, () => {
    const report = dailyReport(facts([], more));
    assert.match(report.unknown.join("; "), reason);
    if (path === "gaps") assert.equal(report.gaps.missedAndRecovered, null);
    else if (path !== null) assert.equal(report[path], null);
    assert.ok(dayReportLines(report, (en) => en).some((line) => line.includes("unknown")));
    assert.ok(dayReportLines(report, (_, zh) => zh).every((line) => /\p{Script=Han}/u.test(line)));
  });

test("property: hours of a machine are never more than the day has, and known and unknown add up with the rest", () => {
  const change = fc.record({
    at: fc.integer({ min: 0, max: 30 * 60 }),
    to: fc.constantFrom("running" as const, "stopped" as const, "unknown" as const, "starting" as const),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
      const sorted = [...changes].sort((a, b) => a.at - b.at);
      const entries = sorted.map(
        ({ at, to }, index): Happening => ({
          kind: "state",
          ...on,
          at: FROM + at * 60_000,
          from: sorted[index - 1]?.to ?? "stopped",
          to,
          reason: "observed",
        }),
      );
      const [hours] = dailyReport(facts(entries)).hours;
      assert.ok(hours !== undefined && hours.running >= 0 && hours.running + hours.unknown <= 24.01);
    }),
  );
});

test("the report is made once, after its hour, by whichever power acts; jobs are counted from midnight to midnight", async (t) => {
  const nats = await startNats();
  const bus = await busOn(nats);
  t.after(async () => {
    await bus.close();
    await nats.stop();
  });
  const pool = Pool.parse({
    pool: "default",
    profile: "demo",
    instances: [{ id: "gpu-1", providerId: "uhost-1", pricePerHour: 2 }],
    policy: { timeZone: "Asia/Shanghai", dailyReport: "08:00" },
  });
  const clock = { now: Date.parse("2026-11-23T16:00:20Z"), jobs: 100 };
  const made: ReportEntry[] = [];
  const open = async () =>
    await Reporter.open({
      bus,
      pool: () => pool,
      spending: () => noSpending(0),
      machines: () => [MACHINE],
      jobs: () => clock.jobs,
      outbound: { day: (entry) => void made.push(entry) },
      mayAct: () => true,
      now: () => clock.now,
      logger: createLogger({ service: "test", level: "fatal", secrets: [] }),
    });
  let reporter = await open();
  await reporter.look();
  clock.jobs = 107;
  clock.now = Date.parse("2026-11-24T16:00:10Z");
  await reporter.look();
  assert.equal(made.length, 0, "its hour has not come");
  clock.jobs = 110;
  clock.now = Date.parse("2026-11-25T00:00:30Z");
  reporter = await open();
  await reporter.look();
  await reporter.look();
  reporter = await open();
  await reporter.look();
  assert.deepEqual(
    made.map(({ day, jobs }) => [day, jobs]),
    [["2026-11-24", 7]],
  );
  clock.now = Date.parse("2026-11-26T05:00:00Z");
  await reporter.look();
  assert.deepEqual(made.at(-1)?.day, "2026-11-25", "a power that was down at midnight reports all the same");
  assert.equal(made.at(-1)?.jobs, null);
});
