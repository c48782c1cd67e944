import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  AWAY_MS,
  EMPTY,
  expire,
  type Floor,
  give,
  IDLE_MS,
  keep,
  present,
  release,
  take,
  touched,
} from "./floor.ts";

const NOW = 1_000_000;
const ANNA = { key: "anna", name: "Anna" };
const BO = { key: "bo", name: "Bo" };
const CY = { key: "cy", name: "Cy" };
const annas = take(EMPTY, ANNA, NOW);
const asked = take(annas, BO, NOW);
const who = ({ holder, asks }: Floor) => [holder?.person.name ?? null, asks?.name ?? null];

for (const [what, floor, wanted] of [
  ["free, it is taken", annas, ["Anna", null]],
  ["held, it is asked for", asked, ["Anna", "Bo"]],
  ["who has it takes it again", take(asked, ANNA, NOW + 1), ["Anna", "Bo"]],
  ["given to who asks", give(asked, ANNA, NOW), ["Bo", null]],
  ["nobody gives what is another's", give(asked, BO, NOW), ["Anna", "Bo"]],
  ["given to nobody it stays", give(annas, ANNA, NOW), ["Anna", null]],
  ["kept from who asks", keep(asked, ANNA), ["Anna", null]],
  ["kept by who does not have it", keep(asked, BO), ["Anna", "Bo"]],
  ["given back while another asks", release(asked, ANNA, NOW), ["Bo", null]],
  ["given back", release(annas, ANNA, NOW), [null, null]],
  ["no longer asked for", release(asked, BO, NOW), ["Anna", null]],
  ["given back by a third", release(asked, CY, NOW), ["Anna", "Bo"]],
  ["idle for not quite ten minutes", expire(annas, NOW + IDLE_MS - 1), ["Anna", null]],
  ["idle for ten minutes", expire(annas, NOW + IDLE_MS), [null, null]],
  ["idle while another asks", expire(asked, NOW + IDLE_MS), ["Bo", null]],
  ["touched meanwhile", expire(touched(annas, ANNA, NOW + 1), NOW + IDLE_MS), ["Anna", null]],
  ["touched by another", expire(touched(annas, BO, NOW + 1), NOW + IDLE_MS), [null, null]],
  ["away for a moment", expire(present(annas, ANNA, false, NOW), NOW + AWAY_MS - 1), ["Anna", null]],
  ["away for a minute", expire(present(annas, ANNA, false, NOW), NOW + AWAY_MS), [null, null]],
  [
    "back before the minute is over",
    expire(present(present(annas, ANNA, false, NOW), ANNA, true, NOW + 1), NOW + AWAY_MS),
    ["Anna", null],
  ],
  ["taken from who is away", take(present(annas, ANNA, false, NOW), BO, NOW + 1), ["Bo", null]],
  ["who asks goes", present(asked, BO, false, NOW), ["Anna", null]],
] as const)
  test(`control, ${what}: ${wanted.join(", ")}`, () => assert.deepEqual(who(floor), wanted));

test("property: one at most has control, who asks does not have it, and all end at last", () => {
  const person = fc.constantFrom(ANNA, BO, CY);
  const step = fc.tuple(
    fc.constantFrom("take", "release", "give", "keep", "touch", "go", "come", "wait"),
    person,
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let floor = EMPTY;
      let now = NOW;
      for (const [what, each] of steps) {
        now += 30_000;
        if (what === "take") floor = take(floor, each, now);
        else if (what === "release") floor = release(floor, each, now);
        else if (what === "give") floor = give(floor, each, now);
        else if (what === "keep") floor = keep(floor, each);
        else if (what === "touch") floor = touched(floor, each, now);
        else if (what === "wait") floor = expire(floor, now);
        else floor = present(floor, each, what === "come", now);
        assert.ok(floor.asks === null || floor.holder !== null);
        assert.ok(floor.asks === null || floor.asks.key !== floor.holder?.person.key);
      }
      for (let times = 0; times < 3; times += 1) {
        now += IDLE_MS;
        floor = expire(floor, now);
      }
      assert.equal(floor.holder, null);
    }),
  );
});
