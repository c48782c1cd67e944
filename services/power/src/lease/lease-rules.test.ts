import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LEASE_ANSWER_MS } from "./lease.ts";
import {
  type Holder,
  LEASE_MS,
  type Lease,
  LOOK_MS,
  mayAct,
  RENEW_MS,
  read,
  refused,
  STANDBY,
  STEADY_MS,
  VALID_MS,
  vanished,
  writeOn,
  written,
} from "./lease-rules.ts";

const holder = (id: string): Holder => ({ id, name: id, since: "" });

/** The key is looked at again and again, and does not change. */
function watched(lease: Lease, revision: number, from: number, to: number): Lease {
  let next = lease;
  for (let at = from; at <= to; at += LOOK_MS) next = read(next, revision, null, at);
  return next;
}

test("a free lease is taken at once, one that is held only after it was quiet", () => {
  assert.equal(writeOn(read(STANDBY, 0, null, 5), 5), 0);
  const held = watched(read(STANDBY, 7, holder("a"), 1_000), 7, 1_000, 1_000 + LEASE_MS);
  assert.equal(writeOn(held, 1_000 + LEASE_MS), undefined);
  assert.equal(writeOn(held, 1_001 + LEASE_MS), 7);
  const renewed = read(held, 8, holder("a"), 1_000 + LEASE_MS);
  assert.equal(writeOn(renewed, 1_001 + LEASE_MS), undefined);
});

test("an older revision is no sign of life, and says nothing of a holder that has left", () => {
  const held = watched(read(STANDBY, 7, holder("a"), 1_000), 6, 1_000, 1_000 + LEASE_MS);
  assert.ok(held.role === "standby" && held.seen?.holder?.id === "a" && held.seen.revision === 7);
  assert.equal(writeOn(held, 1_001 + LEASE_MS), 7);
});

test("after a break in which nobody could renew, the holder is given time to", () => {
  const back = 60_000;
  const first = read(read(STANDBY, 7, holder("a"), 1_000), 7, holder("a"), back);
  assert.equal(writeOn(first, back), undefined);
  const before = watched(first, 7, back, back + STEADY_MS - LOOK_MS);
  assert.equal(writeOn(before, back + STEADY_MS - LOOK_MS), undefined);
  assert.equal(writeOn(read(before, 7, holder("a"), back + STEADY_MS), back + STEADY_MS), 7);
  assert.equal(writeOn(read(before, 8, holder("a"), back + STEADY_MS), back + STEADY_MS), undefined);
});

test("when its bucket is made again the holder writes anew and gets no time by it; a standby looks anew", () => {
  const mine = written(read(STANDBY, 0, null, 0), 12, 100);
  const anew = vanished(mine, 101);
  assert.equal(writeOn(anew, 101), 0);
  assert.ok(!mayAct(anew, 100 + VALID_MS));
  // Its time is over: another may have followed it before the bucket was deleted.
  assert.deepEqual(vanished(mine, 100 + VALID_MS), STANDBY);
  assert.deepEqual(vanished(read(STANDBY, 12, holder("a"), 1), 2), STANDBY);
  assert.deepEqual(vanished(refused(mine), 101), refused(mine));
});

test("the holder's time runs from when its write was sent, and a refused renewal ends it for good", () => {
  const mine = written(read(STANDBY, 0, null, 0), 1, 100);
  assert.ok(mayAct(mine, 99 + VALID_MS));
  assert.ok(!mayAct(mine, 100 + VALID_MS));
  assert.equal(writeOn(mine, 99 + RENEW_MS), undefined);
  assert.equal(writeOn(mine, 100 + RENEW_MS), 1);
  const lost = refused(mine);
  assert.ok(!mayAct(lost, 200));
  assert.equal(writeOn(lost, 1e9), undefined);
  assert.deepEqual(written(lost, 9, 0), lost);
});

/**
 * Powers on a model of the key. What is under way takes arbitrarily long each way, answers are lost, processes
 * pause, the bucket is deleted, with what is on its way to it, and made again; their clocks have any offset and run up
 * to 10 % apart.
 */
interface Candidate {
  readonly name: string;
  /** The bucket that it knows of; null as a process that has just begun. */
  bucket: number | null;
  /** The newest revision of the key that it has seen in that bucket. */
  newest: number;
  readonly offset: number;
  readonly rate: number;
  lease: Lease;
  busyUntil: number;
  pausedUntil: number;
}

const Way = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 50 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 20_000 }) },
);

const QUIET = { there: 1, back: 1, lost: false, pause: 0, deleted: false, others: 1 };

