import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { z } from "zod";
import { Process, until } from "../../../tests/harness/process.ts";
import { control, quickConsole } from "./browser-for-tests.ts";
import type { Console } from "./provider.ts";

const A = "uhost-a";
let running: Console;
before(async () => {
  running = await quickConsole({ machines: [{ UHostId: A }], faults: { slowApiMs: 5 } });
});
after(async () => {
  await running.close();
});

test("knobs merge, show and return to where they began", async () => {
  const turned = await control(running, "/faults", { soldOut: [A], api500: true });
  assert.equal(turned.status, 200);
  await control(running, "/faults", { emptyList: true });
  const shown = z
    .looseObject({
      soldOut: z.array(z.string()),
      api500: z.string(),
      emptyList: z.boolean(),
      slowApiMs: z.number(),
    })
    .parse((await control(running, "/faults")).body);
  assert.deepEqual([shown.soldOut, shown.api500, shown.emptyList, shown.slowApiMs], [[A], "all", true, 5]);
  const reset = z
    .looseObject({ soldOut: z.array(z.string()), api500: z.string(), slowApiMs: z.number() })
    .parse((await control(running, "/faults/reset", {})).body);
  assert.deepEqual([reset.soldOut, reset.api500, reset.slowApiMs], [[], "none", 5]);
});

for (const [name, path, body, status, message] of [
  ["an unknown knob", "/faults", { nonsense: true }, 400, /nonsense/],
  ["a bad value", "/faults", { bootMs: -1 }, 400, /bootMs/],
  ["a knob for an unknown machine", "/faults", { soldOut: ["uhost-x"] }, 404, /uhost-x/],
  ["a state that does not exist", `/machines/${A}/state`, { state: "On" }, 400, /state/],
  ["an unknown machine", "/machines/uhost-x/state", { state: "Running" }, 404, /uhost-x/],
  [
    "a way that does not exist",
    `/machines/${A}/state`,
    { state: "Stopped", transition: true },
    409,
    /Stopped/,
  ],
  ["an unknown path", "/nonsense", {}, 404, /No such path/],
] as const) {
  test(`${name} is refused with the reason`, async () => {
    const answer = await control(running, path, body);
    assert.equal(answer.status, status);
    assert.match(JSON.stringify(answer.body), message);
  });
}

test("a machine switched by hand, with and without its transition, counts as no action", async () => {
  await control(running, `/machines/${A}/state`, { state: "Running", transition: true });
  assert.equal(running.state().machines[0]?.State, "Starting");
  await until("it runs", () => running.state().machines[0]?.State === "Running");
  await control(running, `/machines/${A}/state`, { state: "Install Fail" });
  assert.equal(running.state().machines[0]?.State, "Install Fail");
  assert.deepEqual(running.state().actions, []);
});

test("as a process it prints one line when ready, and ends cleanly on SIGTERM", async () => {
  const main = new URL("./main.ts", import.meta.url).pathname;
  const child = new Process("sim/console", {
    command: process.execPath,
    args: [main],
    env: { BOOT_MS: "1", MACHINES: '[{"UHostId":"uhost-env"}]' },
  });
  try {
    const line = await until("its ready line", () => child.lines[0]);
    const ready = z
      .strictObject({ ready: z.literal(true), consoleUrl: z.url(), apiUrl: z.url(), controlUrl: z.url() })
      .parse(JSON.parse(line));
    assert.match(await (await fetch(`${ready.controlUrl}/state`)).text(), /uhost-env/);
  } finally {
    assert.equal(await child.stop(), 0);
  }
});

test("as a process it names its mistakes and exits 1", async () => {
  const main = new URL("./main.ts", import.meta.url).pathname;
  const child = new Process("sim/console", {
    command: process.execPath,
    args: [main],
    env: { API_PORT: "x", FAULTS: "{" },
  });
  assert.equal(await child.exited, 1);
  await until("both mistakes", () => /API_PORT/.test(child.tail()) && /FAULTS/.test(child.tail()));
});
