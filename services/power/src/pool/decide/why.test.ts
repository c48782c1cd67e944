import assert from "node:assert/strict";
import { test } from "node:test";
import { CONDITION_WORDS } from "@gpu-power-manager/shared/reason-words";
import {
  instance,
  job,
  MINUTE,
  NOW,
  policy,
  running,
  second,
  snapshot,
  stoppable,
} from "./snapshot-for-tests.ts";
import { explain } from "./why.ts";

const missing = (conditions: ReturnType<typeof explain>["start"]) =>
  conditions.filter(({ holds }) => !holds).map(({ name }) => name);

test("every condition has words in both languages, and none is left over", () => {
  const keeping = { ...policy, keepFromRelease: MINUTE };
  const given = snapshot({ policy: keeping, instances: [running(), second()] });
  const { start, stops, releases } = explain(given, NOW);
  const all = [...start, ...(stops[0]?.conditions ?? []), ...(releases[0]?.conditions ?? [])];
  assert.deepEqual(Object.keys(CONDITION_WORDS).sort(), [...new Set(all.map(({ name }) => name))].sort());
});

test("an idle machine: which condition is still missing, and when it holds", () => {
  const given = snapshot({ ...stoppable, demand: { lastJobAt: NOW - MINUTE } });
  const { stops, nextAt, start } = explain(given, NOW);
  const [{ conditions } = { conditions: [] }] = stops;
  const idle = conditions.find(({ name }) => name === "idle_long_enough");
  assert.equal(idle?.holds, false);
  assert.equal(idle?.from, NOW + 29 * MINUTE);
  assert.match(idle?.value ?? "", /idle time 30 m/);
  assert.equal(nextAt, NOW + 29 * MINUTE);
  assert.deepEqual(missing(start), ["wanted", "machines_missing", "machine_available"]);
});

test("a machine that is stopped lacks nothing", () => {
  const { stops, decisions } = explain(snapshot(stoppable), NOW);
  assert.deepEqual(missing(stops[0]?.conditions ?? []), []);
  assert.equal(decisions[0]?.kind, "stop");
});

test("a job that waits: what keeps the machine from being started", () => {
  const why = (changes: Parameters<typeof snapshot>[0]) =>
    missing(explain(snapshot({ demand: job, ...changes }), NOW).start);
  assert.deepEqual(why({}), []);
  assert.deepEqual(why({ hold: { mode: "off", until: null } }), ["not_held_back"]);
  assert.deepEqual(why({ recentStarts: [1, 2, 3, 4, 5, 6].map((n) => NOW - n * MINUTE) }), [
    "starts_allowed",
  ]);
  assert.deepEqual(why({ instances: [instance({ restUntil: NOW + MINUTE })] }), ["machine_available"]);
  assert.deepEqual(why({ instances: [instance({ askedAt: null })] }), ["observed"]);
});
