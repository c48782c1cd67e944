import assert from "node:assert/strict";
import { test } from "node:test";
import { ScheduleAhead, ScheduleNow } from "@gpu-power-manager/shared/policy-views";
import { describeSchedule, describeScheduleNow } from "./schedule.ts";

const english = (en: string) => en;
const chinese = (_: string, zh: string) => zh;
const now = (changes: Partial<ScheduleNow>) =>
  ScheduleNow.parse({
    timeZone: "Asia/Shanghai",
    keepsOn: false,
    warming: false,
    rule: null,
    quiet: false,
    noStarts: false,
    nextChangeAt: "2026-11-26T01:00:00.000Z",
    ...changes,
  });

test("what holds now, and when it changes by the schedule's own clock", () => {
  assert.equal(
    describeScheduleNow(now({}), english),
    "nothing asked for; next change Thu, 26/11/2026 09:00 (Asia/Shanghai)",
  );
  const office = { rule: "office", keepsOn: true };
  assert.match(describeScheduleNow(now(office), english), /^"office" keeps it on; next change/);
  assert.match(describeScheduleNow(now({ ...office, warming: true }), english), /^"office" begins soon/);
  const night = { rule: "night", quiet: true, noStarts: true };
  assert.match(describeScheduleNow(now(night), english), /^"night": no job starts it/);
  assert.equal(describeScheduleNow(now({ nextChangeAt: null }), chinese), "无要求");
});

test("the next seven days, a day and its windows", () => {
  const schedule = ScheduleAhead.parse({
    at: "2026-11-25T02:00:00.000Z",
    until: "2026-12-02T02:00:00.000Z",
    timeZone: "Asia/Shanghai",
    windows: [
      {
        rule: "office",
        effect: "keepOn",
        from: "2026-11-25T00:50:00.000Z",
        begins: "2026-11-25T01:00:00.000Z",
        until: "2026-11-25T10:00:00.000Z",
        idleTimeoutSeconds: null,
        noStarts: false,
      },
      {
        rule: "night",
        effect: "quiet",
        from: "2026-11-25T14:00:00.000Z",
        begins: "2026-11-25T14:00:00.000Z",
        until: "2026-11-26T00:00:00.000Z",
        idleTimeoutSeconds: 300,
        noStarts: true,
      },
    ],
  });
  assert.deepEqual(describeSchedule(schedule, english), [
    "The next seven days, by the clock of Asia/Shanghai:",
    "Wed, 25/11/2026",
    "  10:00 – 18:00  office: kept on, begins 09:00",
    "  22:00 – 08:00 (Thu, 26/11/2026)  night: stopped after 5 m without work; no job starts it; boot requests, needs and people do",
  ]);
  assert.match(describeSchedule({ ...schedule, windows: [] }, english).join(), /No schedule asks/);
});
