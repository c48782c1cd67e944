import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Facts } from "../../console/driver.ts";
import { Policy } from "../pool.ts";
import { afterLook } from "./after-look.ts";
import { NO_LOOKS } from "./looks.ts";
import { InstanceRecord, newRecord } from "./record.ts";
import { withoutFuture, withRunPriced, writeOff } from "./running-time.ts";
import { cost, offCost, pricesOf, unpricedMs } from "./spending.ts";

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const policy = Policy.parse({});
const BARE = { currency: "CNY" };

type State = "running" | "stopped" | "stopping";
/** State, minutes since NOW, and what the provider tells then. */
type Seen = readonly [State, number, Partial<Facts>?];

function walk(
  looks: readonly Seen[],
  machine: { readonly currency: string; readonly pricePerHour?: number } = BARE,
  record = newRecord({ providerId: "u" }),
) {
  let last = { record, looks: NO_LOOKS };
  for (const [state, minutes, told] of looks) {
    const at = NOW + minutes * MINUTE;
    const facts = told === undefined ? null : { askedAt: at, currency: "CNY", ...told };
    const look = { sighting: { state }, askedAt: at, answeredAt: at, compared: false, facts };
    last = afterLook(last.record, last.looks, look, policy, machine, false);
  }
  return last;
}
const about = (actual: number | null, wanted: number, words?: string) =>
  assert.ok(actual !== null && Math.abs(actual - wanted) < 1e-9, words ?? `${actual} is not ${wanted}`);

const at6 = { pricePerHour: 6 };
const at12 = { pricePerHour: 12 };
const CASES: ReadonlyArray<{
  readonly what: string;
  readonly looks: readonly Seen[];
  readonly machine?: { readonly currency: string; readonly pricePerHour?: number };
  /** Null: unknown. */
  readonly cost: number | null;
  readonly unpricedMinutes?: number;
}> = [
  {
    what: "the provider's price",
    looks: [
      ["running", 0, at6],
      ["running", 30, at6],
    ],
    cost: 3,
  },
  {
    what: "a price that changes between looks: each stretch at its own",
    looks: [
      ["running", 0, at6],
      ["running", 30, at6],
      ["running", 60, at12],
      ["stopped", 65, at12],
    ],
    cost: 3 + 6 + 1,
  },
  {
    what: "the pool file wins",
    looks: [
      ["running", 0, at6],
      ["running", 30, at6],
    ],
    machine: { currency: "CNY", pricePerHour: 60 },
    cost: 30,
  },
  {
    what: "the pool file says that it is free",
    looks: [
      ["running", 0, at6],
      ["running", 30, at6],
    ],
    machine: { currency: "CNY", pricePerHour: 0 },
    cost: 0,
  },
  {
    what: "nobody knows the price: no cost, and not 0",
    looks: [
      ["running", 0, {}],
      ["running", 30, {}],
    ],
    cost: null,
    unpricedMinutes: 30,
  },
  {
    what: "a price in another currency is none",
    looks: [
      ["running", 0, at6],
      ["running", 30, at6],
    ],
    machine: { currency: "USD" },
    cost: null,
    unpricedMinutes: 30,
  },
  {
    what: "an answer that leaves the price out: the one before holds",
    looks: [
      ["running", 0, at6],
      ["running", 10, {}],
      ["running", 20],
    ],
    cost: 2,
  },
  {
    what: "a price that was told long ago is none any more",
    looks: [
      ["running", 0, at6],
      ["running", 300, {}],
      ["running", 420, {}],
    ],
    cost: 30,
    unpricedMinutes: 120,
  },
  {
    what: "a price that is told late",
    looks: [
      ["running", 0, {}],
      ["running", 30, {}],
      ["running", 60, at6],
    ],
    cost: 3,
    unpricedMinutes: 30,
  },
  {
    what: "a machine that never ran",
    looks: [
      ["stopped", 0, at6],
      ["stopped", 60, at6],
    ],
    cost: 0,
  },
];
for (const { what, looks, machine, cost: wanted, unpricedMinutes = 0 } of CASES) {
  test(`cost: ${what}`, () => {
    const { record } = walk(looks, machine);
    if (wanted === null) assert.equal(cost(record), null);
    else about(cost(record), wanted);
    assert.equal(unpricedMs(record), unpricedMinutes * MINUTE);
  });
}

