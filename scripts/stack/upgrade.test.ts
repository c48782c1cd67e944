/** An upgrade keeps what runs by name, asks the new version first, and goes back by itself; so does a rollback on request. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type StubbedStack, stubbedStack } from "../../tests/harness/stubbed-stack.ts";

const SERVICES = ["nats", "listener", "power", "grafana"];
const NAMES: Readonly<Record<string, string>> = {
  nats: "gpu-power-manager/nats:dev",
  listener: "gpu-power-manager/listener:dev",
  power: "gpu-power-manager/power:dev",
  grafana: "grafana/grafana:12.1.1",
};

/**
 * A Docker with images and containers, in files: `tag/NAME` holds an image's id, `runs/SERVICE` that of its container.
 * `ready/IMAGE` says 1 where a container of it becomes healthy and ready, `format/IMAGE` what data it writes.
 */
const DOCKER = `
state=$(dirname "$0")/machine
file() { echo "$state/tag/\${1//\\//%}"; }
id_of() { if [ -e "$(file "$1")" ]; then cat "$(file "$1")"; else echo "$1"; fi; }
known() { [ -e "$(file "$1")" ] || grep -rqxF "$1" "$state/tag" "$state/runs"; }
service_of() { [[ "$*" =~ service=([a-z-]+) ]] && echo "\${BASH_REMATCH[1]}"; }
name_of() { # as compose reads its files
  local pinned=
  [[ "\${COMPOSE_FILE:-}" != *pinned.yml* ]] || grep -q "^  " .stack/pinned.yml || { echo "Version mismatch" >&2; exit 1; }
  [[ "\${COMPOSE_FILE:-}" != *pinned.yml* ]] || pinned=$(sed -n "s/^  $1: { image: \\(.*\\) }$/\\1/p" .stack/pinned.yml)
  [ -n "$pinned" ] && echo "$pinned" || cat "$state/name/$1"
}
container() { local each; for each; do [ -e "$state/runs/\${each#c-}" ] && echo "\${each#c-}" && return; done; }
ready() { [ "$(cat "$state/ready/$(cat "$state/runs/$1")" 2>/dev/null || echo 1)" = 1 ]; }
case "$*" in
  "compose version"* | info* | "compose stop"* | logs*) exit 0 ;;
  *" config")
    echo services:
    for each in "$state"/name/*; do printf '  %s:\\n    image: %s\\n' "\${each##*/}" "$(name_of "\${each##*/}")"; done
    exit ;;
  # What it answers is not to stay in Docker's logs.
  *" run --rm"*) grep -q "driver: none" "\${COMPOSE_FILE##*:}" || { echo "it leaves a log" >&2; exit 1; }; [ ! -e "$state/refuses" ] || { cat "$state/refuses" >&2; exit 1; }; exit 0 ;;
  "compose "*"up -d"*)
    each=\${*: -1}
    id_of "$(name_of "$each")" >"$state/runs/$each"
    exit ;;
  "ps "*) each=$(service_of "$@"); [ -e "$state/runs/$each" ] && echo "c-$each"; exit 0 ;;
  "inspect -f {{.Image}}"*) cat "$state/runs/$(container "\${@: -1}")"; exit ;;
  "inspect -f image="*) each=$(container "\${@: -1}"); echo "image=$each $(cat "$state/name/$each")"; exit ;;
  "inspect "*) each=$(container "\${@: -1}"); if ready "$each"; then echo healthy; else echo unhealthy; fi; exit ;;
  "exec "*) ready "$(container "$2")"; exit ;;
  "port "*) echo 9101; exit ;;
  "image inspect -f"*) known "\${@: -1}" || exit 1; id_of "\${@: -1}"; exit ;;
  "images -q"*) known "$3" && id_of "$3"; exit 0 ;;
  "tag "*) id=$(id_of "$2"); echo "$id" >"$(file "$3")"; exit ;;
  "rmi "*) rm -f "$(file "$2")"; exit ;;
  # The hashes of two passwords.
  "run "*perl*) printf 'h1\\nh2\\n'; exit ;;
  "run "*data-format*) for each; do case $each in gpu-power-manager/* | old-* | new-* | older-*) cat "$state/format/$(id_of "$each")" 2>/dev/null || echo 1; exit ;; esac; done ;;
  "run "*"main.ts set-up"*) [ ! -e "$state/no-set-up" ]; exit ;;
  "run "*nats-server*) echo "nats-server: v2.11.11"; exit ;;
  "run "*) exit 0 ;;
esac`;

