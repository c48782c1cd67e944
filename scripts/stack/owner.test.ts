/** Who runs make does not matter: the containers run as whoever installed them, and a stranger is told. */
import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type StubbedStack, stubbedStack } from "../../tests/harness/stubbed-stack.ts";

const ids = (stack: StubbedStack) => stack.read(".env").match(/^APP_[UG]ID=.*$/gm);
/** What compose is told when power is replaced. */
const ECHO_IDS = `case "$*" in *"up -d"*) echo "as $APP_UID:$APP_GID" ;; ps*) echo c1 ;; inspect*) echo healthy ;; esac`;

test("the first run writes the caller's ids into .env, once", () => {
  const stack = stubbedStack();
  assert.equal(stack.run("prepare.sh", [], { STUB_UID: "1234", STUB_GID: "5678" }).status, 0);
  assert.deepEqual(ids(stack), ["APP_UID=1234", "APP_GID=5678"]);
  const before = stack.read(".env");
  assert.equal(stack.run("prepare.sh", [], { STUB_UID: "0" }).status, 0);
  assert.equal(stack.read(".env"), before);
});

test("root lends its containers a user without rights", () => {
  const stack = stubbedStack();
  assert.equal(stack.run("prepare.sh", [], { STUB_UID: "0" }).status, 0);
  assert.deepEqual(ids(stack), ["APP_UID=10001", "APP_GID=10001"]);
  assert.deepEqual(stack.calls("chown"), ["-R 10001:10001 -- secrets config"]);
});

test("with sudo power is restarted as the user who can read its secrets", () => {
  const stack = stubbedStack(ECHO_IDS);
  assert.equal(stack.run("prepare.sh", [], { STUB_UID: "1234" }).status, 0);
  const { status, said } = stack.run("restart-power.sh", [], { STUB_UID: "0" });
  assert.equal(status, 0, said);
  assert.match(said, /as 1234:1234/);
});

test("an installation from before .env knew is its secrets' owner's", () => {
  const stack = stubbedStack(ECHO_IDS, { ls: 'echo "-rw------- 1 1234 5678 43 Nov 24 20:00 $3"' });
  stack.write(".env", "DSP_URL=\n");
  stack.write("secrets/session-key", "k");
  const { said } = stack.run("restart-power.sh", [], { STUB_UID: "0" });
  assert.match(said, /as 1234:5678/);
});

test("another user is told whose it is and what to do, and nothing is done", () => {
  const stack = stubbedStack();
  assert.equal(stack.run("prepare.sh", [], { STUB_UID: "1234" }).status, 0);
  stack.calls("docker");
  for (const script of ["up.sh", "restart-power.sh", "restart-listener.sh", "upgrade.sh"]) {
    const { status, said } = stack.run(script, [], { STUB_UID: "4321" });
    assert.equal(status, 1, script);
    assert.match(said, /belongs to user-1234/);
    assert.match(said, /sudo make chown OWNER=caller/);
    assert.deepEqual(
      stack.calls("docker").filter((call) => !/^(info|compose version)/.test(call)),
      [],
    );
  }
});

test("make chown moves files, volumes and the ids, for root alone, and starts again what ran", () => {
  const running = `
    case "$*" in
      "ps --filter"*) printf 'power\\nlistener\\n' ;;
      "volume inspect gpu-power_nats-"*) exit 1 ;;
      "volume inspect"*) exit 0 ;;
      *"up -d"*) echo "up as $APP_UID:$APP_GID" >&2 ;;
    esac`;
  const stack = stubbedStack(running);
  assert.equal(stack.run("prepare.sh", [], { STUB_UID: "1234" }).status, 0);
  const refused = stack.run("chown.sh", ["alice"], { STUB_UID: "1234" });
  assert.equal(refused.status, 1);
  assert.match(refused.said, /sudo make chown OWNER=/);
  assert.match(stack.run("chown.sh", ["nobody-knows"], { STUB_UID: "0" }).said, /no user nobody-knows/);
  stack.calls("docker");
  stack.calls("chown");
  const { status, said } = stack.run("chown.sh", ["alice"], { STUB_UID: "0" });
  assert.equal(status, 0, said);
  assert.deepEqual(ids(stack), ["APP_UID=4711", "APP_GID=4712"]);
  assert.match(said, /up as 4711:4712/);
  const docker = stack.calls("docker");
  const order = [
    "compose --profile demo --profile messenger stop",
    "chown -R 4711:4712 power;",
    "up -d --no-build listener power",
  ];
  const places = order.map((words) => docker.findIndex((call) => call.includes(words)));
  assert.ok(
    places.every((place, index) => place > (places[index - 1] ?? -1)),
    docker.join("\n"),
  );
  const volumes = docker.find((call) => call.includes("chown -R")) ?? "";
  for (const words of [
    "4711:4712 nats;",
    "4711:4712 listener;",
    "65534:65534 prometheus;",
    "4711:0 grafana;",
  ])
    assert.ok(volumes.includes(words), volumes);
  assert.deepEqual(stack.calls("chown"), [
    "4711:4712 .env",
    "-R 4711:4712 -- secrets",
    "-R 4711:4712 -- config",
  ]);
});

test("a .env that cannot be read is told, not taken for none", () => {
  const stack = stubbedStack();
  stack.write(".env", "COMPOSE_PROJECT_NAME=prod\n");
  chmodSync(join(stack.dir, ".env"), 0);
  // Root reads everything, so the script must not run as root here.
  const { status, said } = stack.run("up.sh", [], {}, process.getuid?.() === 0 ? 65_534 : undefined);
  assert.equal(status, 1, said);
  assert.match(said, /\.env cannot be read: this installation belongs to/);
});
