import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
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
  listening.heard(sign("a", NOW + 2_000, NOW - 60_000), NOW + 2_000);
  listening.heard(sign("a", NOW + 2_100, null), NOW + 2_100);
  assert.equal(listening.since(NOW + 3_000), NOW - 60_000);
});

test("one that begins after the last sign of the other leaves a break, however short", () => {
  const listening = new Listening();
  listening.heard(sign("a", NOW, NOW - 60_000), NOW);
  listening.heard(sign("b", NOW + 1_000, NOW + 1), NOW + 1_000);
  assert.equal(listening.since(NOW + 1_000), NOW + 1);
});

test("a listener that lost its path and has it again hears from then on only", () => {
  const listening = new Listening();
  listening.heard(sign("a", NOW, NOW - 60_000), NOW);
  listening.heard(sign("a", NOW + 500, null), NOW + 500);
  listening.heard(sign("a", NOW + 600, NOW + 600), NOW + 600);
  assert.equal(listening.since(NOW + 600), NOW + 600);
});

test("a listener whose signs were lost on the way has heard all the while, as it says", () => {
  const listening = new Listening();
  listening.heard(sign("a", NOW, NOW - 60_000), NOW);
  assert.equal(listening.since(NOW + 30_000), null);
  listening.heard(sign("a", NOW + 31_000, NOW - 60_000), NOW + 31_000);
  assert.equal(listening.since(NOW + 31_000), NOW - 60_000);
});

test("signs that come late, because we stood still, prove nothing of the time that they took", () => {
  const listening = new Listening();
  listening.heard(sign("a", NOW, NOW - 60_000), NOW);
  // The last of one that was killed right afterwards, and the first of the next: both read a minute later.
  const awake = NOW + 62_000;
  listening.heard(sign("a", NOW + 2_000, NOW - 60_000), awake);
  listening.heard(sign("b", NOW + 40_000, NOW + 30_000), awake);
  listening.heard(sign("b", awake, NOW + 30_000), awake);
  assert.equal(listening.since(awake), NOW + 30_000);
});

test("what somebody heard is known until the last sign, and not beyond", () => {
  const listening = new Listening();
  listening.heard(sign("a", NOW, NOW - 60_000), NOW);
  assert.ok(listening.covers(NOW - 60_000, NOW) && listening.covers(NOW - 5, NOW - 5));
  assert.ok(!listening.covers(NOW - 60_001, NOW) && !listening.covers(NOW - 5, NOW + 1));
  listening.heard(sign("b", NOW + 2_000, NOW + 1_000), NOW + 2_000);
  assert.ok(!listening.covers(NOW, NOW + 1_500));
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

interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Overlapping and touching ones as one, the earliest first. */
function union(stretches: readonly Stretch[]): Stretch[] {
  const joined: Stretch[] = [];
  for (const next of [...stretches].sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last !== undefined && next.from <= last.to)
      joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, next.to) };
    else joined.push(next);
  }
  return joined;
}

/** A listener's life: it hears and is deaf in turns, and ends in one or the other. */
const life = fc.record({
  name: fc.uuid(),
  born: fc.nat({ max: 120_000 }),
  turns: fc.array(fc.record({ deaf: fc.nat({ max: 15_000 }), hears: fc.nat({ max: 60_000 }) }), {
    minLength: 1,
    maxLength: 4,
  }),
  skew: fc.integer({ min: -3_600_000, max: 3_600_000 }),
  /** Whether it takes leave, as one that is stopped does and one that is killed does not. */
  takesLeave: fc.boolean(),
  /** Which of its signs are lost on the way; all come, where it is empty. */
  lost: fc.array(fc.nat({ max: 60 }), { maxLength: 10 }),
});
type Life = typeof life extends fc.Arbitrary<infer T> ? T : never;

interface Sent {
  readonly listener: string;
  readonly madeAt: number;
  readonly skew: number;
  readonly since: number | null;
  readonly first: boolean;
}