interface Machine {
  readonly stack: StubbedStack;
  /** The image ids that the services run. */
  runs(): string[];
  /** What the names of the images mean. */
  tag(name: string): string | undefined;
  set(kind: "ready" | "format", image: string, value: string): void;
  refuse(words: string): void;
  /** New images under the names that run, as a build or a pull leaves them. */
  build(prefix: string): void;
}

function machine(): Machine {
  const stack = stubbedStack(DOCKER);
  assert.equal(stack.run("prepare.sh").status, 0);
  const at = (...path: string[]) => join(stack.dir, "stand-ins/machine", ...path);
  for (const kind of ["tag", "runs", "name", "ready", "format"]) mkdirSync(at(kind), { recursive: true });
  const put = (kind: string, name: string, text: string) =>
    writeFileSync(at(kind, name.replaceAll("/", "%")), `${text}\n`);
  const take = (kind: string, name: string) => {
    try {
      return readFileSync(at(kind, name.replaceAll("/", "%")), "utf8").trim();
    } catch {
      return undefined;
    }
  };
  const build = (prefix: string) => {
    for (const service of SERVICES) put("tag", NAMES[service] ?? "", `${prefix}-${service}`);
  };
  build("old");
  for (const service of SERVICES) {
    put("name", service, NAMES[service] ?? "");
    put("runs", service, `old-${service}`);
  }
  return {
    stack,
    runs: () => SERVICES.map((service) => take("runs", service) ?? ""),
    tag: (name) => take("tag", name),
    set: put,
    refuse: (words) => writeFileSync(at("refuses"), words),
    build,
  };
}
/** Fewer services than there are: each costs the machine of the test many small processes. */
const HERE = { SERVICES: SERVICES.join(" ") };
const all = (prefix: string) => SERVICES.map((service) => `${prefix}-${service}`);
const upgrade = ({ stack }: Machine, env = {}) =>
  stack.run("upgrade.sh", [], { ...HERE, NO_BUILD: "1", NO_BACKUP: "1", ...env });
const pinned = ({ stack }: Machine) => stack.exists(".stack/pinned.yml");

test("what runs stays by name, and make rollback goes back to it, make upgrade on again", () => {
  const host = machine();
  host.build("new");
  const first = upgrade(host);
  assert.equal(first.status, 0, first.said);
  assert.deepEqual(host.runs(), all("new"));
  assert.equal(host.tag("gpu-power-manager/power:previous"), "old-power");
  assert.equal(host.tag("gpu-power-manager/power:running"), undefined);
  assert.ok(!pinned(host));
  const did = host.stack.calls("docker");
  const at = (words: RegExp) => did.findIndex((call) => words.test(call));
  const set = at(/^run .*main\.ts set-up 1$/);
  assert.ok(
    at(/^compose .*up -d .*nats$/) < set && set < at(/^compose .*up -d .*listener$/),
    "streams between",
  );

  const back = host.stack.run("rollback.sh", [], HERE);
  assert.equal(back.status, 0, back.said);
  assert.deepEqual(host.runs(), all("old"));
  assert.equal(host.stack.run("restart-power.sh", [], HERE).status, 0);
  assert.deepEqual(host.runs(), all("old"), "whatever make does next, it is the version before");
  assert.match(host.stack.run("rollback.sh", [], HERE).said, /runs already/);

  const again = upgrade(host);
  assert.equal(again.status, 0, again.said);
  assert.deepEqual(host.runs(), all("new"));
  assert.equal(host.tag("gpu-power-manager/power:previous"), "old-power");
});

