import assert from "node:assert/strict";
import { test } from "node:test";
import { dayOf, dayStart, PERIODS, periodAt } from "./periods.ts";

test("days, weeks and months begin at midnight of the zone, also on days of 23 and 25 hours", () => {
  const iso = (at: number) => new Date(at).toISOString();
  const at = (text: string) => Date.parse(text);
  assert.equal(iso(dayStart("Asia/Shanghai", at("2026-11-24T17:30:00Z"))), "2026-11-24T16:00:00.000Z");
  // Berlin: an hour less on 29 March 2026, an hour more on 25 October.
  assert.equal(iso(dayStart("Europe/Berlin", at("2026-03-29T10:00:00Z"))), "2026-03-28T23:00:00.000Z");
  assert.equal(iso(dayStart("Europe/Berlin", at("2026-10-25T10:00:00Z"))), "2026-10-24T22:00:00.000Z");
  const shown = (zone: string, time: string) =>
    PERIODS.map((period) => {
      const { from, until } = periodAt(zone, period, at(time));
      return [iso(from), iso(until)];
    });
  assert.deepEqual(shown("Asia/Shanghai", "2026-11-25T01:00:00Z"), [
    ["2026-11-24T16:00:00.000Z", "2026-11-25T16:00:00.000Z"],
    ["2026-11-22T16:00:00.000Z", "2026-11-29T16:00:00.000Z"],
    ["2026-10-31T16:00:00.000Z", "2026-11-30T16:00:00.000Z"],
  ]);
  assert.deepEqual(shown("Europe/Berlin", "2026-10-25T10:00:00Z"), [
    ["2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"],
    ["2026-10-18T22:00:00.000Z", "2026-10-25T23:00:00.000Z"],
    ["2026-09-30T22:00:00.000Z", "2026-10-31T23:00:00.000Z"],
  ]);
  assert.equal(dayOf("Asia/Shanghai", at("2026-11-24T17:30:00Z")), "2026-11-25");
});
