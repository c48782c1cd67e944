/** Which images run: those of others by the digest that is written down, ours built or pulled as .env says. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { stubbedStack } from "../../tests/harness/stubbed-stack.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), "utf8");
const LOCK = "deploy/images.lock";
const locked = [...read(LOCK).matchAll(/^([A-Z_]+) (\S+) (\S+)$/gm)].map(([, setting, image, digest]) => ({
  setting: setting ?? "",
  image: image ?? "",
  digest: digest ?? "",
}));
const lockOf = (setting: string) => {
  const found = locked.find((each) => each.setting === setting);
  assert.ok(found !== undefined, setting);
  return found;
};
const byDigest = (setting: string, registry = "") => {
  const { image, digest } = lockOf(setting);
  return `${registry}${image.replace(/:[^:]*$/, "")}@${digest}`;
};
/** Nothing is here yet. */
const EMPTY = 'case "$*" in "image inspect"*) exit 1 ;; esac';
const PROMETHEUS = ["missing", "prometheus"];

test("compose, Dockerfiles and .env.example name the images of the lock, each with a digest", () => {
  assert.equal(locked.length, 6);
  for (const { setting, image, digest } of locked) {
    assert.match(digest, /^sha256:[0-9a-f]{64}$/, setting);
    assert.ok(read(".env.example").includes(`#${setting}=${image}\n`), `${setting} in .env.example`);
  }
  const compose = read("docker-compose.yml");
  for (const [, setting, image] of compose.matchAll(/\$\{([A-Z]+_IMAGE):-([^}]+:[^}]+)\}/g))
    assert.equal(image, lockOf(setting ?? "").image, `${setting} in docker-compose.yml`);
  for (const file of ["deploy/nats", "services/listener", "services/power", "sim"])
    for (const [, setting, image] of read(`${file}/Dockerfile`).matchAll(/^ARG ([A-Z]+_IMAGE)=(.+)$/gm))
      assert.equal(image, lockOf(setting ?? "").image, `${setting} in ${file}/Dockerfile`);
});

test("an image of others is pulled by its digest and gets its tag, from the mirror where one is named", () => {
  const stack = stubbedStack(EMPTY);
  stack.write(".env", "VERSION=dev\nREGISTRY=mirror.example.com/\n");
  assert.equal(stack.run("take-images.sh", PROMETHEUS).status, 0);
  const digest = byDigest("PROMETHEUS_IMAGE", "mirror.example.com/");
  const calls = stack.calls("docker");
  assert.ok(calls.includes(`pull -q ${digest}`), calls.join("\n"));
  assert.ok(calls.includes(`tag ${digest} mirror.example.com/${lockOf("PROMETHEUS_IMAGE").image}`));
});

test("what is here is not pulled again, unless new images are asked for", () => {
  const stack = stubbedStack();
  stack.write(".env", "VERSION=dev\n");
  const asked = ["nats", "listener", "power", "prometheus", "alertmanager", "grafana", "redis", "sim-dsp"];
  assert.equal(stack.run("take-images.sh", ["missing", ...asked]).status, 0);
  assert.deepEqual(
    stack.calls("docker").filter((call) => /\b(pull|build|tag)\b/.test(call)),
    [],
  );
  assert.equal(stack.run("take-images.sh", ["new", ...asked]).status, 0);
  const calls = stack.calls("docker");
  for (const { setting } of locked) assert.ok(calls.includes(`pull -q ${byDigest(setting)}`), setting);
  assert.ok(
    calls.some((call) => call.endsWith(" build nats listener power sim-dsp")),
    calls.join("\n"),
  );
});

test("an image of ours that .env names is pulled and never built; the others are built on bases by digest", () => {
  const stack = stubbedStack(EMPTY);
  stack.write(".env", "VERSION=1.4.0\nPOWER_IMAGE=registry.example.com/ops/power\n");
  assert.equal(stack.run("take-images.sh", ["missing", "nats", "listener", "power"]).status, 0);
  const calls = stack.calls("docker");
  assert.ok(
    calls.some((call) => call.endsWith(" pull -q power")),
    calls.join("\n"),
  );
  assert.ok(
    calls.some((call) => call.endsWith(" build nats listener")),
    calls.join("\n"),
  );
  assert.ok(calls.includes(`pull -q ${byDigest("NODE_IMAGE")}`));
  assert.ok(calls.includes(`pull -q ${byDigest("NATS_IMAGE")}`));
});

test("after a build, and only then, what it left behind is removed: images of ours that have no name, cache beyond a limit", () => {
  const stack = stubbedStack(EMPTY);
  stack.write(".env", "VERSION=dev\n");
  assert.equal(stack.run("take-images.sh", ["missing", "listener"]).status, 0);
  const pruned = stack.calls("docker").filter((call) => call.includes("prune"));
  assert.deepEqual(pruned, [
    "image prune -f --filter label=org.opencontainers.image.vendor=gpu-power-manager",
    "builder prune -f --keep-storage 1GB",
  ]);
  assert.equal(stack.run("take-images.sh", PROMETHEUS).status, 0);
  assert.ok(!stack.calls("docker").some((call) => call.includes("prune")));
});

