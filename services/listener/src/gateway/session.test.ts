import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  backoff,
  type Command,
  FRESH,
  LIVED_MS,
  nextTick,
  type Session,
  type SessionConfig,
  type SessionEvent,
  step,
} from "./session.ts";

const config: SessionConfig = {
  role: "gpu_monitor",
  registerAgainMs: 3_000,
  pingIntervalMs: 25_000,
  quietLimitMs: 3_000,
  pongTimeoutMs: 6_000,
  registerTimeoutMs: 5_000,
  backoffMinMs: 250,
  backoffMaxMs: 1_500,
};

/** Plays events; each is [milliseconds since the one before, event]. */
function play(events: Array<[number, SessionEvent]>, from: Session = FRESH, start = 1_000) {
  let session = from;
  let now = start;
  const commands: Command[] = [];
  for (const [pause, event] of events) {
    now += pause;
    const next = step(session, event, now, config, 0.5);
    session = next.session;
    commands.push(...next.commands);
  }
  return { session, commands, now };
}

const ANSWERED: SessionEvent = { type: "registered", role: "gpu_monitor" };
const up: Array<[number, SessionEvent]> = [
  [0, { type: "tick" }],
  [5, { type: "opened" }],
  [5, { type: "registered", role: "gpu_monitor" }],
];

test("it connects at once, registers, and counts as registered only by the answer", () => {
  const { session, commands } = play(up.slice(0, 2));
  assert.equal(session.phase, "registering");
  assert.deepEqual(
    commands.map(({ type }) => type),
    ["connect", "register"],
  );
  assert.equal(play(up).session.phase, "registered");
});

test("an answer with another role replaces the connection", () => {
  const { session, commands } = play([...up.slice(0, 2), [5, { type: "registered", role: "worker" }]]);
  assert.equal(session.phase, "waiting");
  assert.deepEqual(commands.at(-1), { type: "drop", reason: "wrong_role" });
});

test("one that has answered it before, or closes later, had other reasons", () => {
  const { session, now } = play([
    ...up,
    [3_000, { type: "tick" }],
    [20, ANSWERED],
    [3_000, { type: "tick" }],
  ]);
  assert.equal(
    step(session, { type: "closed", failed: false }, now + 20, config, 0).session.again,
    "answered",
  );
  const hung = play([...up, [3_000, { type: "tick" }], [2_000, { type: "closed", failed: false }]]);
  assert.equal(hung.session.again, "untried");
});

test("an answer that comes late after all counts", () => {
  const { session } = play([
    ...up,
    ...[3_000, 3_000].map((pause): [number, SessionEvent] => [pause, { type: "tick" }]),
    [20, { type: "pong" }],
    [20, ANSWERED],
  ]);
  assert.equal(session.again, "answered");
});

test("another role in a later answer replaces the connection", () => {
  const { commands } = play([...up, [3_000, { type: "tick" }], [20, { type: "registered", role: "worker" }]]);
  assert.deepEqual(commands.at(-1), { type: "drop", reason: "wrong_role" });
});

test("a silent connection is asked, pinged, and replaced within 10 s of its last sign", () => {
  const { session, now } = play(up);
  let [state, time] = [session, now];
  const commands: Command[] = [];
  while (state.phase === "registered") {
    time = nextTick(state, config);
    const next = step(state, { type: "tick" }, time, config, 0.5);
    state = next.session;
    commands.push(...next.commands);
  }
  assert.deepEqual(commands, [
    { type: "register" },
    { type: "ping" },
    { type: "drop", reason: "pong_timeout" },
  ]);
  assert.ok(time - now <= 9_000, `${time - now} ms`);
  assert.equal(state.again, "untried", "silence refuses nothing");
});

