/** Of two powers one acts; when it dies, hangs or leaves, the other takes over, and the machine is started once. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Problem } from "@gpu-power-manager/shared/api";
import { HistoryPage } from "@gpu-power-manager/shared/history-page";
import { HoldAnswer } from "@gpu-power-manager/shared/holds-and-needs";
import { PowerStatus } from "@gpu-power-manager/shared/status";
import { Why } from "@gpu-power-manager/shared/why";
import { LEASE_MS, LOOK_MS } from "../../services/power/src/lease/lease-rules.ts";
import { ANYWAY_MS } from "../../services/power/src/operator/acting-view.ts";
import { startGuardedNats } from "../harness/guarded-nats.ts";
import { until } from "../harness/process.ts";
import type { Service } from "../harness/service.ts";
import { type Stack, type StackOptions, startStack } from "../harness/stack.ts";

/** What is promised for a power that dies; a machine under test is given some more, and the time is told. */
const TAKEOVER_MS = 15_000;
const TAKEOVER_BOUND_MS = 30_000;

const leads = async (power: Service) => (await power.metric("gpu_power_leader")) === 1;

async function startTwo(t: TestContext, options: StackOptions = {}): Promise<[Stack, Service, Service]> {
  const stack = await startStack({ powers: 2, policy: { idleTimeout: "60s" }, ...options });
  t.after(() => stack.stop());
  const [first, second] = stack.powers;
  assert.ok(first !== undefined && second !== undefined);
  return [stack, first, second];
}

/** Every job is counted once and has seen a machine that runs. */
async function served(stack: Stack, power: Service, jobs: number): Promise<void> {
  await until(
    `${jobs} jobs are served`,
    async () => {
      const { counts, waitingJobs } = (await stack.status(power)).demand;
      return counts.url === jobs && waitingJobs === 0;
    },
    TAKEOVER_BOUND_MS,
  );
}

/** Resolves when `power` acts and is ready; tells how long both took. */
async function takesOver(t: TestContext, power: Service, words: string, within = TAKEOVER_MS): Promise<void> {
  const began = Date.now();
  await until(`${words}: the other power holds the lease`, () => leads(power), TAKEOVER_BOUND_MS);
  const held = Date.now() - began;
  await until(
    `${words}: it is ready to act`,
    async () => {
      const { ready, words: said } = await power.readiness();
      return ready && !said.includes("Standing by");
    },
    TAKEOVER_BOUND_MS,
  );
  const ready = Date.now() - began;
  t.diagnostic(
    `${words}: the other power holds the lease after ${held} ms and is ready to act after ${ready} ms`,
  );
  assert.ok(ready <= within, `${ready} ms`);
}

test("one power acts, the other says in words that it stands by and leaves the console alone", async (t) => {
  const [stack, first, second] = await startTwo(t);
  assert.deepEqual(await Promise.all([leads(first), leads(second)]), [true, false]);
  const { ready, words } = await second.readiness();
  assert.ok(ready);
  assert.match(words, /^Standing by: .+ has held the lease since .+ when it has been silent for 10/);
  const name = (await stack.status()).actingInstance;
  assert.ok(name !== null && words.includes(`${name} has held the lease`), words);
  await stack.dsp.submit({ type: "url", key: "K1" });
  await served(stack, first, 1);
  assert.equal(stack.accepted("start"), 1);
  assert.ok(!second.lines.some((line) => line.includes("logged in at the console")));
  assert.equal(await second.stop(), 0, "a standby stops cleanly, too");
  assert.ok(await leads(first));
});

test("a standby tells what the acting power knows, and of when; it refuses to act and names who does", async (t) => {
  // With the users of the shipped configuration: each may say and hear just its own subjects.
  const nats = await startGuardedNats();
  const [stack, first, second] = await startTwo(t, { cluster: nats });
  t.after(() => nats.stop());
  const name = (await stack.status(first)).actingInstance;
  const read = async (path: string) => await (await stack.api(path, { of: second })).json();
  const told = async () => PowerStatus.parse(await read("/status"));
  await until("the acting power has told", async () => (await stack.api("/status", { of: second })).ok);

  const body = { reason: "maintenance", mode: "off" };
  const refused = await stack.api("/hold", { of: second, method: "PUT", body });
  assert.equal(refused.status, 409);
  const { code, detail } = Problem.parse(await refused.json());
  assert.equal(code, "stands_by");
  assert.ok(name !== null && detail.includes(name), detail);
  assert.equal((await stack.api("/hold", { method: "PUT", body })).status, 200);
  await until("the hold is told", async () => (await told()).hold?.mode === "off");
  assert.equal(HoldAnswer.parse(await read("/hold")).hold?.reason, "maintenance");
  const why = Why.parse(await read("/why"));
  assert.deepEqual([why.actingInstance, why.start.length > 0], [name, true]);
  assert.ok(HistoryPage.parse(await read("/history?kind=operator")).entries.length === 1);
  await stack.api("/hold", { method: "DELETE", body: { reason: "done" } });

  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("the machine is told to run", async () => {
    const { instances, actingInstance, asOf, at } = await told();
    assert.equal(actingInstance, name);
    assert.ok(Date.parse(asOf) <= Date.parse(at));
    return instances[0]?.state === "running";
  });

  // One that hangs tells nothing new: its last word stays, with the time that it is of.
  first.signal("SIGSTOP");
  t.after(() => first.signal("SIGCONT"));
  const { asOf } = await told();
  await until("it is seen how old the view is", async () => {
    const later = await told();
    return later.asOf === asOf && Date.parse(later.at) - Date.parse(asOf) > ANYWAY_MS;
  });
  await until("the standby has taken over, and tells its own", async () => {
    const { actingInstance } = await told();
    return actingInstance !== name && actingInstance !== null;
  });
  first.signal("SIGCONT");
});

