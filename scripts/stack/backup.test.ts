/** A backup that fails leaves what was there as it was: nothing paused, nothing started, no half of a file. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type StubbedStack, stubbedStack } from "../../tests/harness/stubbed-stack.ts";

/** A stack that runs; its helper containers give an empty tar, and streams by name. */
const RUNS = `
case "$*" in
  "ps -q"*service=nats* | "ps -aq"*service=nats*) echo c-nats ;;
  "ps -q"*service=grafana*) echo c-grafana ;;
  "ps -q"*service=prometheus*) echo c-prometheus ;;
  "inspect"*) echo healthy ;;
  "volume inspect"*) exit 0 ;;
  "run "*"main.ts save"*) echo "KV_gpu_power GPU_JOBS" ;;
  "run "*"tar -c"*) tar -c --files-from /dev/null ;;
esac`;
/** The same with no container of NATS until somebody starts it. */
const DOWN = `
started=$(dirname "$0")/started
case "$*" in
  "ps "*service=nats*) [ ! -e "$started" ] || echo c-nats; exit ;;
  "ps "*) exit ;;
  "compose up"*) : >"$started"; exit ;;
  "compose rm"*) rm -f "$started"; exit ;;
esac`;

function installed(docker: string): StubbedStack {
  const stack = stubbedStack(docker);
  assert.equal(stack.run("prepare.sh").status, 0);
  stack.calls("docker");
  return stack;
}
const files = (stack: StubbedStack) =>
  stack.exists("backups") ? readdirSync(join(stack.dir, "backups")) : [];
const did = (stack: StubbedStack, word: RegExp) => stack.calls("docker").filter((call) => word.test(call));

test("while it runs, a backup stops and starts nothing, and holds only Grafana still", () => {
  const stack = installed(RUNS);
  const { status, said } = stack.run("backup.sh");
  assert.equal(status, 0, said);
  assert.deepEqual(did(stack, /^(stop|start|restart|kill|pause|unpause)|^compose .*(up|down|stop|rm)/), [
    "pause c-grafana",
    "unpause c-grafana",
  ]);
  assert.equal(files(stack).length, 1);
});

for (const [what, docker] of [
  ["a volume cannot be read", 'case "$*" in "run "*"cd grafana"*) exit 1 ;; esac'],
  ["NATS refuses", 'case "$*" in "run "*"main.ts save"*) echo "no such user" >&2; exit 1 ;; esac'],
  ["Docker dies in the middle", 'case "$*" in "run "*"cd grafana"*) kill -TERM $PPID; exit 1 ;; esac'],
] as const) {
  test(`${what}: what was held still goes on, and no half of a backup is left`, () => {
    const stack = installed(`${docker}\n${RUNS}`);
    const { status, said } = stack.run("backup.sh");
    assert.notEqual(status, 0);
    assert.match(said, /No backup was made/);
    const held = did(stack, /^(un)?pause/);
    assert.equal(held.filter((call) => call.startsWith("pause")).length, held.length / 2, held.join());
    assert.deepEqual(files(stack), []);
  });
}

test("a full disk leaves the backups of before, and no half of a new one", () => {
  const stack = installed(RUNS);
  assert.equal(stack.run("backup.sh").status, 0);
  const before = files(stack);
  stack.program("gzip", 'echo "gzip: stdout: No space left on device" >&2; exit 1');
  const { status, said } = stack.run("backup.sh");
  assert.notEqual(status, 0);
  assert.match(said, /No backup was made/);
  assert.deepEqual(files(stack), before);
});

for (const [words, fails] of [
  ["made", false],
  ["not made", true],
] as const) {
  test(`a stack that is down: NATS alone is started for it and taken away again, backup ${words}`, () => {
    const stack = installed(`${DOWN}\n${fails ? 'case "$*" in "run "*) exit 1 ;; esac' : ""}\n${RUNS}`);
    assert.equal(stack.run("backup.sh").status === 0, !fails);
    assert.deepEqual(did(stack, /^compose .*(up|down|stop|rm)/), [
      "compose up -d --no-build --no-deps nats",
      "compose rm -sf nats",
    ]);
  });
}

test("the oldest make room, of the same kind only", () => {
  const stack = installed(RUNS);
  for (const day of ["01", "02", "03"])
    for (const kind of ["gpu-power", "gpu-power-before-upgrade", "other"])
      stack.write(`backups/${kind}-202601${day}T000000Z.tar`, "");
  assert.equal(stack.run("backup.sh", [], { BACKUPS_KEPT: "2" }).status, 0);
  const left = files(stack).filter((name) => /202601/.test(name));
  assert.deepEqual(left.sort(), [
    "gpu-power-20260103T000000Z.tar",
    ...["01", "02", "03"].map((day) => `gpu-power-before-upgrade-202601${day}T000000Z.tar`),
    ...["01", "02", "03"].map((day) => `other-202601${day}T000000Z.tar`),
  ]);
});
