/** The session against gateways that make different things of a registration that is said again, in virtual time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Command,
  FRESH,
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

/** What a gateway does when a command reaches it: events, each with the milliseconds until it. */
type Gateway = (command: Command) => Array<[number, SessionEvent]>;

const REGISTERED: SessionEvent = { type: "registered", role: "gpu_monitor" };

/** One that answers everything after `delay`, the registration said again as `again` says. */
function gateway(
  again: "answered" | "ignored" | "closed",
  delay = 20,
  traffic: (command: Command) => Array<[number, SessionEvent]> = () => [],
): Gateway {
  let registrations = 0;
  return (command) => {
    const more = traffic(command);
    switch (command.type) {
      case "connect":
        registrations = 0;
        return [[delay, { type: "opened" }], ...more];
      case "register":
        registrations += 1;
        if (registrations === 1 || again === "answered") return [[delay, REGISTERED], ...more];
        return again === "closed" ? [[delay, { type: "closed", failed: false }], ...more] : more;
      case "ping":
        return [[delay, { type: "pong" }], ...more];
      case "drop":
        return more;
    }
  };
}

/** Plays a link against a gateway in virtual time; every command with its time. */
function converse(answer: Gateway, ms: number, from: Session = FRESH) {
  let session = from;
  let now = 0;
  let due: Array<[number, SessionEvent]> = [];
  const commands: Array<{ readonly at: number; readonly command: Command }> = [];
  for (;;) {
    due.sort(([a], [b]) => a - b);
    const tickAt = Math.max(now, nextTick(session, config));
    const [first] = due;
    const event: SessionEvent = first !== undefined && first[0] <= tickAt ? first[1] : { type: "tick" };
    now = first !== undefined && first[0] <= tickAt ? first[0] : tickAt;
    if (now > ms) return { session, commands, of: (type: Command["type"]) => times(commands, type) };
    if (event === first?.[1]) due.shift();
    const next = step(session, event, now, config, 0.5);
    session = next.session;
    for (const command of next.commands) {
      commands.push({ at: now, command });
      // What a connection that is gone would still have said is heard no more.
      if (command.type === "drop") due = [];
      due.push(...answer(command).map(([delay, each]): [number, SessionEvent] => [now + delay, each]));
    }
  }
}

function times(commands: ReadonlyArray<{ at: number; command: Command }>, type: Command["type"]): number[] {
  return commands.filter(({ command }) => command.type === type).map(({ at }) => at);
}

const MINUTE = 60_000;

test("the registration is said again every 3 s; no ping is needed, and nothing is lost", () => {
  const { of } = converse(gateway("answered"), 10 * MINUTE);
  const said = of("register");
  for (const [index, at] of said.slice(1).entries()) assert.ok(at - (said[index] ?? 0) <= 3_020, `${at}`);
  assert.ok(said.length >= 199 && said.length <= 201, "nor more often");
  assert.deepEqual([of("ping"), of("drop"), of("connect")], [[], [], [0]]);
});

test("whatever else is heard, and however slow the answer, the registration is said again within 5 s", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2_900 }),
      fc.array(fc.integer({ min: 1, max: 2_999 }), { maxLength: 5 }),
      (delay, frames) => {
        const traffic = () => frames.map((ms): [number, SessionEvent] => [ms, { type: "frame" }]);
        const { of } = converse(gateway("answered", delay, traffic), MINUTE);
        const said = of("register");
        for (const [index, at] of said.slice(2).entries()) assert.ok(at - (said[index + 1] ?? 0) <= 5_000);
        assert.ok(said.length >= 12);
        assert.deepEqual(of("drop"), []);
      },
    ),
  );
});

test("a gateway that does not answer it is pinged instead, on this connection; the next is tried anew", () => {
  const { session, commands, of } = converse(gateway("ignored"), 10 * MINUTE);
  assert.equal(session.again, "unanswered");
  assert.deepEqual([of("register").length, of("drop").length], [2, 0]);
  assert.ok(of("ping").length >= 190 && of("ping").length <= 201);
  assert.deepEqual(
    commands.slice(1, 4).map(({ command }) => command.type),
    ["register", "register", "ping"],
    "a ping tells that the connection lives",
  );
  const lost = step(session, { type: "closed", failed: false }, 10 * MINUTE, config, 0).session;
  const next = converse(gateway("answered"), 11 * MINUTE, { ...lost, phase: "waiting", until: 10 * MINUTE });
  assert.equal(next.session.again, "answered");
});

test("a gateway that closes on it is told once, and never again", () => {
  const { session, of } = converse(gateway("closed"), 10 * MINUTE);
  assert.equal(session.again, "refused");
  assert.equal(of("connect").length, 2);
  assert.equal(of("register").length, 3);
  assert.ok(of("ping").length >= 190);
});
