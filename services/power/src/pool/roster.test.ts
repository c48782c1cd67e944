import assert from "node:assert/strict";
import { test } from "node:test";
import { type Known, rosterOf } from "./roster.ts";

const machine = (id: string, providerId: string) => ({ id, providerId, priority: 1, currency: "CNY" });
const known = (id: string, providerId: string, on = true): Known => ({ id, providerId, on });

const CASES: Array<{
  what: string;
  file: ReturnType<typeof machine>[];
  known: Known[];
  /** Names in the file, each with the name that its machine had before. */
  listed: Array<[string, string | undefined]>;
  forgotten: string[];
}> = [
  {
    what: "nothing has changed",
    file: [machine("a", "u1"), machine("b", "u2")],
    known: [known("a", "u1"), known("b", "u2", false)],
    listed: [
      ["a", "a"],
      ["b", "b"],
    ],
    forgotten: [],
  },
  {
    what: "one that is on is taken out",
    file: [machine("b", "u2")],
    known: [known("a", "u1"), known("b", "u2")],
    listed: [["b", "b"]],
    forgotten: ["a"],
  },
  {
    what: "one that is off is taken out",
    file: [machine("b", "u2")],
    known: [known("a", "u1", false), known("b", "u2")],
    listed: [["b", "b"]],
    forgotten: [],
  },
  {
    what: "its name is given to another machine",
    file: [machine("a", "u3:x")],
    known: [known("a", "u1:x")],
    listed: [["a", undefined]],
    forgotten: ["a_u1-x"],
  },
  {
    what: "it gets another name",
    file: [machine("z", "u1")],
    known: [known("a", "u1")],
    listed: [["z", "a"]],
    forgotten: [],
  },
  {
    what: "two change names",
    file: [machine("a", "u2"), machine("b", "u1")],
    known: [known("a", "u1"), known("b", "u2")],
    listed: [
      ["a", "b"],
      ["b", "a"],
    ],
    forgotten: [],
  },
  {
    what: "an older record of the same machine, under the name before",
    file: [machine("b", "u1")],
    known: [known("a", "u1"), known("b", "u1")],
    listed: [["b", "b"]],
    forgotten: [],
  },
  {
    what: "one that was forgotten is listed again",
    file: [machine("a", "u1")],
    known: [known("a_u1", "u1")],
    listed: [["a", "a_u1"]],
    forgotten: [],
  },
];

for (const { what, file, known: before, listed, forgotten } of CASES) {
  test(`roster: ${what}`, () => {
    const roster = rosterOf(file, before);
    assert.deepEqual(
      roster.listed.map(({ instance, known: found }) => [instance.id, found?.id]),
      listed,
    );
    assert.deepEqual(
      roster.forgotten.map(({ id }) => id),
      forgotten,
    );
  });
}

test("a name beside another is a token, and nobody else's", () => {
  const long = "x".repeat(64);
  const taken = [machine(long, "u2"), machine("a", "u3"), machine("a_u1", "u4")];
  const names = rosterOf(taken, [known(long, "u1"), known("a", "u1")]).forgotten.map(({ id }) => id);
  assert.deepEqual(names, [`${long.slice(0, 63)}_`, "a_u1_"]);
});