test("any frame proves the connection, and where only pings are answered one leaves each 25 s all the same", () => {
  let { session, now } = play(up);
  session = { ...session, again: "refused" };
  const pings: number[] = [];
  for (let elapsed = 0; elapsed < 60_000; elapsed += 1_000) {
    now += 1_000;
    session = step(session, { type: "frame" }, now, config, 0.5).session;
    const ticked = step(session, { type: "tick" }, now, config, 0.5);
    session = ticked.session;
    if (ticked.commands.some(({ type }) => type === "ping")) pings.push(elapsed);
  }
  assert.equal(session.phase, "registered");
  assert.equal(pings.length, 2);
});

test("a handshake or a registration without an answer is given up", () => {
  assert.deepEqual(play([up[0] ?? [0, { type: "tick" }], [8_000, { type: "tick" }]]).commands.at(-1), {
    type: "drop",
    reason: "connect_timeout",
  });
  assert.deepEqual(play([...up.slice(0, 2), [8_000, { type: "tick" }]]).commands.at(-1), {
    type: "drop",
    reason: "register_timeout",
  });
});

test("the first retry comes at once, further ones back off with full jitter up to the cap", () => {
  assert.equal(backoff(0, config, 0.999), 0);
  assert.equal(backoff(1, config, 1), 250);
  assert.equal(backoff(3, config, 0.5), 500);
  assert.equal(backoff(50, config, 1), 1_500);
  assert.equal(backoff(50, config, 0), 0);
});

test("a gateway that is away for hours is tried all the while, and connected to within 1.5 s of its return", () => {
  const HOURS = 6 * 3_600_000;
  let now = 1_000;
  let session: Session = FRESH;
  let tries = 0;
  while (now < HOURS) {
    now = Math.max(now, nextTick(session, config));
    const ticked = step(session, { type: "tick" }, now, config, 0.999);
    session = ticked.session;
    if (ticked.commands.some(({ type }) => type === "connect")) {
      tries += 1;
      session = step(session, { type: "closed", failed: true }, now, config, 0.999).session;
    }
  }
  assert.ok(nextTick(session, config) - now <= config.backoffMaxMs);
  // Neither silence nor a storm: about two tries in 3 s, with no luck in the jitter.
  assert.ok(tries >= HOURS / 1_600 && tries <= HOURS / 1_400, String(tries));
});

test("only a registration that lived resets the back-off", () => {
  const lost: [number, SessionEvent] = [10, { type: "closed", failed: false }];
  const flapping = play([
    ...up,
    lost,
    ...up.map(([pause, event]): [number, SessionEvent] => [pause + 600, event]),
    lost,
  ]);
  assert.ok(flapping.session.phase === "waiting" && flapping.session.attempts === 2);
  const { session, now } = play(up);
  const lived = step(session, { type: "closed", failed: false }, now + LIVED_MS, config, 0.9).session;
  assert.ok(lived.phase === "waiting" && lived.until === now + LIVED_MS && lived.attempts === 1);
});

test("property: at most one live socket, and a connect always follows within the cap of the back-off", () => {
  const anyEvent = fc.oneof(
    fc.constant<SessionEvent>({ type: "tick" }),
    fc.constant<SessionEvent>({ type: "opened" }),
    fc.constantFrom<SessionEvent>({ type: "frame" }, { type: "pong" }),
    fc.constant<SessionEvent>({ type: "replace" }),
    fc.boolean().map<SessionEvent>((failed) => ({ type: "closed", failed })),
    fc
      .constantFrom("gpu_monitor", "worker", undefined)
      .map<SessionEvent>((role) => ({ type: "registered", role })),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 12_000 }), anyEvent), { maxLength: 60 }),
      (events) => {
        let session: Session = FRESH;
        let now = 0;
        let live = 0;
        for (const [pause, event] of events) {
          now += pause;
          const next = step(session, event, now, config, 0.7);
          session = next.session;
          for (const command of next.commands) {
            if (command.type === "connect") live += 1;
            if (command.type === "drop") live -= 1;
            assert.ok(live === 0 || live === 1, "never two sockets");
          }
          assert.equal(live, session.phase === "waiting" ? 0 : 1);
          if (session.phase === "waiting") assert.ok(session.until <= now + config.backoffMaxMs);
        }
      },
    ),
  );
});