const Plan = fc.record({
  clocks: fc.array(
    fc.record({
      offset: fc.integer({ min: -1e6, max: 1e6 }),
      rate: fc.double({ min: 0.95, max: 1.05, noNaN: true }),
    }),
    { minLength: 2, maxLength: 3 },
  ),
  fates: fc.array(
    fc.record({
      there: Way,
      back: Way,
      lost: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      /** The bucket is deleted and made again. */
      deleted: fc.integer({ min: 0, max: 59 }).map((n) => n === 0),
      /** Other keys are written in between. */
      others: fc.integer({ min: 1, max: 20 }),
      pause: fc.oneof(
        { weight: 9, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 40_000 }) },
      ),
    }),
    { minLength: 20, maxLength: 60 },
  ),
});

test("property: never do two believe that they may act, and a dead holder is followed", () => {
  let handovers = 0;
  fc.assert(
    fc.property(Plan, ({ clocks, fates }) => {
      const key: { revision: number; holder: Holder | null } = { revision: 0, holder: null };
      let bucket = 0;
      let sequence = 0;
      const events: Array<{ at: number; run: () => void }> = [];
      const powers: Candidate[] = clocks.map(({ offset, rate }, index) => ({
        name: `p${index}`,
        bucket: null,
        newest: 0,
        offset,
        rate,
        lease: STANDBY,
        busyUntil: 0,
        pausedUntil: 0,
      }));
      const clock = (power: Candidate, at: number) => power.offset + at * power.rate;
      let fateIndex = 0;
      const fate = () => fates[fateIndex++ % fates.length] ?? QUIET;
      const later = (at: number, run: () => void) => events.push({ at, run });
      /** What StateBucket.check does: whoever finds another bucket than it knew is told. */
      const check = (power: Candidate, seen: number, at: number) => {
        const known = power.bucket;
        power.bucket = seen;
        if (known === null || known === seen) return;
        power.newest = 0;
        power.lease = vanished(power.lease, clock(power, at));
      };
      let lastHolder = "";
      for (let at = 0; at < 240_000; at += 100) {
        for (const due of events.filter((event) => event.at <= at)) {
          events.splice(events.indexOf(due), 1);
          due.run();
        }
        for (const power of powers) {
          if (at < power.busyUntil || at < power.pausedUntil) continue;
          const { there, back, lost: astray, pause, deleted, others } = fate();
          if (deleted) {
            bucket += 1;
            sequence = 0;
            key.revision = 0;
            key.holder = null;
          }
          // An answer that comes too late is not heard any more; what was asked is done all the same.
          const lost = astray || there + back > LEASE_ANSWER_MS;
          power.pausedUntil = at + pause;
          const sentAt = clock(power, at);
          const on = writeOn(power.lease, sentAt);
          power.busyUntil =
            at + Math.min(there + back, LEASE_ANSWER_MS) + (power.lease.role === "standby" ? LOOK_MS : 0);
          if (power.lease.role === "lost") {
            // It ends, and comes back as a new process.
            power.lease = STANDBY;
            power.bucket = null;
            power.newest = 0;
          } else if (on === undefined && power.lease.role === "standby") {
            later(at + there, () => {
              const { revision, holder: who } = key;
              const found = bucket;
              if (lost) return;
              later(at + there + back, () => {
                if (power.bucket === null || revision === 0 || revision < power.newest)
                  check(power, found, at + there + back);
                power.newest = Math.max(power.newest, revision);
                const unknown = revision === 0 && found > 0;
                const seen = unknown ? holder("?") : who;
                power.lease = read(power.lease, revision, seen, clock(power, at + there + back));
              });
            });
          } else if (on !== undefined && !mayAct(power.lease, sentAt) && power.bucket !== bucket) {
            // Whoever does not hold looks which bucket it is before it writes.
            check(power, bucket, at);
          } else if (on !== undefined) {
            const sentTo = bucket;
            later(at + there, () => {
              if (bucket !== sentTo) return;
              const taken = key.revision === on;
              if (taken) {
                sequence += others;
                key.revision = sequence;
                key.holder = holder(power.name);
              }
              const { revision, holder: who } = key;
              const found = bucket;
              if (lost) return;
              later(at + there + back, () => {
                if (taken) {
                  power.newest = Math.max(power.newest, revision);
                  power.lease = written(power.lease, revision, sentAt);
                  return;
                }
                check(power, found, at + there + back);
                const answeredAt = clock(power, at + there + back);
                power.lease = who === null ? vanished(power.lease, answeredAt) : refused(power.lease);
              });
            });
          }
        }
        const acting = powers.filter((power) => mayAct(power.lease, clock(power, at)));
        assert.ok(acting.length <= 1, `${acting.map(({ name }) => name).join(" and ")} act at ${at}`);
        if (acting[0] !== undefined && acting[0].name !== lastHolder) {
          if (lastHolder !== "") handovers += 1;
          lastHolder = acting[0].name;
        }
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(handovers > 100, `the property was put to the test: ${handovers} handovers`);
});
