/** gpuctl against a real power: what a person types, and what comes of it. */
import assert from "node:assert/strict";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { HistoryPage } from "@gpu-power-manager/shared/history-page";
import { z } from "zod";
import { QUICK_POLICY } from "../harness/pool-files.ts";
import { Process, until } from "../harness/process.ts";
import { type Stack, startStack } from "../harness/stack.ts";

const Bundle = z.object({ files: z.array(z.object({ path: z.string() })) });
const GPUCTL = new URL("../../packages/cli/src/gpuctl.ts", import.meta.url).pathname;

async function withStack(t: TestContext, options: Parameters<typeof startStack>[0] = {}): Promise<Stack> {
  const stack = await startStack(options);
  t.after(() => stack.stop());
  return stack;
}

function start(stack: Stack, ...args: string[]): Process {
  return new Process("gpuctl", {
    command: process.execPath,
    args: [GPUCTL, ...args],
    env: {
      POWER_URL: stack.power.url,
      LISTENER_URL: stack.listener.url,
      OPERATOR_TOKEN: stack.tokens.operator,
      GPUCTL_ACTOR: "anna",
      LANG: "C",
    },
  });
}

async function gpuctl(stack: Stack, ...args: string[]) {
  const child = start(stack, ...args);
  return { code: await child.exited, text: child.lines.join("\n") };
}

test("a command runs while the GPU is needed for it, its exit code is passed on, and the machine idles after it", async (t) => {
  const told = join(await mkdtemp(join(tmpdir(), "hooks-")), "told");
  const hooks = [{ name: "file", command: ["/bin/sh", "-c", `cat >>${told}; echo >>${told}`] }];
  const stack = await withStack(t, { hooks });
  const { code, text } = await gpuctl(stack, "run", "--", process.execPath, "-e", "process.exit(7)");
  assert.equal(code, 7, text);
  assert.match(text, /Waiting for the GPU: gpu-1/);
  assert.equal(stack.accepted("start"), 1, "it ran only when the machine did");
  assert.deepEqual((await stack.status()).needs, []);
  await until("it idles and stops", () => stack.state() === "Stopped");
  const page = HistoryPage.parse(await (await stack.api("/history?kind=operator")).json());
  assert.deepEqual(
    page.entries.map(({ entry }) => entry.kind === "operator" && [entry.action, entry.actor]),
    [
      ["end_need", "anna"],
      ["need", "anna"],
    ],
  );
  const test = await gpuctl(stack, "hooks", "test");
  assert.deepEqual([test.code, test.text], [0, "file  has taken the test"]);
  const events = async () => {
    const names = [...(await readFile(told, "utf8")).matchAll(/"type":"gpu\.(\w+)"/g)].map(
      ([, name]) => name,
    );
    // The test goes past the queue; that the machine is off at the beginning is told, too.
    const wanted = names.filter((name) => !["test", "worker_online", "gap"].includes(name ?? ""));
    return wanted.slice(wanted.indexOf("start_requested"));
  };
  await until("a hook was told of all of it", async () => (await events()).includes("stopped"));
  assert.deepEqual(await events(), ["start_requested", "running", "idle_stop", "stopped"]);
  assert.match((await gpuctl(stack, "hooks")).text, /^file {2}command {2}last taken: /);
});

test("gpuctl run killed with SIGKILL: the need ends by itself within its ttl, and the machine stops", async (t) => {
  const stack = await withStack(t);
  const child = start(stack, "run", "--no-wait", "--ttl", "3s", "--", "sleep", "30");
  await until("the need lives", async () => (await stack.status()).needs.length === 1);
  await until("it is renewed beyond its first life", async () => stack.state() === "Running");
  const killed = Date.now();
  await child.kill();
  await until("it has ended by itself", async () => (await stack.status()).needs.length === 0);
  assert.ok(Date.now() - killed < 3_500, "within its ttl");
  await until("the machine is off", () => stack.state() === "Stopped");
});

test("a signal ends the command and the need at once", async (t) => {
  const stack = await withStack(t);
  const child = start(stack, "run", "--no-wait", "--", "sleep", "30");
  await until("the need lives", async () => (await stack.status()).needs.length === 1);
  await until("the command runs", () => child.running);
  child.signal("SIGTERM");
  assert.equal(await child.exited, 128 + 15);
  assert.deepEqual((await stack.status()).needs, []);
});