test("make up leaves building and pulling to the step before it", () => {
  const stack = stubbedStack();
  stack.run("up.sh");
  const ups = stack.calls("docker").filter((call) => / up -d /.test(call));
  assert.ok(ups.length > 0);
  for (const call of ups) assert.match(call, / --no-build /);
});

test("an image that .env names instead has no digest that we know, and is pulled as it is named", () => {
  const stack = stubbedStack(EMPTY);
  stack.write(".env", "VERSION=dev\nPROMETHEUS_IMAGE=prom/prometheus:v9\n");
  assert.equal(stack.run("take-images.sh", PROMETHEUS).status, 0);
  const calls = stack.calls("docker");
  assert.ok(calls.includes("pull -q prom/prometheus:v9"), calls.join("\n"));
  assert.ok(!calls.some((call) => call.startsWith("tag ")));
});

test("where the digest cannot be had nothing else is taken instead, and it is said", () => {
  const stack = stubbedStack(`${EMPTY}\ncase "$*" in "pull "*) echo "no such manifest" >&2; exit 1 ;; esac`);
  stack.write(".env", "VERSION=dev\n");
  const { status, said } = stack.run("take-images.sh", PROMETHEUS);
  assert.equal(status, 1);
  assert.match(said, /no such manifest.*prom\/prometheus:v3\S* cannot be pulled by its digest/s);
  assert.match(said, /make images-update/);
  assert.ok(!stack.calls("docker").some((call) => call.startsWith("tag ")));
});

const NEW = `sha256:${"1234".repeat(16)}`;
/** A registry that has the digest NEW for Prometheus and Node, and for every other tag the one of the lock. */
const REGISTRY = `
case "$*" in
  "pull prom/prometheus"* | "pull library/node"*) echo "Digest: ${NEW}" ;;
  "pull "*) sed -n "s#^[A-Z_]* $2 #Digest: #p" deploy/images.lock ;;
  "image inspect -f {{.Created}}"*) echo 2026-11-01T10:00:00Z; exit 0 ;;
esac`;

test("make images-update writes the registry's digests and shows what changes", () => {
  const stack = stubbedStack(REGISTRY);
  stack.write(".env", "VERSION=dev\n");
  const before = stack.read(LOCK);
  const { status, said } = stack.run("update-images.sh");
  assert.equal(status, 0, said);
  const { image, digest } = lockOf("PROMETHEUS_IMAGE");
  assert.ok(
    said.includes(`changed    ${image} ${digest}\n        to ${image} ${NEW}, built on 2026-11-01`),
    said,
  );
  assert.match(said, /unchanged {2}grafana\/grafana/);
  const expected = before.replace(digest, NEW).replace(lockOf("NODE_IMAGE").digest, NEW);
  assert.equal(stack.read(LOCK), expected);
  assert.doesNotMatch(stack.run("update-images.sh").said, /^changed/m, "a second time nothing changes");
});

test("one image goes to another tag in every file that names it, and no other image is asked for", () => {
  const stack = stubbedStack(REGISTRY);
  stack.write(".env", "VERSION=dev\n");
  const { image, digest } = lockOf("PROMETHEUS_IMAGE");
  const { status, said } = stack.run("update-images.sh", ["prom/prometheus:v3.99.0"]);
  assert.equal(status, 0, said);
  assert.equal(stack.read(LOCK), read(LOCK).replace(`${image} ${digest}`, `prom/prometheus:v3.99.0 ${NEW}`));
  for (const file of ["docker-compose.yml", ".env.example"]) {
    assert.ok(stack.read(file).includes("prom/prometheus:v3.99.0"), file);
    assert.ok(!stack.read(file).includes(image), file);
    assert.ok(said.includes(`written    ${file}`), said);
  }
  assert.deepEqual(
    stack.calls("docker").filter((call) => call.startsWith("pull ")),
    ["pull prom/prometheus:v3.99.0"],
  );
});

for (const [words, docker, args, message] of [
  [
    "the registry does not answer",
    'case "$*" in "pull "*) exit 1 ;; esac',
    [],
    /cannot be pulled.*Nothing was changed/,
  ],
  ["it tells no digest", "", [], /tells no digest.*Nothing was changed/],
  ["the image is none of ours", REGISTRY, ["library/postgres:17"], /library\/postgres is none of the images/],
  ["a digest is given instead of a tag", REGISTRY, [`prom/prometheus@${NEW}`], /Say name and tag/],
] as const) {
  test(`make images-update changes nothing where ${words}`, () => {
    const stack = stubbedStack(docker);
    stack.write(".env", "VERSION=dev\n");
    const { status, said } = stack.run("update-images.sh", args);
    assert.equal(status, 1, said);
    assert.match(said, message);
    assert.equal(stack.read(LOCK), read(LOCK));
  });
}
