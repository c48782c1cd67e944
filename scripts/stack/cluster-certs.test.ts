/** Certificates of a cluster's hosts: made on the first host, one each, renewed when they end soon, trusted meanwhile. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { type StubbedStack, stubbedStack } from "../../tests/harness/stubbed-stack.ts";

const HOSTS = ["10.0.0.1", "10.0.0.2", "gpu-3.example.com"];
const ENV = `COMPOSE_FILE=docker-compose.yml:deploy/cluster/host.yml
NATS_NAME=nats-1
CLUSTER_BIND=10.0.0.1
NATS_ROUTES=${HOSTS.map((host) => `${host}:6222`).join(" ")}
NATS_URL=tls://10.0.0.1:4222,tls://10.0.0.2:4222,tls://gpu-3.example.com:4222
APP_UID=1000
APP_GID=1000
`;

function firstHost(): StubbedStack {
  const stack = stubbedStack();
  stack.write(".env", ENV);
  return stack;
}
const ofHost = (stack: StubbedStack, host: string) =>
  new X509Certificate(stack.read(`secrets/cluster-hosts/${host}/cert.pem`));
const days = (certificate: X509Certificate) => (Date.parse(certificate.validTo) - Date.now()) / 86_400_000;
const authority = (stack: StubbedStack) => new X509Certificate(stack.read("secrets/cluster-ca/cert.pem"));

test("each host has a certificate of its own, for its own address, by one authority", () => {
  const stack = firstHost();
  const { status, said } = stack.run("cluster-certs.sh");
  assert.equal(status, 0, said);
  for (const host of HOSTS) {
    const certificate = ofHost(stack, host);
    assert.ok(certificate.verify(authority(stack).publicKey), host);
    const named = isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host);
    assert.equal(named, host);
    assert.equal(certificate.checkIP("10.9.9.9"), undefined);
    assert.equal(certificate.ca, false);
    assert.ok(days(certificate) > 700 && days(certificate) < 825, `${days(certificate)}`);
    assert.match(stack.read(`secrets/cluster-hosts/${host}/key.pem`), /PRIVATE KEY/);
    if (host !== "10.0.0.1") assert.match(said, new RegExp(`scp secrets/cluster-hosts/${host}/\\* ${host}:`));
  }
  assert.equal(stack.read("secrets/tls/cert.pem"), stack.read("secrets/cluster-hosts/10.0.0.1/cert.pem"));
  assert.doesNotMatch(stack.read("secrets/tls/ca.pem"), /PRIVATE KEY/);
});

test("run again it renews only what ends soon; the authority stays", () => {
  const stack = firstHost();
  stack.run("cluster-certs.sh");
  const before = HOSTS.map((host) => ofHost(stack, host).serialNumber);
  const { fingerprint256 } = authority(stack);
  assert.match(stack.run("cluster-certs.sh").said, /nothing to renew/);
  // One that ends in ten days.
  const at = (name: string) => join(stack.dir, "secrets", name);
  const dir = "cluster-hosts/10.0.0.2";
  const request = execFileSync("openssl", ["req", "-new", "-key", at(`${dir}/key.pem`), "-subj", "/CN=old"]);
  const by = ["-CA", at("cluster-ca/cert.pem"), "-CAkey", at("cluster-ca/key.pem"), "-set_serial", "7"];
  execFileSync("openssl", ["x509", "-req", "-days", "10", ...by, "-out", at(`${dir}/cert.pem`)], {
    input: request,
    stdio: "pipe",
  });
  const { said } = stack.run("cluster-certs.sh");
  assert.match(said, /New for 10\.0\.0\.2\./);
  const after = HOSTS.map((host) => ofHost(stack, host).serialNumber);
  assert.deepEqual(
    after.map((serial, index) => serial === before[index]),
    [true, false, true],
  );
  assert.equal(authority(stack).fingerprint256, fingerprint256);
});

test("a new authority is trusted by all before it signs, and the one before until nobody needs it", () => {
  const stack = firstHost();
  stack.run("cluster-certs.sh");
  const old = authority(stack);
  const trusted = () =>
    (
      stack
        .read("secrets/cluster-hosts/10.0.0.2/ca.pem")
        .match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []
    )
      .map((pem) => new X509Certificate(pem).fingerprint256)
      .sort();
  const signs = (by: X509Certificate) => HOSTS.every((host) => ofHost(stack, host).verify(by.publicKey));
  assert.equal(stack.run("cluster-certs.sh", [], { RENEW: "ca" }).status, 0);
  const both = [authority(stack), old].map(({ fingerprint256 }) => fingerprint256).sort();
  assert.notEqual(both[0], both[1]);
  assert.deepEqual(trusted(), both);
  assert.ok(signs(old), "a host that has not got the new authority yet must still be understood");
  assert.equal(stack.read("secrets/tls/ca.pem"), stack.read("secrets/cluster-hosts/10.0.0.2/ca.pem"));
  stack.run("cluster-certs.sh", [], { RENEW: "all" });
  assert.ok(signs(authority(stack)));
  assert.deepEqual(trusted(), both);
  stack.run("cluster-certs.sh", [], { RENEW: "all" });
  assert.deepEqual(trusted(), [authority(stack).fingerprint256]);
});

for (const [words, env, told] of [
  ["one server", ENV.replace("COMPOSE_FILE", "OTHER_FILE"), /no host of a cluster/],
  ["no routes", ENV.replace(/NATS_ROUTES=.*/, ""), /must name the hosts/],
  [
    "an address that is not among them",
    ENV.replace("BIND=10.0.0.1", "BIND=10.0.0.9"),
    /is none of the hosts/,
  ],
] as const) {
  test(`it says what is missing: ${words}`, () => {
    const stack = firstHost();
    stack.write(".env", env);
    const { status, said } = stack.run("cluster-certs.sh");
    assert.equal(status, 1);
    assert.match(said, told);
  });
}

