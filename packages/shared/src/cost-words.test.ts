import assert from "node:assert/strict";
import { test } from "node:test";
import { costWords } from "./cost-words.ts";

const COSTS = { cost: 3.76, unpricedSeconds: 0, offCost: null, pricePerHour: null, currency: "CNY" };
const CASES: ReadonlyArray<readonly [object, string, string]> = [
  [{}, "3.76 CNY", "3.76 CNY"],
  [
    { cost: null, unpricedSeconds: 60 },
    "its cost is unknown: nobody told its price",
    "费用未知：没有价格信息",
  ],
  [
    { unpricedSeconds: 7_200 },
    "3.76 CNY and what 2 h 0 m cost of which the price is unknown",
    "3.76 CNY，另有 2 h 0 m 价格未知",
  ],
  [
    { offCost: 0.4, pricePerHour: 1.88 },
    "3.76 CNY, while off 0.40 CNY (now 1.88 an hour)",
    "3.76 CNY，关机期间 0.40 CNY（当前每小时 1.88）",
  ],
];
for (const [changes, en, zh] of CASES) {
  test(`what a machine has cost: ${en}`, () => {
    assert.deepEqual(costWords({ ...COSTS, ...changes }), { en, zh });
  });
}
