import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { NeedsHuman } from "@gpu-power-manager/shared/errors";
import { createLogger } from "@gpu-power-manager/shared/logger";
import type { Outgoing } from "../outbox/outbox.ts";
import { BurstLog } from "../telemetry/burst-log.ts";
import { Ledger } from "./ledger.ts";
import { Pace } from "./pace.ts";
import { PendingList } from "./pending.ts";
import type { BacklogReading } from "./reading.ts";
import { BacklogWatch, type CheckOutcome } from "./watch.ts";

const INTERVAL = 5_000;
const GRACE = 10_000;
const EMPTY: BacklogReading = { pending: [], waiting: 0, activeTasks: 0, part: undefined, aheadMs: 0 };

function waiting(...urls: string[]): BacklogReading {
  const list = new PendingList("K1");
  const pending = urls.map(
    (url) => list.read(Buffer.from(JSON.stringify({ type: "url", url }))) ?? assert.fail(),
  );
  return { ...EMPTY, pending, waiting: pending.length };
}

/** A watch on a clock that the test moves, over a Redis that answers as the test will have it. */
function world(t: TestContext, ledger = new Ledger(GRACE, "e")) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const ending = new AbortController();
  const state = {
    now: 0,
    /** What the next readings find, or fail with, and how long they take. */
    found: EMPTY as BacklogReading | Error,
    takesMs: 5,
    readAt: [] as number[],
    outcomes: [] as CheckOutcome[],
    told: [] as Outgoing[],
    settled: 0,
  };
  const watch = new BacklogWatch({
    pool: "p",
    pace: new Pace(INTERVAL),
    graceMs: GRACE,
    ledger,
    reader: {
      open: async () => {},
      read: async () => {
        state.readAt.push(state.now);
        state.now += state.takesMs;
        if (state.found instanceof Error) throw state.found;
        return state.found;
      },
      close: () => {},
    },
    now: () => state.now,
    log: new BurstLog(createLogger({ service: "listener", level: "fatal", secrets: [] })),
    offer: (outgoing) => state.told.push(outgoing),
    onMissed: () => {},
    onChecked: (outcome) => state.outcomes.push(outcome),
    onSettled: async () => {
      state.settled += 1;
    },
  });
  const settle = async () => await new Promise((resolve) => setImmediate(resolve));
  const running = watch.run(ending.signal);
  t.after(async () => {
    ending.abort();
    await running;
  });
  return {
    watch,
    state,
    settle,
    stop: () => ending.abort(),
    /** Lets time pass, a tenth of a second after the other. */
    pass: async (ms: number) => {
      await settle();
      const end = state.now + ms;
      while (state.now < end) {
        state.now += 100;
        t.mock.timers.tick(100);
        await settle();
      }
    },
  };
}

const kinds = (told: readonly Outgoing[]) => told.map(({ event }) => event.kind);

test("a job of which no notice came: power is told at the next reading that one waits, and counts it after the grace", async (t) => {
  const { state, pass, settle } = world(t);
  await settle();
  state.found = waiting("a");
  await pass(INTERVAL + 100);
  assert.deepEqual(kinds(state.told), ["backlog"]);
  await pass(GRACE + 100);
  assert.equal(kinds(state.told).filter((kind) => kind === "job").length, 1);
});

test("reading takes at most 2 % of the time, whatever is in doubt; it is told, and ends with its cause", async (t) => {
  const { state, pass, watch } = world(t);
  state.takesMs = 600;
  // Something new is in doubt at each reading, and would be due long before the next.
  let serial = 0;
  await pass(100);
  for (let minute = 0; minute < 20; minute += 1) {
    serial += 1;
    state.found = waiting(...Array.from({ length: serial }, (_, index) => `${index}`));
    await pass(30_000);
  }
  const spent = state.readAt.length * 600;
  assert.ok(spent <= 0.02 * state.now + 600, `${spent} of ${state.now} ms`);
  assert.ok(state.readAt.length >= 18, `${state.readAt.length} readings`);
  // Whoever wants to know what was missed, and a gateway that is lost again and again, wait for their turn; power,
  // which is about to stop a machine, does not.
  const before = state.readAt.length;
  const settled = watch.settled();
  for (let times = 0; times < 20; times += 1) {
    watch.soon();
    await pass(100);
  }
  assert.equal(state.readAt.length, before);
  const asked = watch.read();
  await pass(700);
  assert.equal(await asked, true);
  assert.equal(state.readAt.length, before + 1);
  await pass(2 * 31_000);
  assert.equal(await settled, true);
  state.takesMs = 5;
  await pass(5 * 31_000);
  const quick = state.readAt.length;
  await pass(10 * INTERVAL);
  assert.ok(state.readAt.length >= quick + 9, "as often as configured again");
});

