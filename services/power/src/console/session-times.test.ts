import assert from "node:assert/strict";
import { test } from "node:test";
import { endOf } from "./session-times.ts";

const cookies = [
  { name: "session", expires: 1_900_000_000 },
  { name: "csrf", expires: 1_800_000_000 },
  { name: "advert", expires: 1_700_000_000 },
  { name: "window", expires: -1 },
];

for (const [what, state, names, wanted] of [
  ["the one that is named", { cookies }, ["session"], 1_900_000_000_000],
  ["the first of those that are named", { cookies }, ["session", "csrf"], 1_800_000_000_000],
  ["none is named, so nothing is guessed from the others", { cookies }, [], null],
  ["it ends with the browser", { cookies }, ["window"], null],
  ["it is not there", { cookies }, ["gone"], null],
  ["no storage state", "rubbish", ["session"], null],
] as const)
  test(`the session's end by its cookies: ${what}`, () => assert.equal(endOf(state, names), wanted));
