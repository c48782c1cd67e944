/** What the provider and its console do to us. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { HistoryPage } from "@gpu-power-manager/shared/history-page";
import { Process, until } from "../harness/process.ts";
import { startStack } from "../harness/stack.ts";

test("the second machine is tried when the first is sold out", async (t) => {
  const stack = await startStack({ machines: 2 });
  t.after(() => stack.stop());
  const [first = "", second = ""] = stack.ids;
  stack.console.turn({ soldOut: [first] });
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("the second machine runs", () => stack.state(1) === "Running");
  const starts = stack.console.state().actions.filter(({ verb }) => verb === "start");
  assert.deepEqual(
    starts.map(({ uHostId, outcome }) => [uHostId, outcome]),
    [
      [first, "refused"],
      [second, "accepted"],
    ],
  );
  await until("the job is served", async () => (await stack.status()).demand.waitingJobs === 0);
  assert.equal(
    await stack.power.metric(
      'gpu_power_actions_total{instance="gpu-1",action="start",lane="api",outcome="sold_out"}',
    ),
    1,
  );
});

test("the machine is found by its id on whatever page of the list it is, by clicking too", async (t) => {
  const machines = Array.from({ length: 25 }, (_, index) => ({
    UHostId: `uhost-other-${index}`,
    Name: `other ${index}`,
  }));
  const stack = await startStack({
    lanes: ["page"],
    console: {
      machines: [...machines, { UHostId: "uhost-ours", Name: "ours" }],
      faults: { otherMachineFirst: true },
    },
    machines: 26,
    policy: { idleTimeout: "60s" },
  });
  t.after(() => stack.stop());
  // The pool is every machine; the first in priority is on the last page, because the list comes reversed.
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("a machine is started", () => stack.accepted("start", "page") === 1);
  assert.equal(stack.console.state().actions[0]?.uHostId, "uhost-other-0");
  assert.equal(stack.console.state().tallies.length, 1, "nothing was clicked in another machine's row");
});

test("a lost login is said, nothing is tried, and the job starts the machine when the login is back", async (t) => {
  const stack = await startStack({ credentials: false, console: { faults: { loginByHandOnly: true } } });
  t.after(() => stack.stop());
  await until("power says that a login is asked for", async () => {
    const { ready, words } = await stack.power.readiness();
    return !ready && words.includes("login");
  });
  await stack.loginByHand();
  await stack.power.ready();
  await stack.expireSession();
  await until(
    "the lost login is noticed",
    async () => (await stack.power.metric('gpu_power_console_session{state="login_required"}')) === 1,
    40_000,
  );
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("the job waits, with a reason", async () =>
    (await stack.status()).decisions.some(({ reason }) => reason === "state_unknown"),
  );
  assert.equal(stack.accepted("start"), 0);
  await stack.loginByHand();
  await until("the machine is started", () => stack.accepted("start") === 1);
  const page = HistoryPage.parse(await (await stack.api("/history?kind=login")).json());
  assert.deepEqual(
    page.entries.map(({ entry }) => entry.kind === "login" && entry.event),
    ["came_back", "asked_for", "came_back", "asked_for"],
  );
});

test("the login survives a restart of power", async (t) => {
  const stack = await startStack({ credentials: false, console: { faults: { loginByHandOnly: true } } });
  t.after(() => stack.stop());
  await until("a login is asked for", async () => (await stack.power.readiness()).words.includes("login"));
  await stack.loginByHand();
  await stack.power.ready();
  assert.equal(await stack.power.stop(), 0);
  stack.power.start();
  await stack.power.ready();
  assert.equal(stack.console.state().logins, 1);
});

test("a login done elsewhere, with its session brought over, is all that power needs", async (t) => {
  const key = "a key of more than sixteen characters";
  const stack = await startStack({
    credentials: false,
    console: { faults: { loginByHandOnly: true } },
    powerEnv: { SESSION_KEY: key },
  });
  t.after(() => stack.stop());
  await until("a login is asked for", async () => (await stack.power.readiness()).words.includes("login"));
  assert.equal(await stack.power.stop(), 0);
  const elsewhere = join(stack.dir, "elsewhere");
  const login = new Process("first-login", {
    command: process.execPath,
    args: [new URL("../../services/power/src/console/first-login.ts", import.meta.url).pathname],
    env: {
      PROFILES_DIR: join(stack.dir, "profiles"),
      PROFILE: "demo",
      STATE_DIR: elsewhere,
      SESSION_KEY: key,
      HEADLESS: "true",
      CHROMIUM_SANDBOX: process.getuid?.() === 0 ? "false" : "true",
    },
  });
  t.after(() => login.stop());
  await until("it asks for a person", () => login.lines.some((line) => line.includes("asks for a login")));
  await stack.loginByHand();
  assert.equal(await login.exited, 0);
  const name = "console-session.enc";
  await copyFile(join(elsewhere, name), join(stack.dir, "power", `${name}.brought`));
  stack.power.start();
  await stack.power.ready();
  assert.equal(stack.console.state().logins, 1);
});

test("a machine switched on by hand is accepted, told, and stopped when idle", async (t) => {
  const stack = await startStack();
  t.after(() => stack.stop());
  await stack.setState(0, "Running", true);
  await until("the gateway is told", () =>
    stack.dsp.heard.some(({ frame }) => frame.includes("gpu.power.booted")),
  );
  await until("the idle machine is stopped", () => stack.accepted("stop") === 1);
  assert.equal(stack.accepted("start"), 0);
});

test("witnesses that disagree: the state is unknown, nothing is stopped, a screenshot is kept", async (t) => {
  const stack = await startStack({
    policy: { observe: { off: "300ms", on: "300ms", changing: "100ms", compare: "1s" } },
  });
  t.after(() => stack.stop());
  const [id = ""] = stack.ids;
  await stack.setState(0, "Running", false);
  stack.console.turn({ pageDisagrees: { [id]: "Stopped" } });
  await until(
    "the state is unknown",
    async () => (await stack.status()).instances[0]?.words?.includes("page shows") === true,
  );
  assert.ok(((await stack.power.metric("gpu_power_witness_disagreements_total")) ?? 0) >= 1);
  assert.ok(stack.power.lines.some((line) => line.includes("screenshot")));
  stack.console.turn({ pageDisagrees: {} });
  await until("agreed again, the idle machine is stopped", () => stack.accepted("stop") === 1);
});

test("Chromium killed: launched again with the session, and the next job starts the machine", async (t) => {
  const stack = await startStack();
  t.after(() => stack.stop());
  const children = execFileSync("ps", ["-o", "pid=", "--ppid", String(stack.power.pid)], {
    encoding: "utf8",
  });
  for (const pid of children.trim().split(/\s+/)) process.kill(Number(pid), "SIGKILL");
  await until(
    "the restart is counted",
    async () =>
      ((await stack.power.metric('gpu_power_browser_restarts_total{reason="disconnected"}')) ?? 0) >= 1,
  );
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("the machine is started", () => stack.accepted("start") === 1);
  assert.equal(stack.console.state().logins, 1, "the session was restored");
});

test("a changed pool file is taken up when valid, refused when not", async (t) => {
  const stack = await startStack();
  t.after(() => stack.stop());
  const text = await readFile(stack.poolFile, "utf8");
  await writeFile(
    stack.poolFile,
    text.replace("maxStarts", "maxstarts").replace("idleTimeout: 3s", "idleTimeout: soon"),
  );
  await until(
    "the bad file is refused",
    async () => (await stack.power.metric('gpu_power_config_reload_success{file="pool"}')) === 0,
  );
  assert.ok(stack.power.lines.some((line) => line.includes("policy.idleTimeout: must be a duration")));
  await writeFile(stack.poolFile, text.replace("gpu-1", "gpu-one"));
  await until("the good one is in use", async () => (await stack.status()).instances[0]?.id === "gpu-one");
  assert.equal(await stack.power.metric('gpu_power_config_reload_success{file="pool"}'), 1);
});
