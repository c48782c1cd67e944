/** Which nats-server is taken: a current one that Go builds once, else the one on the PATH; and it is said which. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const SCRIPT = new URL("nats-server.sh", import.meta.url).pathname;
const BASICS = ["bash", "mkdir", "mktemp", "mv", "rm", "tail"];
const SERVER = (version: string) => `#!/bin/bash\necho "nats-server: v${version}"\n`;
const GO_THAT_BUILDS = `#!/bin/bash
echo run >>"$HOME/runs"
printf '#!/bin/bash\\necho "nats-server: v2.99.0"\\n' >"$GOBIN/nats-server"
/bin/chmod 755 "$GOBIN/nats-server"
`;
const GO_THAT_FAILS = "#!/bin/bash\necho 'go: no network' >&2\nexit 1\n";

/** A machine with only the basics and these programs on its PATH, and an empty cache. */
function machine(programs: Readonly<Record<string, string>>) {
  const home = mkdtempSync(join(tmpdir(), "home-"));
  const bin = mkdtempSync(join(tmpdir(), "path-"));
  for (const name of BASICS) symlinkSync(join("/usr/bin", name), join(bin, name));
  for (const [name, text] of Object.entries(programs)) writeFileSync(join(bin, name), text, { mode: 0o755 });
  const run = (...args: string[]) =>
    spawnSync("bash", [SCRIPT, ...args], { encoding: "utf8", env: { PATH: bin, HOME: home } });
  return { home, bin, run };
}

test("Go builds it once; from then on it comes from the cache", () => {
  const { home, run } = machine({ go: GO_THAT_BUILDS, "nats-server": SERVER("2.9.10") });
  for (const _ of ["once", "twice"]) assert.equal(run("build").status, 0);
  assert.equal(readFileSync(join(home, "runs"), "utf8"), "run\n");
  assert.match(run().stdout, /\.cache\/gpu-power-manager\/nats-server-v/);
  assert.match(run("version").stdout, /v2\.99\.0/);
});

test("where there is no Go, or it cannot build, the one on the PATH is used", () => {
  const without = machine({ "nats-server": SERVER("2.9.10") });
  assert.deepEqual([without.run("build").status, without.run("build").stderr], [0, ""]);
  assert.match(without.run("version").stdout, /v2\.9\.10/);

  const failing = machine({ go: GO_THAT_FAILS, "nats-server": SERVER("2.9.10") });
  const built = failing.run("build");
  assert.equal(built.status, 0);
  assert.match(built.stderr, /no network[\s\S]*the nats-server on the PATH is used instead/);
  assert.equal(failing.run().stdout.trim(), join(failing.bin, "nats-server"));
});

test("where there is none at all it says what to do", () => {
  const { status, stderr } = machine({}).run();
  assert.equal(status, 1);
  assert.match(stderr, /run make setup/);
});