test("kill -9 of the acting power in the middle of a start: the standby goes on with it", async (t) => {
  const [stack, first, second] = await startTwo(t, {
    console: { bootMs: 20_000 },
    policy: { idleTimeout: "60s", startTimeout: "60s" },
  });
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("the start is taken", () => stack.accepted("start") === 1);
  await first.kill();
  await takesOver(t, second, "kill -9");
  const { instances } = await stack.status(second);
  assert.equal(instances[0]?.attempt?.action, "start", "it knows of the start that is under way");
  await stack.dsp.submit({ type: "url", key: "K2" });
  await served(stack, second, 2);
  assert.equal(stack.accepted("start"), 1);
  assert.equal((await stack.status(second)).instances[0]?.failures, 0);

  // The first comes back and stands by in its turn.
  first.start();
  await first.ready();
  assert.match((await first.readiness()).words, /^Standing by/);
  assert.deepEqual(await Promise.all([leads(first), leads(second)]), [false, true]);
});

test("kill -9 while the start request is on its way: looked at, never sent twice", async (t) => {
  const [stack, first, second] = await startTwo(t, { console: { bootMs: 2_000 } });
  stack.console.turn({ slowApiMs: 1_500 });
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("the intent is written down", () =>
    first.lines.some((line) => line.includes("start requested")),
  );
  await first.kill();
  stack.console.turn({ slowApiMs: 0 });
  await takesOver(t, second, "kill -9 with a request on its way");
  await served(stack, second, 1);
  assert.equal(stack.accepted("start"), 1);
});

test("an acting power that hangs is followed, and when it wakes up it acts no more and ends", async (t) => {
  const [stack, first, second] = await startTwo(t);
  first.signal("SIGSTOP");
  t.after(() => first.signal("SIGCONT"));
  await takesOver(t, second, "SIGSTOP");
  // A job for whoever would take it: the one that wakes up has a pull for jobs of its own.
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("the job starts the machine", () => stack.accepted("start") === 1);
  await stack.dsp.burst(50, { type: "url", key: "K2" });
  first.signal("SIGCONT");
  assert.equal(await first.exited(), 1, "an exit code after which Docker restarts it");
  assert.ok(first.lines.some((line) => line.includes("Another power has taken over")));
  await served(stack, second, 51);
  assert.equal(stack.accepted("start"), 1);
  assert.equal(stack.accepted("stop"), 0);
  assert.ok(await leads(second));

  first.start();
  await first.ready();
  assert.match((await first.readiness()).words, /^Standing by/);
});

test("a power that is stopped leaves the lease at once", async (t) => {
  const [stack, first, second] = await startTwo(t);
  await stack.dsp.submit({ type: "url", key: "K1" });
  await served(stack, first, 1);
  assert.equal(await first.stop(), 0);
  await takesOver(t, second, "SIGTERM", 5_000);
  await until(
    "it sees the machine run",
    async () => (await stack.status(second)).instances[0]?.state === "running",
  );
  assert.equal(await second.stop(), 0);
  assert.deepEqual([stack.accepted("start"), stack.accepted("stop")], [1, 0]);
});

test("NATS away for longer than the lease: nobody acts meanwhile, and the same power goes on after it", async (t) => {
  const [stack, first, second] = await startTwo(t);
  await stack.nats.halt();
  const awayAt = Date.now();
  await until(
    "the acting power knows that it must not act any more",
    async () => !(await leads(first)),
    TAKEOVER_BOUND_MS,
  );
  assert.match((await second.readiness()).words, /NATS/);
  await until("it says so", () => first.lines.some((line) => line.includes("The lease cannot be renewed")));
  // Until the standby has seen no renewal for so long that it would take over, were the silence the holder's.
  await until("the lease is over", () => Date.now() - awayAt > LEASE_MS + LOOK_MS, TAKEOVER_BOUND_MS);
  await stack.dsp.submit({ type: "url", key: "K1" });
  assert.equal(stack.accepted("start"), 0);
  await stack.nats.resume();
  await until("the job starts the machine", () => stack.accepted("start") === 1, TAKEOVER_BOUND_MS);
  assert.deepEqual(await Promise.all([leads(first), leads(second)]), [true, false]);
  await served(stack, first, 1);
  assert.equal(stack.accepted("start"), 1);
});
