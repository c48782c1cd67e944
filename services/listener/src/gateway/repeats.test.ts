import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Repeats } from "./repeats.ts";

test("a question in one breath with its like is a copy; a little later, or from another connection, it is another", () => {
  const repeats = new Repeats();
  assert.equal(repeats.idOfAsk("query 3 1", "a", 0), "a");
  assert.equal(repeats.idOfAsk("query 3 1", "b", 1_999), "a");
  assert.equal(repeats.idOfAsk("query 4 1", "c", 1_999), "c");
  assert.equal(repeats.idOfAsk("query 3 1", "d", 2_000), "d");
  repeats.connectedAnew();
  assert.equal(repeats.idOfAsk("query 3 1", "e", 2_001), "e");
});

test("somebody who asks each second is answered at least every other second", () => {
  const repeats = new Repeats();
  const ids = Array.from({ length: 10 }, (_, index) => repeats.idOfAsk("query", `${index}`, index * 1_000));
  assert.deepEqual(ids, ["0", "0", "2", "2", "4", "4", "6", "6", "8", "8"]);
});

test("a job that comes again under its request's name within a minute is a copy, later another job", () => {
  const repeats = new Repeats();
  assert.equal(repeats.idOfJob("r", 0), "r");
  assert.equal(repeats.idOfJob("r", 59_999), "r");
  assert.equal(repeats.idOfJob("r", 60_000), "r-2");
  assert.equal(repeats.idOfJob("r", 100_000), "r-2");
  repeats.connectedAnew();
  assert.equal(repeats.idOfJob("r", 119_999), "r-2", "its name does not hang on the connection");
  assert.equal(repeats.idOfJob("r", 120_000), "r-3");
  assert.equal(repeats.idOfJob("s", 120_000), "s");
});

test("property: under one id there is never what came two seconds apart, nor what two connections asked", () => {
  const ask = fc.record({
    who: fc.constantFrom("2", "3"),
    pause: fc.nat({ max: 3_000 }),
    anew: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(ask, { maxLength: 60 }), (asks) => {
      const repeats = new Repeats();
      const first = new Map<string, { who: string; at: number; connection: number }>();
      let now = 0;
      let connection = 0;
      for (const [index, { who, pause, anew }] of asks.entries()) {
        now += pause;
        if (anew) {
          connection += 1;
          repeats.connectedAnew();
        }
        const id = repeats.idOfAsk(`query ${who} 1`, `${index}`, now);
        const known = first.get(id);
        if (known === undefined) first.set(id, { who, at: now, connection });
        else assert.ok(known.who === who && now - known.at < 2_000 && known.connection === connection);
      }
    }),
  );
});

test("a flood of ids is forgotten, the oldest first", () => {
  const repeats = new Repeats();
  for (let index = 0; index <= 10_000; index += 1) repeats.idOfAsk(`query ${index}`, `${index}`, 0);
  assert.equal(repeats.idOfAsk("query 10000", "x", 1), "10000");
  assert.equal(repeats.idOfAsk("query 0", "y", 1), "y");
});
