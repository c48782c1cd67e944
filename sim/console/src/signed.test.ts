/** Requests that are signed, and need no session. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { z } from "zod";
import { until } from "../../../tests/harness/process.ts";
import { quickConsole } from "./browser-for-tests.ts";
import { type Console, DEFAULT_PRIVATE_KEY, DEFAULT_PUBLIC_KEY } from "./provider.ts";
import { RET } from "./ret-codes.ts";
import { signatureOf } from "./signature.ts";

const A = { UHostId: "uhost-a", Region: "cn-wlcb", Zone: "cn-wlcb-01" };
let running: Console;
before(async () => {
  running = await quickConsole({ machines: [{ UHostId: A.UHostId, State: "Running" }] });
});
after(async () => {
  await running.close();
});

const Answer = z.looseObject({
  RetCode: z.int(),
  Message: z.string().optional(),
  UHostSet: z.array(z.looseObject({ State: z.string(), GPU: z.int() })).optional(),
});

async function post(fields: Record<string, string>) {
  const response = await fetch(running.apiUrl, { method: "POST", body: new URLSearchParams(fields) });
  assert.equal(response.status, 200);
  assert.match(response.headers.get("x-ucloud-request-uuid") ?? "", /^[0-9a-f-]{36}$/);
  return Answer.parse(await response.json());
}

function signed(fields: Record<string, string>, privateKey = DEFAULT_PRIVATE_KEY): Record<string, string> {
  const unsigned = { PublicKey: DEFAULT_PUBLIC_KEY, ...fields };
  return { ...unsigned, Signature: signatureOf(unsigned, privateKey) };
}

const ask = async (Action: string, fields: Record<string, string> = {}) =>
  await post(signed({ Action, ...fields }));

test("the signature is the SDK's: its own examples", () => {
  assert.equal(signatureOf({ foo: "bar" }, "my_private_key"), "634edc1bb957c0d65e5ab5494cf3b7784fbc87af");
  const fields = { foo: "bar", PublicKey: "my_public_key", Signature: "whatever" };
  assert.equal(signatureOf(fields, "my_private_key"), "d4411ab30953fb0bbcb1e7313081f05e4e91a394");
});

test("who has no right key is turned away by the provider's own codes", async () => {
  const list = { Action: "DescribeCompShareInstance" };
  assert.equal((await post(signed(list, "another"))).RetCode, RET.wrongSignature);
  assert.equal((await post({ ...signed(list), Limit: "50" })).RetCode, RET.wrongSignature);
  const { Signature: _, ...unsigned } = signed(list);
  assert.equal((await post(unsigned)).RetCode, RET.missingField);
  assert.equal((await post(signed({ ...list, PublicKey: "nobody" }))).Message, "User Not Exists");
  running.turn({ keysRevoked: true });
  assert.equal((await post(signed(list))).RetCode, RET.noSuchUser);
  running.turn({ keysRevoked: false });
  assert.equal((await post(signed(list))).RetCode, RET.accepted);
});

test("the list tells use, prices and times, and the signed API knows places", async () => {
  running.turn({ facts: { [A.UHostId]: { gpuUsage: [80, 3.25] } } });
  const { UHostSet = [] } = await ask("DescribeCompShareInstance", {
    Region: A.Region,
    "UHostIds.0": A.UHostId,
  });
  assert.deepEqual(
    z
      .looseObject({ GpuInfo: z.array(z.looseObject({ GpuUsageRate: z.string() })) })
      .parse(UHostSet[0]?.MonitorMessages)
      .GpuInfo.map((gpu) => gpu.GpuUsageRate),
    ["80.00%", "3.25%"],
  );
  assert.equal(UHostSet[0]?.InstancePrice, 1.98);
  assert.equal(UHostSet[0]?.ReleaseTime, undefined, "a running machine is not deleted");
  assert.deepEqual((await ask("DescribeCompShareInstance", { Region: "cn-other" })).UHostSet, []);
});

test("the provider stops a machine when that was planned, and not five minutes ahead at least is refused", async () => {
  const project = { ProjectId: "org-standin" };
  const plan = async (seconds: number) =>
    await ask("UpdateCompShareStopScheduler", {
      ...A,
      ...project,
      SchedulerStopTime: String(Math.floor(Date.now() / 1_000) + seconds),
    });
  assert.equal((await plan(60)).RetCode, RET.badField);
  assert.equal((await plan(3_600)).RetCode, RET.accepted);
  const planned = (await ask("DescribeCompShareInstance")).UHostSet?.[0]?.SchedulerStopTime;
  assert.ok(typeof planned === "number" && planned > Date.now() / 1_000);
  assert.equal(
    (await ask("DeleteCompShareStopScheduler", { UHostId: A.UHostId, Region: A.Region, ...project })).RetCode,
    RET.accepted,
  );
  assert.equal((await ask("DescribeCompShareInstance")).UHostSet?.[0]?.SchedulerStopTime, 0);
});

test("a machine that is started without its GPU runs, and says so", async () => {
  assert.equal((await ask("StopCompShareInstance", A)).RetCode, RET.accepted);
  await until("it is off", () => running.state().machines[0]?.State === "Stopped");
  running.turn({ soldOut: [A.UHostId] });
  assert.equal((await ask("StartCompShareInstance", A)).RetCode, RET.soldOut);
  assert.equal((await ask("StartCompShareInstance", { ...A, WithoutGpuSpec: "C" })).RetCode, RET.badField);
  assert.equal((await ask("StartCompShareInstance", { ...A, WithoutGpuSpec: "A" })).RetCode, RET.accepted);
  await until("it runs", () => running.state().machines[0]?.State === "Running");
  const [machine] = (await ask("DescribeCompShareInstance")).UHostSet ?? [];
  assert.deepEqual([machine?.GPU, machine?.WithoutGpuSpec], [0, "A"]);
});