test("a host of a cluster does not start without certificates, nor with servers named in the clear", () => {
  const stack = firstHost();
  assert.match(stack.run("prepare.sh").said, /make cluster-certs/);
  stack.run("cluster-certs.sh");
  const { status, said } = stack.run("prepare.sh");
  assert.equal(status, 0, said);
  assert.match(stack.read("secrets/nats-cluster.conf"), /^tls \{ cert_file: "\/run\/tls\/cert\.pem"/m);
  assert.equal(stack.read("config/ca/cluster.pem"), stack.read("secrets/tls/ca.pem"));
  stack.write(".env", ENV.replaceAll("tls://", "nats://"));
  assert.match(stack.run("prepare.sh").said, /tls:\/\//);
});

test("Prometheus scrapes the hosts of METRICS_HOSTS by TLS, with the rest of its configuration as it is", () => {
  const stack = firstHost();
  stack.run("cluster-certs.sh");
  stack.write(".env", `${ENV}METRICS_HOSTS=10.0.0.2 gpu-3.example.com\n`);
  assert.equal(stack.run("prepare.sh").status, 0);
  const written = stack.read(".stack/prometheus.yml");
  assert.ok(written.startsWith(stack.read("prometheus/prometheus.yml").trimEnd()));
  assert.match(written, /targets: \["10\.0\.0\.2:9102", "gpu-3\.example\.com:9102"\]/);
  // As its container sees it.
  const seen = written
    .replaceAll("/run/tls/", `${stack.dir}/secrets/tls/`)
    .replace("rules/*.yml", "none/*.yml");
  stack.write("seen.yml", seen.replaceAll("/run/secrets/", `${stack.dir}/secrets/`));
  execFileSync("promtool", ["check", "config", "--syntax-only", join(stack.dir, "seen.yml")], {
    stdio: "pipe",
  });
});
