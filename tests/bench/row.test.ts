import assert from "node:assert/strict";
import { test } from "node:test";
import { faultOf, faultsOf, isMet, type Row } from "./row.ts";

const row = (changes: Partial<Row>): Row => ({
  id: "notice",
  what: { en: "", zh: "" },
  unit: "ms",
  ours: 3,
  ...changes,
});

test("a target is met or not; the short form fails on twice the ratio, and on nothing absolute", () => {
  const cases: ReadonlyArray<readonly [string, Partial<Row>, boolean | undefined, boolean]> = [
    ["no target", { ratio: 9 }, undefined, false],
    ["at most, met", { ratio: 1.5, target: { of: "ratio", atMost: 1.5 } }, true, false],
    ["at most, missed", { ratio: 2.9, target: { of: "ratio", atMost: 1.5 } }, false, false],
    ["at most, far off", { ratio: 3.1, target: { of: "ratio", atMost: 1.5 } }, false, true],
    ["at least, met", { ratio: 0.9, target: { of: "ratio", atLeast: 0.9 } }, true, false],
    ["at least, missed", { ratio: 0.5, target: { of: "ratio", atLeast: 0.9 } }, false, false],
    ["at least, far off", { ratio: 0.4, target: { of: "ratio", atLeast: 0.9 } }, false, true],
    ["not a number is no excuse", { ratio: Number.NaN, target: { of: "ratio", atMost: 1 } }, false, true],
    ["absolute", { ours: 900, target: { of: "ours", atMost: 10 } }, false, false],
  ];
  for (const [name, changes, met, fails] of cases) {
    assert.equal(isMet(row(changes)), met, name);
    assert.equal(faultOf(row(changes)) !== undefined, fails, name);
  }
});

test("a scenario is slow when the same figure is, every time it is measured", () => {
  const slow = { ratio: 4, target: { of: "ratio", atMost: 1.5 } } as const;
  const notice = row(slow);
  const other = row({ ...slow, id: "other" });
  const quick = row({ ...slow, ratio: 1.2 });
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<readonly Row[]>, number]> = [
    ["once", [[notice, other]], 2],
    ["both times", [[notice], [notice]], 1],
    ["only at first", [[notice], [quick]], 0],
    ["only at last", [[quick], [notice]], 0],
    ["another each time", [[notice], [other]], 0],
  ];
  for (const [name, tries, faults] of cases) assert.equal(faultsOf(tries).length, faults, name);
});