test("streams that cannot be made or changed: NATS goes back, and no service was replaced", () => {
  const host = machine();
  host.build("new");
  writeFileSync(join(host.stack.dir, "stand-ins/machine/no-set-up"), "");
  const { status, said } = upgrade(host);
  assert.equal(status, 1, said);
  assert.match(said, /The version before runs again/);
  assert.deepEqual(host.runs(), all("old"));
});

test("a version that refuses the configuration replaces nothing, and make up does not take it either", () => {
  const host = machine();
  host.build("new");
  host.refuse("policy.idleTimeout is missing: set it");
  const { status, said } = upgrade(host);
  assert.equal(status, 1);
  assert.match(said, /policy\.idleTimeout is missing: set it/);
  assert.match(said, /Nothing was replaced/);
  assert.deepEqual(host.runs(), all("old"));
  assert.equal(host.stack.run("restart-power.sh", [], HERE).status, 0);
  assert.deepEqual(host.runs(), all("old"));
});

for (const bad of SERVICES) {
  test(`${bad} does not become ready: all that was replaced goes back`, () => {
    const host = machine();
    host.build("new");
    host.set("ready", `new-${bad}`, "0");
    const { status, said } = upgrade(host);
    assert.equal(status, 1, said);
    assert.match(said, new RegExp(`${bad} is not what it was: back to the version before`));
    assert.match(said, /The version before runs again/);
    assert.deepEqual(host.runs(), all("old"));
    assert.ok(pinned(host), "make up would take the new one else");
    // Mended, it goes through.
    host.set("ready", `new-${bad}`, "1");
    assert.equal(upgrade(host).status, 0);
    assert.deepEqual(host.runs(), all("new"));
    assert.equal(host.tag("gpu-power-manager/power:previous"), "old-power");
  });
}

test("what is two versions old goes, the version before stays, and the same version changes nothing", () => {
  const host = machine();
  for (const version of ["new", "newer"]) {
    host.build(version);
    assert.equal(upgrade(host).status, 0);
  }
  assert.equal(host.tag("gpu-power-manager/power:previous"), "new-power");
  const gone = host.stack.calls("docker").filter((call) => /^rmi (old|new|newer)-/.test(call));
  assert.deepEqual(gone.map((call) => call.slice(4)).sort(), all("old").sort());
  assert.equal(upgrade(host).status, 0);
  assert.equal(host.tag("gpu-power-manager/power:previous"), "new-power");
});

test("data that the older version cannot read: said before, never replaced blindly, and rolled back with the data of before", () => {
  const host = machine();
  host.build("new");
  host.set("format", "new-listener", "2");
  host.set("ready", "new-power", "0");
  const broken = upgrade(host);
  assert.equal(broken.status, 1);
  assert.match(broken.said, /writes data that the one that runs cannot read/);
  assert.match(broken.said, /Go back with the data of before/);
  host.set("ready", "new-power", "1");
  assert.equal(upgrade(host).status, 0);
  assert.match(host.stack.run("rollback.sh", [], HERE).said, /the backup of before the upgrade is not here/);
  host.stack.write("backups/b.tar", "");
  host.stack.write(".stack/previous", "backup=backups/b.tar\n");
  const asked = host.stack.run("rollback.sh", [], HERE);
  assert.equal(asked.status, 1);
  assert.match(asked.said, /make rollback DATA=before.*takes backups\/b\.tar with it/);
  assert.deepEqual(host.runs(), [...all("new")]);
});

test("an older version does not replace a newer one whose data it cannot read", () => {
  const host = machine();
  host.build("older");
  host.set("format", "old-listener", "2");
  const { status, said } = upgrade(host);
  assert.equal(status, 1);
  assert.match(said, /cannot read what that one has written/);
  assert.deepEqual(host.runs(), all("old"));
});

test("nothing is kept, checked or replaced where a service does not run", () => {
  const { stack } = machine();
  for (const name of readdirSync(join(stack.dir, "stand-ins/machine/runs")))
    if (name === "power") writeFileSync(join(stack.dir, "stand-ins/machine/runs", name), "");
  assert.match(stack.run("rollback.sh", [], HERE).said, /no version before/);
});
