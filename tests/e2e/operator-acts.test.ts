/** What people may do through the API of a real power: holds, needs, starts and stops by hand. */
import assert from "node:assert/strict";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { Ordered, Problem } from "@gpu-power-manager/shared/api";
import { HistoryPage } from "@gpu-power-manager/shared/history-page";
import { HoldAnswer, NeedList } from "@gpu-power-manager/shared/holds-and-needs";
import { QUICK_POLICY } from "../harness/pool-files.ts";
import { until } from "../harness/process.ts";
import { type Stack, startStack } from "../harness/stack.ts";

async function withStack(t: TestContext, options: Parameters<typeof startStack>[0] = {}): Promise<Stack> {
  const stack = await startStack(options);
  t.after(() => stack.stop());
  return stack;
}

const say = { reason: "a test", actor: "anna" };

async function act(stack: Stack, method: string, path: string, body: object = say) {
  const response = await stack.api(path, { method, body });
  return { status: response.status, body: (await response.json()) as unknown };
}

async function refusal(stack: Stack, method: string, path: string, body: object = say): Promise<Problem> {
  const answer = await act(stack, method, path, body);
  assert.ok(answer.status >= 400, JSON.stringify(answer));
  return Problem.parse(answer.body);
}

const acts = async (stack: Stack) => {
  const page = HistoryPage.parse(await (await stack.api("/history?kind=operator")).json());
  return page.entries.flatMap(({ entry }) => (entry.kind === "operator" ? [entry] : []));
};

test("a viewer may do nothing, and a change without a reason is refused", async (t) => {
  const stack = await withStack(t);
  for (const [method, path] of [
    ["PUT", "/hold"],
    ["DELETE", "/hold"],
    ["PUT", "/needs/a"],
    ["DELETE", "/needs/a"],
    ["POST", "/instances/gpu-1/start"],
    ["POST", "/instances/gpu-1/stop"],
    ["POST", "/reload"],
  ] as const) {
    const response = await stack.api(path, { method, body: say, token: stack.tokens.viewer });
    assert.equal(Problem.parse(await response.json()).code, "forbidden", `${method} ${path}`);
    const { code, detail } = await refusal(stack, method, path, {});
    assert.equal(code, "bad_request", `${method} ${path}`);
    assert.match(detail, /reason/);
    const unknown = await refusal(stack, method, path, { ...say, colour: "red" });
    assert.match(unknown.detail, /colour/);
  }
  assert.deepEqual(await acts(stack), []);
});

test("a need starts the GPU and keeps it on while it is renewed; it ends by itself when its owner dies", async (t) => {
  const stack = await withStack(t);
  const body = { ...say, ttl: "3s" };
  const said = NeedList.parse((await act(stack, "PUT", "/needs/training", body)).body);
  assert.deepEqual(
    said.needs.map(({ id, by, reason }) => [id, by, reason]),
    [["training", "anna", "a test"]],
  );
  await until("it runs", async () => (await stack.status()).instances[0]?.state === "running");
  assert.equal(stack.accepted("start"), 1);
  assert.match((await refusal(stack, "POST", "/instances/gpu-1/stop")).detail, /needed for/);
  const renewed = Date.now();
  await act(stack, "PUT", "/needs/training", body);
  assert.equal((await stack.status()).needs.length, 1);
  // Nobody says it again.
  await until("it idles and stops", () => stack.state() === "Stopped");
  assert.ok(Date.now() - renewed >= 3_000 + 1_000, "not before its time and the idle time were over");
  assert.deepEqual((await stack.status()).needs, []);
  assert.deepEqual(
    (await acts(stack)).map(({ action, outcome }) => [action, outcome]),
    [
      ["stop", "refused"],
      ["need", "done"],
    ],
    "renewals do not fill history",
  );
});

test("a machine whose GPU computes is kept on although nobody told of work, by the power that comes after, too", async (t) => {
  const stack = await withStack(t);
  const [id = ""] = stack.ids;
  stack.console.turn({ facts: { [id]: { gpuUsage: [3, 80] } } });
  await act(stack, "PUT", "/needs/training", { ...say, ttl: "3s" });
  const kept = async () => (await stack.status()).decisions.some(({ reason }) => reason === "gpu_busy");
  await until("it is kept on for its GPU alone", kept);
  assert.equal(await stack.power.metric('gpu_power_gpu_usage_ratio{instance="gpu-1"}'), 0.8);
  assert.match((await refusal(stack, "POST", "/instances/gpu-1/stop")).detail, /GPU computed more than 10 %/);
  // A quiet second, in which another power takes over.
  assert.equal(await stack.power.stop(), 0);
  stack.console.turn({ facts: { [id]: { gpuUsage: [0, 0] } } });
  stack.power.start();
  await stack.power.ready();
  await until("it is kept on still", kept);
  assert.equal(stack.accepted("stop"), 0);
  await act(stack, "POST", "/instances/gpu-1/stop", { ...say, force: true });
  await until("a person may force it", () => stack.state() === "Stopped");
});

test("a need survives a restart of power, is ended by its owner, and knows its limits", async (t) => {
  const stack = await withStack(t, { policy: { ...QUICK_POLICY, needs: { maxTtl: "1m", max: 1 } } });
  await act(stack, "PUT", "/needs/a", { ...say, ttl: "1m" });
  await until("it runs", () => stack.state() === "Running");
  assert.equal(await stack.power.stop(), 0);
  stack.power.start();
  await stack.power.ready();
  assert.equal((await stack.status()).needs[0]?.id, "a");
  assert.match((await refusal(stack, "PUT", "/needs/b", { ...say, ttl: "2m" })).detail, /at most 1 m/);
  assert.match((await refusal(stack, "PUT", "/needs/b", { ...say, ttl: "5s" })).detail, /policy\.needs\.max/);
  assert.equal((await refusal(stack, "PUT", "/needs/a b", { ...say, ttl: "5s" })).code, "bad_request");
  await act(stack, "DELETE", "/needs/a");
  await until("it idles and stops", () => stack.state() === "Stopped");
  assert.equal((await refusal(stack, "DELETE", "/needs/a")).code, "not_found");
  assert.equal(stack.accepted("start"), 1);
});