test("what a listener before may have heard is known only when JetStream has said so: who asks for all waits for that", async (t) => {
  const predecessor = new Ledger(GRACE, "before");
  const ledger = new Ledger(GRACE, "e");
  ledger.inherit(predecessor.stateFor("between"));
  const { state, pass, watch } = world(t, ledger);
  state.found = waiting("a", "b");
  let known: boolean | undefined;
  void watch.settled().then((answer) => {
    known = answer;
  });
  await pass(4 * GRACE);
  const [first, second] = state.told.filter(({ event }) => event.kind === "job");
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(known, undefined, "NATS has answered nothing yet");
  watch.stored(first, false);
  await pass(4 * GRACE);
  assert.equal(known, undefined, "and of the other nothing still");
  watch.stored(second, true);
  await pass(INTERVAL);
  assert.equal(known, true);
  assert.equal(watch.missed, 1);
});

test("of a part it tells what waits, and nothing of what may be missed; who asks for all hears that it is unknown", async (t) => {
  const { state, pass, settle, watch } = world(t);
  state.found = waiting("a", "b");
  await settle();
  state.found = { ...waiting("a"), waiting: 40, part: "bytes" };
  await pass(INTERVAL);
  assert.deepEqual([watch.pending, watch.part], [40, "bytes"]);
  assert.equal(state.outcomes.at(-1), "part");
  const [whole, level] = [watch.settled(), watch.read()];
  await pass(GRACE + INTERVAL);
  assert.deepEqual([await whole, await level], [false, true]);
  assert.ok(
    state.told.every(({ event }) => event.kind === "backlog"),
    kinds(state.told).join(),
  );
  assert.equal(state.settled, 1, "what a successor has to know is not that of a part");
  const readings = state.readAt.length;
  await pass(10 * INTERVAL);
  assert.equal(state.readAt.length - readings, 10, "what is long due makes it read no more often");
  state.found = waiting("b");
  await pass(2 * INTERVAL);
  assert.equal(kinds(state.told).filter((kind) => kind === "job").length, 1, "b was there all the while");
});

test("trouble says what to do, and is over with the next reading", async (t) => {
  const { state, pass, watch } = world(t);
  state.found = new NeedsHuman("redis_select", "grant it +select");
  await pass(100);
  assert.equal(watch.troubled, "grant it +select");
  assert.equal(watch.pending, undefined);
  state.found = new Error("connect ECONNREFUSED");
  await pass(2_100);
  assert.equal(watch.troubled, "check DSP_REDIS_URL (connect ECONNREFUSED)");
  state.found = EMPTY;
  await pass(2_100);
  assert.deepEqual([watch.troubled, watch.pending], [undefined, 0]);
});

test("a Redis that fails after long work is not asked again at once", async (t) => {
  const { state, pass } = world(t);
  state.found = new Error("a key of another type");
  state.takesMs = 1_000;
  await pass(48_000);
  assert.equal(state.readAt.length, 1);
  await pass(2_000);
  assert.equal(state.readAt.length, 2);
});

test("at a stop whoever waits is told at once that it is unknown, whatever the reading does", async (t) => {
  const { watch, settle, stop, state } = world(t);
  state.found = waiting("a");
  await settle();
  const waits = [watch.settled(), watch.read()];
  stop();
  assert.deepEqual(await Promise.all(waits), [false, false]);
  assert.equal(await watch.settled(), false);
});