test("what a person types is done, or refused with words and the documented exit code", async (t) => {
  const stack = await withStack(t, { policy: { ...QUICK_POLICY, idleTimeout: "60s" } });
  assert.match((await gpuctl(stack, "status")).text, /Pool default/);
  const why = await gpuctl(stack, "why");
  assert.match(why.text, /wait: nothing is wanted\n[\s\S]*✗ something wants the GPU \(nothing\)/);
  const held = await gpuctl(stack, "hold", "--off", "--for", "1h", "--reason", "maintenance");
  assert.equal(held.code, 0, held.text);
  assert.match(
    (await gpuctl(stack, "--lang", "zh", "status")).text,
    /指令 {6}保持 GPU 关机.*anna: maintenance/,
  );
  const refused = await gpuctl(stack, "start", "gpu-1", "--reason", "now");
  assert.equal(refused.code, 1);
  assert.match(refused.text, /That is refused now\. The pool is held off; resume first\./);
  assert.equal((await gpuctl(stack, "resume", "--reason", "done")).code, 0);
  assert.equal((await gpuctl(stack, "start", "gpu-1", "--reason", "now")).code, 0);
  await until("it runs", async () => (await stack.status()).instances[0]?.state === "running");
  const need = await gpuctl(stack, "need", "1h", "--reason", "training");
  assert.equal(need.code, 0, need.text);
  assert.match((await gpuctl(stack, "needs")).text, /^by-anna .*training/);
  assert.match((await gpuctl(stack, "stop", "gpu-1", "--reason", "x")).text, /needed for/);
  assert.equal((await gpuctl(stack, "need", "--end", "by-anna", "--reason", "done")).code, 0);
  assert.equal((await gpuctl(stack, "reload", "--reason", "edited")).code, 0);

  const history = await gpuctl(stack, "history", "--kind", "operator", "--limit", "3");
  assert.match(history.text, /anna \(operator\) {2}reload: edited$/);
  const holds = await gpuctl(stack, "history", "--kind", "hold");
  assert.match(holds.text, /anna \(operator\) {2}hold: maintenance \[off for 1 h 0 m\]\n.* {2}resume: done$/);
  assert.match((await gpuctl(stack, "history", "--kind", "login")).text, /logged in with user and password$/);
  const output = join(stack.dir, "bundle.tar.gz");
  const made = await gpuctl(stack, "--json", "support-bundle", "--output", output);
  assert.equal(made.code, 0, made.text);
  const packed = Bundle.parse(JSON.parse(made.text)).files.map(({ path }) => path);
  for (const path of ["status.json", "why.json", "config.json", "history.json", "metrics/power.txt"])
    assert.ok(packed.includes(path), path);
  const json: unknown = JSON.parse((await gpuctl(stack, "--json", "history", "--limit", "2")).text);
  assert.ok(typeof json === "object" && json !== null && "entries" in json && Array.isArray(json.entries));
  assert.equal(json.entries.length, 2);

  assert.equal((await gpuctl(stack, "hold")).code, 2, "no reason");
  assert.equal((await gpuctl(stack, "need", "soon", "--reason", "x")).code, 2, "no duration");
  const away = await gpuctl(stack, "--url", "http://127.0.0.1:9", "needs");
  assert.equal(away.code, 3);
  assert.match(away.text, /cannot be asked at http:\/\/127\.0\.0\.1:9/);
});

test("whoever watches sees a job's way", async (t) => {
  const stack = await withStack(t);
  const child = start(stack, "watch");
  await until("it watches", () => child.lines.some((line) => line.includes("gpu-1 stopped")));
  await stack.dsp.submit({ type: "url", key: "K1" });
  const seen = (words: string) => until(words, () => child.lines.some((line) => line.includes(words)));
  await seen("gpu-1  start requested: a job waits");
  await seen("gpu-1  starting → running");
  await seen("gpu-1  start succeeded");
  child.signal("SIGINT");
  assert.equal(await child.exited, 0);
});

test("the gateway's Redis is shown as tables, keys only where they are asked for, and nothing is written", async (t) => {
  const stack = await withStack(t);
  const license = "license-of-anna-1234";
  await stack.dsp.submit({
    type: "gpu.job.submit",
    key: license,
    taskType: "heygem_submit",
    requestId: "r1",
  });
  const dsp = async (...args: string[]) =>
    (await gpuctl(stack, "dsp", ...args, "--redis", stack.redis.url)).text;
  const pending = await dsp("pending");
  assert.match(
    pending,
    /^license +type +task type +request\n[0-9a-f]{16} +gpu\.job\.submit +heygem_submit +r1$/,
  );
  assert.ok(!pending.includes(license));
  assert.match(await dsp("pending", "--show-keys"), new RegExp(`^${license} `, "m"));
  assert.match(await dsp("status"), /heygem_submit +queued +\d+ s +r1/);
  assert.match(await dsp("monitors"), /^fd\n\d+$/);
  assert.match(await dsp("workers"), /None\.|^fd/);
  assert.match(await dsp("clients"), /^fd +license/);
  const unknown = await gpuctl(stack, "dsp", "pending", "--redis", "redis://127.0.0.1:9");
  assert.equal(unknown.code, 3);
  assert.match(unknown.text, /ECONNREFUSED/);
});