function play({ name, born, turns, skew, takesLeave, lost }: Life): { truth: Stretch[]; sent: Sent[] } {
  const truth: Stretch[] = [];
  const told: Array<{ madeAt: number; since: number | null }> = [];
  let now = born;
  for (const { deaf, hears } of turns) {
    told.push({ madeAt: now, since: null });
    const from = now + deaf;
    const to = from + hears;
    for (let at = now + 2_000; at < from; at += 2_000) told.push({ madeAt: at, since: null });
    for (let at = from; at < to; at += 2_000) told.push({ madeAt: at, since: from });
    truth.push({ from, to });
    now = to;
  }
  const last = truth.at(-1);
  if (takesLeave && last !== undefined)
    told.push({ madeAt: last.to, since: last.from }, { madeAt: last.to, since: null });
  const sent = told
    .map((each, index) => ({ ...each, listener: name, skew, first: index === 0 }))
    .filter(({ first }, index) => first || !lost.includes(index));
  return { truth, sent };
}

const spoken = ({ listener, madeAt, skew, since }: Sent) =>
  sign(listener, NOW + madeAt + skew, since === null ? null : NOW + since + skew);

test("property: nobody is said to have heard while nobody did, whatever is lost, late or ends without a word", () => {
  const standstills = fc.array(fc.record({ from: fc.nat({ max: 300_000 }), ms: fc.nat({ max: 60_000 }) }), {
    maxLength: 3,
  });
  fc.assert(
    fc.property(fc.array(life, { minLength: 1, maxLength: 4 }), standstills, (lives, still) => {
      const played = lives.map(play);
      const truth = union(played.flatMap((each) => each.truth));
      // While we stand still signs wait; the first of a listener is taken to have come at once.
      const arrival = ({ madeAt, first }: Sent) =>
        still.reduce((at, { from, ms }) => (!first && at >= from && at < from + ms ? from + ms : at), madeAt);
      const signs = played
        .flatMap(({ sent }) => sent)
        .sort((a, b) => a.madeAt - b.madeAt)
        .map((each) => ({ ...each, arrivesAt: arrival(each) }));
      signs.sort((a, b) => a.arrivesAt - b.arrivesAt);
      const listening = new Listening();
      let heardUntil = 0;
      for (const each of signs) {
        listening.heard(spoken(each), NOW + each.arrivesAt);
        if (each.since !== null) heardUntil = Math.max(heardUntil, each.madeAt);
        const since = listening.since(NOW + each.arrivesAt);
        if (since === null) continue;
        const said = { from: since - NOW, to: Math.max(heardUntil, since - NOW) };
        const deaf =
          said.to -
          said.from -
          truth.reduce(
            (sum, { from, to }) => sum + Math.max(0, Math.min(to, said.to) - Math.max(from, said.from)),
            0,
          );
        // A clock that is slower by a thousandth, over a standstill of three minutes at most.
        assert.ok(deaf <= 180, `said to hear from ${said.from} to ${said.to}, deaf for ${deaf} ms of it`);
      }
    }),
    { numRuns: 500 },
  );
});

test("property: what signs that come at once prove, and all of it, is known", () => {
  fc.assert(
    fc.property(fc.array(life, { minLength: 1, maxLength: 4 }), (lives) => {
      const signs = lives.flatMap((each) => play(each).sent).sort((a, b) => a.madeAt - b.madeAt);
      const listening = new Listening();
      const proven: Stretch[] = [];
      const latest = new Map<string, Sent>();
      for (const each of signs) {
        listening.heard(spoken(each), NOW + each.madeAt);
        latest.set(each.listener, each);
        if (each.since !== null) proven.push({ from: each.since, to: each.madeAt });
        const hears = [...latest.values()].some(
          ({ since, madeAt }) => since !== null && each.madeAt - madeAt <= 10_000,
        );
        const expected = hears ? union(proven).at(-1)?.from : undefined;
        const since = listening.since(NOW + each.madeAt);
        assert.equal(since === null ? undefined : since - NOW, expected);
      }
      for (const { from, to } of union(proven)) {
        assert.ok(listening.covers(NOW + from, NOW + to));
        assert.ok(!listening.covers(NOW + from, NOW + to + 1));
      }
    }),
    { numRuns: 500 },
  );
});
