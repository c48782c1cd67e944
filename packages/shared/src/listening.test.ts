import assert from "node:assert/strict";
import { test } from "node:test";
import { Listening } from "./listening.ts";

const NOW = 1_800_000_000_000;
const sign = (listener: string, at: number, provenSince: number | null, provenAt = provenSince) => ({
  listener,
  pool: "default",
  at,
  provenSince,
  provenAt,
  registered: true,
});

test("nothing was heard of any listener: deaf", () => {
  assert.equal(new Listening().since(NOW), null);
});

test("a listener's own clock does not matter, only how long it has been able to hear", () => {
  const listening = new Listening();
  const skew = 3_600_000;
  listening.heard(sign("a", NOW + skew, NOW + skew - 5_000), NOW);
  assert.equal(listening.since(NOW), NOW - 5_000);
});

test("silence and a lost registration both mean deaf, and hearing begins anew after them", () => {
  const listening = new Listening();
  listening.heard(sign("a", NOW, NOW - 60_000), NOW);
  assert.equal(listening.since(NOW + 10_001), null);
  listening.heard(sign("a", NOW + 20_000, NOW + 19_000), NOW + 20_000);
  assert.equal(listening.since(NOW + 20_000), NOW + 19_000);
  listening.heard(sign("a", NOW + 22_000, null), NOW + 22_000);
  assert.equal(listening.since(NOW + 22_000), null);
});

test("two listeners that overlap leave no break", () => {
  const listening = new Listening();
  listening.heard(sign("a", NOW, NOW - 60_000), NOW);
  listening.heard(sign("b", NOW + 1_000, NOW + 500), NOW + 1_000);
  listening.heard(sign("a", NOW + 2_000, null), NOW + 2_000);
  assert.equal(listening.since(NOW + 3_000), NOW - 60_000);
});

test("the last proof is the newest of any listener, and no sign takes it back", () => {
  const listening = new Listening();
  assert.equal(listening.provenAt, null);
  listening.heard(sign("a", NOW, NOW - 60_000, NOW - 1_000), NOW);
  listening.heard(sign("b", NOW + 50, null, NOW - 30_000), NOW + 50);
  assert.equal(listening.provenAt, NOW - 1_000);
});

test("a listener attends while it is registered, be the path proven or not; moments without one change nothing", () => {
  const listening = new Listening();
  const heard = (at: number, registered: boolean) =>
    listening.heard({ ...sign("a", NOW + at, null), registered }, NOW + at);
  assert.equal(listening.attendedSince(NOW), null);
  heard(0, true);
  heard(2_000, false);
  heard(50_000, true);
  assert.equal(listening.since(NOW + 50_000), null, "it is deaf by all that is proven");
  assert.equal(listening.attendedSince(NOW + 50_000), NOW, "registering anew took less than a minute");
  assert.equal(listening.attendedSince(NOW + 110_001), null, "nobody for more than a minute");
  heard(120_000, false);
  assert.equal(listening.attendedSince(NOW + 120_000), null);
  heard(130_000, true);
  assert.equal(listening.attendedSince(NOW + 130_000), NOW + 130_000, "a long absence begins it anew");
});
