import assert from "node:assert/strict";
import { test } from "node:test";
import type { Row } from "./row.ts";
import { cells, figure, markdown } from "./table.ts";

const ROW: Row = {
  id: "burst",
  what: { en: "a burst", zh: "突发" },
  unit: "/s",
  ours: 13_606.4,
  floor: 14_425,
  ratio: 0.94,
  target: { of: "ratio", atLeast: 0.9 },
};

test("figures show what counts", () => {
  assert.deepEqual([0.1234, 12.34, 123.4, 13_606.4].map(figure), ["0.12", "12.3", "123", "13,606"]);
});

test("a row says what is met and what is not, in both languages", () => {
  assert.deepEqual(cells(ROW, "en"), ["14,425/s", "13,606/s", "0.94 ×", "≥ 0.9 ×", "yes"]);
  assert.deepEqual(cells({ ...ROW, ratio: 0.5 }, "zh").at(-1), "**否**");
  const absolute: Row = { ...ROW, unit: "ms", ours: 9.5, target: { of: "ours", atMost: 10 } };
  assert.deepEqual(cells(absolute, "en").slice(3), ["≤ 10.0 ms", "yes"]);
  assert.deepEqual(cells({ id: "x", what: ROW.what, unit: "MB", ours: 5 }, "en"), [
    "",
    "5.00 MB",
    "",
    "",
    "",
  ]);
});

test("every line of a table has as many cells as its head", () => {
  const result = {
    name: "burst",
    isolates: { en: "The listener.", zh: "listener。" },
    at: "2026-11-24T12:00:00.000Z",
    rounds: 5,
    seconds: 9,
    cores: 2,
    load: [1, 2] satisfies [number, number],
    versions: { Node: "24.0.0" },
    rows: [ROW, { id: "x", what: ROW.what, unit: "MB" as const, ours: 5 }],
  };
  for (const language of ["en", "zh"] as const) {
    const lines = markdown(result, language)
      .split("\n")
      .filter((line) => line.startsWith("|"));
    assert.equal(lines.length, 4);
    assert.deepEqual(new Set(lines.map((line) => line.split("|").length)), new Set([8]));
  }
});
