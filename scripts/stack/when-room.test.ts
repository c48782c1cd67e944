/** Prometheus is not started on a full disk, where its repair would lose what it is to repair. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "../../tests/harness/process.ts";

const SCRIPT = new URL("../../deploy/monitoring/when-room.sh", import.meta.url).pathname;

/** Runs the script where df says what the file `free` holds. */
function start(free: number) {
  const dir = mkdtempSync(join(tmpdir(), "room-"));
  const leave = (megabytes: number) => writeFileSync(join(dir, "free"), String(megabytes));
  leave(free);
  const words =
    'printf "Filesystem 1048576-blocks Used Available Capacity Mounted\\n/dev/x 300 1 %s 1%% /p\\n"';
  writeFileSync(join(dir, "df"), `#!/bin/sh\n${words} "$(cat ${dir}/free)"\n`);
  chmodSync(join(dir, "df"), 0o755);
  const env = { PATH: `${dir}:${process.env.PATH}` };
  const child = spawn("sh", [SCRIPT, "/prometheus", "256", "echo", "started", "with --flag=a b"], { env });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += String(chunk)));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { leave, ended, said: () => said, stop: () => child.kill() };
}

test("with room the program is started at once, with its arguments as they are", async () => {
  const { ended, said } = start(256);
  assert.equal(await ended, 0);
  assert.equal(said(), "started with --flag=a b\n");
});

test("without it is said once, and the program starts when there is room", async () => {
  const { leave, ended, said } = start(255);
  await until("it is said", () => said().includes("echo is not started: /prometheus has 255 MB left"));
  leave(300);
  assert.equal(await ended, 0);
  assert.match(said(), /^echo is not started.*\nstarted with --flag=a b\n$/);
});

test("it can be stopped while it waits", async () => {
  const { ended, said, stop } = start(0);
  await until("it is said", () => said() !== "");
  stop();
  assert.equal(await ended, null);
});
