/** The stand-in against the provider's own command line: whatever satisfies it speaks as the provider does. */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { z } from "zod";
import { quickConsole } from "./browser-for-tests.ts";
import { type Console, DEFAULT_PRIVATE_KEY, DEFAULT_PUBLIC_KEY } from "./provider.ts";

const A = "uhost-a";
const HOUR_S = 3_600;
/** Installing it into the cache for the first time. */
const INSTALL_MS = 150_000;
/** It knows one address only, which is set before its commands are loaded. */
const WRAPPER = `import sys, compshare_cli.config as config
config.DEFAULT_BASE_URL = sys.argv[1]
from compshare_cli.cli import main
main(sys.argv[2:])`;

const found = spawnSync(new URL("../../../scripts/provider-client.sh", import.meta.url).pathname, {
  encoding: "utf8",
  timeout: INSTALL_MS,
});
// 3 says that there is no Python; anything else that goes wrong is a failure.
const skip = found.status === 3 ? found.stderr.trim() : false;

const home = mkdtempSync(join(tmpdir(), "provider-client-"));
let running: Console;
before(async () => {
  running = await quickConsole({
    machines: [{ UHostId: A }, { UHostId: "uhost-b", Region: "cn-sh2", Zone: "cn-sh2-02" }],
  });
});
after(async () => {
  await running.close();
  rmSync(home, { recursive: true });
});

const Output = z.looseObject({
  ok: z.boolean(),
  data: z.unknown().optional(),
  error: z.looseObject({ code: z.string(), message: z.string() }).optional(),
});

/** Runs one command of it; its exit code, and what it printed as JSON. */
async function compshare(args: readonly string[], privateKey = DEFAULT_PRIVATE_KEY) {
  const command = ["-c", WRAPPER, running.apiUrl, "--json", "--lang", "en", ...args];
  const env = {
    PATH: process.env.PATH,
    // Nobody's profiles, and nobody's home.
    HOME: home,
    COMPSHARE_PUBLIC_KEY: DEFAULT_PUBLIC_KEY,
    COMPSHARE_PRIVATE_KEY: privateKey,
    // It would tell its maker of each command.
    COMPSHARE_INSIGHTS_URL: "",
  };
  const { code, stdout } = await promisify(execFile)(found.stdout.trim(), command, { env }).then(
    (output) => ({ code: 0, ...output }),
    (error: unknown) => z.object({ code: z.number(), stdout: z.string() }).parse(error),
  );
  return { code, output: Output.parse(JSON.parse(stdout)) };
}

/** The data of a command that has to succeed. */
async function data<S extends z.ZodType>(schema: S, ...args: readonly string[]): Promise<z.output<S>> {
  const { code, output } = await compshare(args);
  assert.deepEqual([code, output.ok], [0, true], JSON.stringify(output));
  return schema.parse(output.data);
}

const Machine = z.looseObject({ UHostId: z.string(), State: z.string() });
const Batch = z.object({
  succeeded: z.array(z.looseObject({ final: z.looseObject({ UHostSet: z.array(Machine) }) })),
  failed: z.array(z.unknown()),
});
const Schedule = z.looseObject({ scheduled: z.boolean(), scheduler_stop_time: z.int().nullable() });
const stateOf = (id: string) => running.state().machines.find(({ UHostId }) => UHostId === id)?.State;

test("doctor finds that the keys work", { skip }, async () => {
  assert.equal(found.status, 0, found.stderr);
  const Checks = z.object({
    checks: z.array(z.looseObject({ Check: z.string(), Status: z.string(), Detail: z.string() })),
  });
  const { checks } = await data(Checks, "doctor");
  const api = checks.find(({ Check }) => Check === "API");
  assert.equal(api?.Status, "Success");
  assert.match(api?.Detail ?? "", /2 availability zones/);
});

test("a wrong key is refused as the provider does", { skip }, async () => {
  const list = await compshare(["instance", "list"], "another-key");
  assert.equal(list.code, 1);
  assert.equal(list.output.error?.code, "api_error");
  assert.match(JSON.stringify(list.output.error), /Signature VerifyAC Error.*171/);
  const doctor = await compshare(["doctor"], "another-key");
  assert.equal(doctor.code, 1);
  assert.match(JSON.stringify(doctor.output.error), /diagnostic_failed/);
});

test("list and show tell what the provider's client reads", { skip }, async () => {
  const Listed = Machine.extend({ GPU: z.int(), InstancePrice: z.number(), Region: z.string() });
  const { items } = await data(z.object({ items: z.array(Listed) }), "instance", "list");
  assert.deepEqual(
    items.map(({ UHostId, State, GPU, Region }) => [UHostId, State, GPU, Region]),
    [
      [A, "Stopped", 1, "cn-wlcb"],
      ["uhost-b", "Stopped", 1, "cn-sh2"],
    ],
  );
  const Shown = z.object({
    UHostSet: z.array(Machine.extend({ ReleaseTime: z.int(), ChargeType: z.string() })),
  });
  const { UHostSet } = await data(Shown, "instance", "show", A, "--status", "--billing");
  assert.ok((UHostSet[0]?.ReleaseTime ?? 0) > Date.now() / 1_000, "when it will be deleted");
  const missing = await compshare(["instance", "show", "uhost-x"]);
  assert.deepEqual([missing.code, missing.output.error?.code], [2, "invalid_usage"]);
});

test("start, the plan to stop, and stop take effect, and each is counted as signed", { skip }, async () => {
  const started = await data(Batch, "instance", "start", A, "--wait");
  assert.equal(started.succeeded[0]?.final.UHostSet[0]?.State, "Running");
  assert.equal(stateOf(A), "Running");
  const again = await compshare(["instance", "start", A]);
  assert.deepEqual([again.code, again.output.error?.code], [1, "partial_failure"]);

  const at = Math.floor(Date.now() / 1_000) + 2 * HOUR_S;
  await data(z.unknown(), "instance", "schedule", "set", A, "--at", String(at));
  assert.equal((await data(Schedule, "instance", "schedule", "show", A)).scheduler_stop_time, at);
  const extended = await data(Schedule, "instance", "schedule", "extend", A, "--by", "1h");
  assert.equal(extended.scheduler_stop_time, at + HOUR_S);
  await data(z.unknown(), "instance", "schedule", "cancel", A, "--yes");
  assert.equal((await data(Schedule, "instance", "schedule", "show", A)).scheduled, false);

  const stopped = await data(Batch, "instance", "stop", A, "--yes", "--wait");
  assert.equal(stopped.succeeded[0]?.final.UHostSet[0]?.State, "Stopped");
  assert.equal(stateOf(A), "Stopped");
  assert.deepEqual(
    running.state().tallies.map(({ verb, lane, accepted, refused }) => [verb, lane, accepted, refused]),
    [
      ["start", "signed", 1, 1],
      ["stop", "signed", 1, 0],
    ],
  );
});
