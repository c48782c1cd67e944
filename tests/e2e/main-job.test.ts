/** The main job: a notice starts the GPU through the console, idleness stops it; by each lane, for each type. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../harness/process.ts";
import { startStack } from "../harness/stack.ts";

for (const lane of ["api", "page"] as const) {
  test(`a job starts the machine and idleness stops it, by the ${lane} lane`, async (t) => {
    const stack = await startStack({ lanes: [lane] });
    t.after(() => stack.stop());
    assert.equal(stack.state(), "Stopped");

    const submittedAt = Date.now();
    await stack.dsp.submit({ type: "gpu.job.submit", key: "K1", taskType: "heygem_submit" });
    await until("the console takes a start", () => stack.accepted("start", lane) === 1);
    const [start] = stack.console.state().actions;
    assert.ok(start !== undefined && start.uHostId === stack.ids[0]);
    t.diagnostic(`notice to start request: ${Math.round(start.atMs - submittedAt)} ms`);

    await until("the machine runs", () => stack.state() === "Running");
    await until("the gateway is told", () =>
      stack.dsp.heard.some(({ frame }) => frame.includes("gpu.power.booted")),
    );
    await until("the job is served", async () => (await stack.status()).demand.waitingJobs === 0);
    assert.equal(await stack.power.metric('gpu_power_instance_state{instance="gpu-1",state="running"}'), 1);

    await until("the idle machine is stopped", () => stack.accepted("stop", lane) === 1);
    await until("the machine is off", () => stack.state() === "Stopped");
    await until("power knows", async () => (await stack.status()).instances[0]?.state === "stopped");
    assert.equal(stack.accepted("start"), 1);
    assert.equal(stack.accepted("stop"), 1);
    assert.equal(await stack.power.metric("gpu_power_pending_jobs"), 0);
  });
}

test("each type of job starts the machine; a boot request does too and is answered", async (t) => {
  const stack = await startStack();
  t.after(() => stack.stop());
  const back = async () => {
    await until(
      "the machine is off again",
      async () => (await stack.status()).instances[0]?.state === "stopped" && stack.state() === "Stopped",
    );
  };
  let starts = 0;
  for (const type of ["url", "chatglm_video", "gpu.job.submit", "gpu_task"] as const) {
    await stack.dsp.submit({ type, key: `K-${type}` });
    starts += 1;
    await until(`${type} starts the machine`, () => stack.accepted("start") === starts);
    await until("it runs", () => stack.state() === "Running");
    await back();
  }
  const client = await stack.dsp.client("K9");
  client.send({ type: "gpu.power.boot", request_id: "boot-1" });
  await until("the boot request starts the machine", () => stack.accepted("start") === starts + 1);
  const answer = await until("it is answered", () =>
    stack.dsp.heard.find(({ frame }) => frame.includes("gpu.power.booted") && frame.includes("boot-1")),
  );
  assert.match(answer.frame, /"request_id":"boot-1"/);
  await back();
  // Seven starts within the hour are one more than the policy allows, also for a boot request.
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("the sixth start", () => stack.accepted("start") === 6);
  await until("it runs", () => stack.state() === "Running");
  await back();
  client.send({ type: "gpu.power.boot", request_id: "boot-2" });
  await until("the seventh is refused", () =>
    stack.dsp.heard.some(({ frame }) => frame.includes("gpu.power.boot.result") && frame.includes("boot-2")),
  );
  assert.equal(stack.accepted("start"), 6);
  await client.close();
});

test("a client's question about the state is answered at once and then afresh", async (t) => {
  const stack = await startStack();
  t.after(() => stack.stop());
  const client = await stack.dsp.client("K1");
  client.send({ type: "gpu.status.query", request_id: "q1" });
  const first = await client.next((frame) => frame.type === "gpu.status.response");
  assert.deepEqual([first.status, first.request_id], ["stopped", "q1"]);
  await client.next((frame) => frame.type === "gpu.status.response" && frame.fresh === true);
  assert.equal(stack.accepted("start"), 0, "a question starts nothing");
  await client.close();
});