test("what it costs while it is off is counted by itself, in steps, until it is off no more", () => {
  const off = { offPricePerHour: 0.6 };
  assert.equal(offCost(newRecord({ providerId: "u" })), null, "nobody has seen it off");
  const short = walk([
    ["stopped", 0, off],
    ["stopped", 4, off],
  ]).record;
  assert.equal(short.off.until, NOW, "its record is not written with every look");
  about(
    offCost(
      walk([
        ["stopped", 0, off],
        ["stopped", 4, off],
        ["stopped", 10, off],
      ]).record,
    ),
    0.1,
  );
  const { record } = walk([
    ["stopped", 0, off],
    ["stopped", 60, off],
    ["running", 61, at6],
    ["running", 71, at6],
  ]);
  about(offCost(record), 0.61, "up to when it was seen on");
  about(cost(record), 1);
  assert.equal(record.off.until, null);
  assert.equal(
    offCost(
      walk([
        ["stopped", 0, {}],
        ["stopped", 60, {}],
      ]).record,
    ),
    null,
    "unknown is not 0",
  );
});

test("what has been counted stays when power restarts, a record is older, a clock goes back or the machine is gone", () => {
  const { record } = walk([
    ["running", 0, at6],
    ["running", 30, at6],
  ]);
  const kept = InstanceRecord.parse(JSON.parse(JSON.stringify(record)));
  about(cost(walk([["running", 40, at12]], BARE, kept).record), 3 + 2);
  about(cost(writeOff(kept)), 3);
  const back = withoutFuture(kept, NOW - HOUR, HOUR);
  about(cost(back), 3);
  about(cost(walk([["running", 0, at6]], BARE, back).record), 3 + 6, "and goes on from now");
  const {
    run: _run,
    off: _off,
    unpricedMs: _unpriced,
    ...older
  } = { ...kept, terms: { pricePerHour: 1, currency: "CNY" } };
  about(cost(withRunPriced(InstanceRecord.parse(older))), 0.5, "an older power priced it at its end");
});

test("property: costs never fall, and all the time that it ran is priced or said not to be", () => {
  const seen = fc.record({
    state: fc.constantFrom<State>("running", "stopped", "stopping"),
    minutes: fc.integer({ min: 0, max: 500 }),
    price: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(seen, { maxLength: 40 }), (steps) => {
      let minutes = 0;
      let last = { record: newRecord({ providerId: "u" }), looks: NO_LOOKS };
      let paid = 0;
      let off = 0;
      for (const { state, minutes: more, price } of steps) {
        minutes += more;
        const at = NOW + minutes * MINUTE;
        const told = price === undefined ? {} : { pricePerHour: price, offPricePerHour: price };
        const facts = { askedAt: at, currency: "CNY", ...told };
        const look = { sighting: { state }, askedAt: at, answeredAt: at, compared: false, facts };
        last = afterLook(last.record, last.looks, look, policy, BARE, false);
        assert.ok((cost(last.record) ?? 0) >= paid && (offCost(last.record) ?? 0) >= off);
        paid = cost(last.record) ?? paid;
        off = offCost(last.record) ?? off;
        assert.ok(paid <= (minutes / 60) * 9 + 1e-9);
      }
    }),
  );
});

test("what an hour costs now", () => {
  const price = { perHour: 2, at: NOW, currency: "CNY" };
  const looks = { price, offPrice: { ...price, perHour: 0.1 } };
  assert.deepEqual(pricesOf(BARE, looks, NOW + HOUR), { running: 2, off: 0.1 });
  assert.deepEqual(pricesOf({ ...BARE, pricePerHour: 5 }, looks, NOW + HOUR), { running: 5, off: 0.1 });
  assert.deepEqual(pricesOf(BARE, looks, NOW + 7 * HOUR), { running: null, off: null });
  const unnamed = { ...price, currency: null };
  assert.deepEqual(pricesOf(BARE, { price: unnamed, offPrice: null }, NOW), { running: null, off: null });
});
