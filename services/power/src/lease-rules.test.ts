import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
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
  VALID_MS,
  writeOn,
  written,
} from "./lease-rules.ts";

const holder = (id: string): Holder => ({ id, name: id, since: "" });

test("a free lease is taken at once, one that is held only after it was quiet", () => {
  assert.equal(writeOn(read(STANDBY, 0, null, 5), 5), 0);
  const held = read(STANDBY, 7, holder("a"), 1_000);
  assert.equal(writeOn(held, 1_000 + LEASE_MS), undefined);
  assert.equal(writeOn(held, 1_001 + LEASE_MS), 7);
  const renewed = read(held, 8, holder("a"), 1_000 + LEASE_MS);
  assert.equal(writeOn(renewed, 1_001 + LEASE_MS), undefined);
});

test("the same revision seen again is no sign of life, and neither is an older one", () => {
  const held = read(STANDBY, 7, holder("a"), 1_000);
  assert.equal(read(held, 7, holder("a"), 5_000), held);
  assert.equal(read(held, 6, null, 5_000), held);
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
 * Powers on a model of the key. What is under way takes arbitrarily long each way, answers may be lost, processes
 * pause; their clocks have any offset and run up to 10 % apart.
 */
interface Candidate {
  readonly name: string;
  readonly offset: number;
  readonly rate: number;
  lease: Lease;
  busyUntil: number;
  pausedUntil: number;
}

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
      there: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 20_000 })),
      back: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 20_000 })),
      lost: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
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
      const events: Array<{ at: number; run: () => void }> = [];
      const powers: Candidate[] = clocks.map(({ offset, rate }, index) => ({
        name: `p${index}`,
        offset,
        rate,
        lease: STANDBY,
        busyUntil: 0,
        pausedUntil: 0,
      }));
      const clock = (power: Candidate, at: number) => power.offset + at * power.rate;
      let fateIndex = 0;
      const fate = () => fates[fateIndex++ % fates.length] ?? { there: 1, back: 1, lost: false, pause: 0 };
      const later = (at: number, run: () => void) => events.push({ at, run });
      let lastHolder = "";
      for (let at = 0; at < 240_000; at += 100) {
        for (const due of events.filter((event) => event.at <= at)) {
          events.splice(events.indexOf(due), 1);
          due.run();
        }
        for (const power of powers) {
          if (at < power.busyUntil || at < power.pausedUntil) continue;
          const { there, back, lost, pause } = fate();
          power.pausedUntil = at + pause;
          const sentAt = clock(power, at);
          const on = writeOn(power.lease, sentAt);
          power.busyUntil = at + there + back + (power.lease.role === "standby" ? LOOK_MS : 0);
          if (power.lease.role === "lost") {
            // It ends, and comes back as a new process.
            power.lease = STANDBY;
          } else if (on === undefined && power.lease.role === "standby") {
            later(at + there, () => {
              const { revision, holder: who } = key;
              if (lost) return;
              later(at + there + back, () => {
                power.lease = read(power.lease, revision, who, clock(power, at + there + back));
              });
            });
          } else if (on !== undefined) {
            later(at + there, () => {
              const taken = key.revision === on;
              if (taken) {
                key.revision += 1;
                key.holder = holder(power.name);
              }
              const { revision } = key;
              if (lost) return;
              later(at + there + back, () => {
                power.lease = taken ? written(power.lease, revision, sentAt) : refused(power.lease);
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