test("held on it starts and stays, held off it waits with its jobs, resumed it serves them", async (t) => {
  const stack = await withStack(t);
  const held = HoldAnswer.parse((await act(stack, "PUT", "/hold", { ...say, mode: "on", for: "4s" })).body);
  assert.equal(held.hold?.mode, "on");
  await until("it runs", () => stack.state() === "Running");
  await until("the hold ends by itself, it idles and stops", () => stack.state() === "Stopped");
  // An order is refused for a stop that is under way before it is refused for a hold.
  await until("power has seen it stop", async () => (await stack.status()).instances[0]?.attempt === null);
  assert.equal(HoldAnswer.parse(await (await stack.api("/hold")).json()).hold, null);

  await act(stack, "PUT", "/hold", { ...say, mode: "off" });
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("the job waits", async () => {
    const { demand, decisions } = await stack.status();
    return demand.waitingJobs === 1 && decisions.some(({ reason }) => reason === "held_off");
  });
  assert.match((await refusal(stack, "POST", "/instances/gpu-1/start")).detail, /held off; resume/);
  // Another life of power knows of the hold, too.
  assert.equal(await stack.power.stop(), 0);
  stack.power.start();
  await until("power is back", async () => (await stack.status()).hold?.mode === "off");
  assert.equal(stack.accepted("start"), 1);
  await act(stack, "DELETE", "/hold");
  await until("the job is served", () => stack.state() === "Running");
  assert.equal(stack.accepted("start"), 2);
});

test("a start by hand goes the way of power's own; a stop is refused while a job waits or works, unless it is forced", async (t) => {
  const stack = await withStack(t, { policy: { ...QUICK_POLICY, idleTimeout: "60s" } });
  const ordered = Ordered.parse((await act(stack, "POST", "/instances/gpu-1/start")).body);
  await until("it runs", async () => (await stack.status()).instances[0]?.state === "running");
  assert.match((await refusal(stack, "POST", "/instances/gpu-1/start")).detail, /running already/);
  const attempt = HistoryPage.parse(await (await stack.api("/history")).json()).entries.map(
    ({ entry }) => entry,
  );
  const intent = attempt.find(({ kind }) => kind === "intent");
  assert.ok(
    intent?.kind === "intent" && intent.attemptId === ordered.attemptId && intent.reason === "ordered",
  );

  const worker = await stack.dsp.worker();
  worker.send({ type: "gpu.task.active", task_id: "t1", task_type: "heygem_submit", ts: 1 });
  await until("it is known to be active", async () => (await stack.status()).demand.lastActivityAt !== null);
  const busy = await refusal(stack, "POST", "/instances/gpu-1/stop");
  assert.match(busy.detail, /active|last sign of work/);
  assert.equal(stack.accepted("stop"), 0);

  const forced = Ordered.parse(
    (await act(stack, "POST", "/instances/gpu-1/stop", { ...say, force: true })).body,
  );
  await until("it is off", () => stack.state() === "Stopped");
  const [last, before] = await acts(stack);
  assert.deepEqual(
    [last?.action, last?.forced, last?.outcome, last?.attemptId, last?.actor, last?.token],
    ["stop", true, "done", forced.attemptId, "anna", "operator"],
  );
  assert.deepEqual([before?.action, before?.forced, before?.outcome], ["stop", false, "refused"]);
  await worker.close();
});

test("an idle machine is stopped by hand at once, after the same care as by power itself", async (t) => {
  const stack = await withStack(t, { policy: { ...QUICK_POLICY, idleTimeout: "60s" } });
  await act(stack, "POST", "/instances/gpu-1/start");
  await until("it runs", async () => (await stack.status()).instances[0]?.state === "running");
  Ordered.parse((await act(stack, "POST", "/instances/gpu-1/stop")).body);
  await until("it is off", () => stack.state() === "Stopped");
  assert.equal(
    (await refusal(stack, "POST", "/instances/nobody/stop")).detail.includes("no machine nobody"),
    true,
  );
});

test("a changed pool file is taken up on demand; a broken one is refused with its line", async (t) => {
  const stack = await withStack(t);
  const good = await readFile(stack.poolFile, "utf8");
  await appendFile(stack.poolFile, "\ncolour: red\n");
  const refused = await refusal(stack, "POST", "/reload");
  assert.match(refused.detail, /:\d+: .*colour/i);
  await writeFile(stack.poolFile, good);
  assert.equal((await act(stack, "POST", "/reload")).status, 200);
});

test("a power that stands by refuses to act, and names the one that does", async (t) => {
  const stack = await withStack(t, { powers: 2 });
  const [first, second] = stack.powers;
  assert.ok(first && second);
  const leads = async (service: typeof first) => (await service.metric("gpu_power_leader")) === 1;
  const standby = (await leads(first)) ? second : first;
  const response = await stack.api("/hold", { of: standby, method: "PUT", body: say });
  const { code, detail } = Problem.parse(await response.json());
  assert.equal(code, "stands_by");
  assert.match(detail, /^\S+:\d+ acts; ask that one/);
  const history = await stack.api("/history", { of: standby });
  assert.equal(history.status, 200, "reading works on both");
});
