import assert from "node:assert/strict";
import { test } from "node:test";
import { type MachineState, machineSpec } from "./machine-spec.ts";
import {
  advance,
  type Conduct,
  newMachine,
  nextTransition,
  putInState,
  reboot,
  start,
  stop,
} from "./machines.ts";

const conduct: Conduct = {
  bootMs: 3_000,
  stopMs: 1_500,
  initializing: "never",
  stuckStarting: false,
  stopsByItselfAfterMs: null,
  changedAtMs: 0,
};
const machine = (State: MachineState) => newMachine(machineSpec.parse({ UHostId: "uhost-a", State }), 1_000);
const started = () => {
  const next = start(machine("Stopped"), 10_000);
  assert.ok(next);
  return next;
};

test("a start boots for bootMs, and Running dates from its end", () => {
  const booting = started();
  assert.equal(booting.state, "Starting");
  assert.equal(advance(booting, conduct, 12_999).state, "Starting");
  const running = advance(booting, conduct, 60_000);
  assert.deepEqual([running.state, running.sinceMs, running.boots], ["Running", 13_000, 1]);
});

test("a stop takes stopMs", () => {
  const stopping = stop(machine("Running"), 5_000);
  assert.ok(stopping);
  assert.equal(advance(stopping, conduct, 6_499).state, "Stopping");
  const stopped = advance(stopping, conduct, 6_500);
  assert.deepEqual([stopped.state, stopped.sinceMs], ["Stopped", 6_500]);
});

test("Initializing follows Starting where the knob says so, in the same boot time", () => {
  const always: Conduct = { ...conduct, initializing: "always" };
  assert.equal(advance(started(), always, 11_499).state, "Starting");
  assert.equal(advance(started(), always, 11_500).state, "Initializing");
  assert.deepEqual(
    [advance(started(), always, 13_000).state, advance(started(), always, 13_000).sinceMs],
    ["Running", 13_000],
  );
});

test("everySecondBoot: the first boot goes straight to Running, the second does not", () => {
  const every: Conduct = { ...conduct, initializing: "everySecondBoot" };
  assert.equal(nextTransition(started(), every)?.state, "Running");
  const again = start(putInState(started(), "Stopped", 20_000), 30_000);
  assert.ok(again);
  assert.equal(nextTransition(again, every)?.state, "Initializing");
});

test("only a stopped machine starts, only a running one stops or reboots", () => {
  const states: MachineState[] = [
    "Initializing",
    "Starting",
    "Running",
    "Stopping",
    "Stopped",
    "Install Fail",
    "Rebooting",
  ];
  for (const state of states) {
    assert.equal(start(machine(state), 0) !== null, state === "Stopped", `start from ${state}`);
    assert.equal(stop(machine(state), 0) !== null, state === "Running", `stop from ${state}`);
    assert.equal(reboot(machine(state), 0) !== null, state === "Running", `reboot from ${state}`);
  }
});

test("a reboot comes back to Running", () => {
  const rebooting = reboot(machine("Running"), 2_000);
  assert.ok(rebooting);
  assert.equal(rebooting.state, "Rebooting");
  assert.equal(advance(rebooting, conduct, 5_000).state, "Running");
});

test("a stuck machine stays in Starting for ever; freed, it is Running no earlier than it was freed", () => {
  const stuck = advance(started(), { ...conduct, stuckStarting: true }, 1e9);
  assert.equal(stuck.state, "Starting");
  const freed = advance(stuck, { ...conduct, changedAtMs: 1e9 }, 1e9);
  assert.deepEqual([freed.state, freed.sinceMs], ["Running", 1e9]);
});

test("a machine that stops by itself passes through Stopping, each step at its own time", () => {
  const tired: Conduct = { ...conduct, stopsByItselfAfterMs: 500 };
  assert.equal(advance(started(), tired, 13_499).state, "Running");
  assert.equal(advance(started(), tired, 13_500).state, "Stopping");
  const off = advance(started(), tired, 1e9);
  assert.deepEqual([off.state, off.sinceMs], ["Stopped", 15_000]);
});

test("a failed install and a stopped machine stay as they are", () => {
  assert.equal(nextTransition(machine("Install Fail"), conduct), null);
  assert.equal(nextTransition(machine("Stopped"), conduct), null);
});

test("what the provider was asked to stop it stops at that time, once, and not where it is off already", () => {
  const planned = { ...machine("Running"), plannedStopMs: 9_000 };
  assert.equal(advance(planned, conduct, 8_999).state, "Running");
  const stopped = advance(planned, conduct, 20_000);
  assert.deepEqual([stopped.state, stopped.sinceMs, stopped.plannedStopMs], ["Stopped", 10_500, null]);
  assert.equal(stop(planned, 5_000)?.plannedStopMs, null);
});
