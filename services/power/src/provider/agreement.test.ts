import assert from "node:assert/strict";
import { test } from "node:test";
import { INSTANCE_STATES } from "@gpu-power-manager/shared/events";
import fc from "fast-check";
import type { Sighting } from "../console/driver.ts";
import { unknown } from "../console/interpret.ts";
import { agreementOfTwo, agreementWithSession } from "./agreement.ts";

const TIMES = ["StartTime", "StopTime"];
const on: Sighting = { state: "running" };
const off: Sighting = { state: "stopped" };
const gone = unknown("not_in_list", "It is not in the list.");
const odd = unknown("unlisted_state", "The provider says Resizing.");

/** What the two amount to: a state, or why it is unknown. */
const told = ({ sighting }: { sighting: Sighting }) =>
  sighting.state === "unknown" ? sighting.reason : sighting.state;

const TWO: Array<[string, Parameters<typeof agreementOfTwo>, string, boolean]> = [
  ["the same twice", [{ sighting: on }, { sighting: on }, TIMES], "running", false],
  ["another state", [{ sighting: on }, { sighting: off }, TIMES], "witnesses_disagree", true],
  ["nothing the second time", [{ sighting: on }, { sighting: gone }, TIMES], "not_in_list", false],
  ["nothing the first time", [{ sighting: gone }, { sighting: on }, TIMES], "witnesses_disagree", true],
  [
    "the same, started at the same time",
    [{ sighting: on, entry: { StartTime: 7 } }, { sighting: on, entry: { StartTime: 7 } }, TIMES],
    "running",
    false,
  ],
  [
    "the same, and it was started anew in between",
    [{ sighting: on, entry: { StartTime: 7 } }, { sighting: on, entry: { StartTime: 9 } }, TIMES],
    "witnesses_disagree",
    true,
  ],
  [
    "a time that only one tells",
    [{ sighting: off, entry: {} }, { sighting: off, entry: { StopTime: 9 } }, TIMES],
    "stopped",
    false,
  ],
  [
    "a field that the profile does not name",
    [{ sighting: on, entry: { UpdateTime: 7 } }, { sighting: on, entry: { UpdateTime: 9 } }, TIMES],
    "running",
    false,
  ],
];
for (const [what, args, state, disagree] of TWO) {
  test(`two answers: ${what}`, () => {
    const joined = agreementOfTwo(...args);
    assert.deepEqual([told(joined), joined.disagree], [state, disagree]);
  });
}

const SESSION: Array<[string, [Sighting, Sighting, Sighting], string, boolean]> = [
  ["all the same", [on, on, on], "running", false],
  ["a change while the session was asked", [on, on, off], "stopped", false],
  ["another word", [on, off, on], "witnesses_disagree", true],
  ["it does not list the machine", [on, gone, on], "witnesses_disagree", true],
  ["a word that says nothing", [on, odd, on], "unlisted_state", false],
  ["nothing by the signed API", [on, on, gone], "not_in_list", false],
];
for (const [what, args, state, disagree] of SESSION) {
  test(`beside a session: ${what}`, () => {
    const joined = agreementWithSession(...args);
    assert.deepEqual([told(joined), joined.disagree], [state, disagree]);
  });
}

test("a state is only told where two witnesses have told it", () => {
  const sighting = fc
    .constantFrom(...INSTANCE_STATES)
    .map((state): Sighting => (state === "unknown" ? gone : { state }));
  fc.assert(
    fc.property(sighting, sighting, sighting, (first, second, third) => {
      const two = agreementOfTwo({ sighting: first }, { sighting: second }, TIMES).sighting;
      if (two.state !== "unknown") assert.ok(two.state === first.state && two.state === second.state);
      const three = agreementWithSession(first, second, third).sighting;
      if (three.state === "unknown") return;
      assert.equal(three.state, third.state);
      assert.ok(second.state === third.state || second.state === first.state);
    }),
  );
});
