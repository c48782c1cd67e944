/** Prometheus and Alertmanager answer nobody without the password that was made for them. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { freePort, Process, until } from "../../tests/harness/process.ts";
import { type StubbedStack, stubbedStack } from "../../tests/harness/stubbed-stack.ts";

/** The container of the moment is this machine: Perl does what it does there. */
const PERL_HERE = `
case "$*" in
  "run "*"--entrypoint perl"*) while [ "$1" != -e ]; do shift; done; exec perl "$@" ;;
esac`;

function prepared(): StubbedStack {
  const stack = stubbedStack(PERL_HERE);
  const { status, said } = stack.run("prepare.sh");
  assert.equal(status, 0, said);
  return stack;
}
const changed = (stack: StubbedStack) => {
  const { status, said } = stack.run("logins.sh");
  assert.equal(status, 0, said);
  return said.trim();
};

test("a login is made once, and anew when its password is another one", () => {
  const stack = prepared();
  assert.equal(changed(stack), "changed");
  const made = stack.read("secrets/prometheus-web.yml");
  assert.match(made, /^basic_auth_users:\n {2}admin: "\$2b\$10\$.{53}"\n$/);
  assert.equal(changed(stack), "");
  assert.equal(stack.read("secrets/prometheus-web.yml"), made);
  stack.write("secrets/alertmanager-admin", "of my own choice\n");
  const before = stack.read("secrets/alertmanager-web.yml");
  assert.equal(changed(stack), "changed");
  assert.notEqual(stack.read("secrets/alertmanager-web.yml"), before);
  assert.equal(stack.read("secrets/prometheus-web.yml"), made);
});

test("no password and no hash is an argument of any program", () => {
  const stack = prepared();
  stack.calls("docker");
  changed(stack);
  const run = stack.calls("docker").find((call) => call.startsWith("run ")) ?? "";
  assert.ok(run.includes("perl"), run);
  for (const name of ["prometheus-admin", "alertmanager-admin"]) {
    assert.match(stack.read(`secrets/${name}`), /^\w{30,}$/);
    assert.ok(!run.includes(stack.read(`secrets/${name}`)));
  }
  assert.doesNotMatch(run, /\$2b\$10\$[^$]{53}/);
});

test("an empty password is refused, not taken for an open door", () => {
  const stack = prepared();
  stack.write("secrets/prometheus-admin", "");
  const { status, said } = stack.run("logins.sh");
  assert.equal(status, 1);
  assert.match(said, /A password is empty.*cannot be made/s);
});

async function serve(t: TestContext, service: "prometheus" | "alertmanager", webConfig: string) {
  const dir = mkdtempSync(join(tmpdir(), `${service}-`));
  const config = join(dir, "config.yml");
  const web = join(dir, "web.yml");
  writeFileSync(config, service === "prometheus" ? "" : "route: {receiver: a}\nreceivers: [{name: a}]\n");
  writeFileSync(web, webConfig);
  const port = await freePort();
  const path = service === "prometheus" ? "--storage.tsdb.path" : "--storage.path";
  const server = new Process(service, {
    command: service === "prometheus" ? "prometheus" : "prometheus-alertmanager",
    args: [
      `--config.file=${config}`,
      `--web.config.file=${web}`,
      `${path}=${join(dir, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      ...(service === "alertmanager" ? ["--cluster.listen-address="] : []),
    ],
  });
  t.after(() => server.stop());
  return { server, url: `http://127.0.0.1:${port}` };
}

for (const service of ["prometheus", "alertmanager"] as const) {
  test(`${service} with its login: the password opens it, nothing else does`, async (t) => {
    const stack = prepared();
    changed(stack);
    const { url } = await serve(t, service, stack.read(`secrets/${service}-web.yml`));
    const password = stack.read(`secrets/${service}-admin`);
    const status = async (path: string, login?: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers);
      if (login !== undefined) headers.set("authorization", `Basic ${btoa(login)}`);
      return (await fetch(`${url}${path}`, { ...init, headers })).status;
    };
    await until("it is ready", async () => (await status("/-/ready", `admin:${password}`)) === 200);
    for (const path of [
      "/-/ready",
      "/metrics",
      service === "prometheus" ? "/api/v1/query?query=1" : "/api/v2/status",
    ]) {
      assert.equal(await status(path), 401, path);
      assert.equal(await status(path, "admin:"), 401, path);
      assert.equal(await status(path, `root:${password}`), 401, path);
      assert.equal(await status(path, `admin:${password}`), 200, path);
    }
    if (service === "alertmanager") {
      const silence = JSON.stringify({
        matchers: [{ name: "alertname", value: ".+", isRegex: true }],
        startsAt: new Date().toISOString(),
        endsAt: new Date(Date.now() + 3_600_000).toISOString(),
        createdBy: "a foreign page",
        comment: "silence everything",
      });
      const post = { method: "POST", body: silence, headers: { "content-type": "application/json" } };
      assert.equal(await status("/api/v2/silences", undefined, post), 401);
      assert.equal(await status("/api/v2/silences", `admin:${password}`, post), 200);
    }
  });

  test(`${service} does not start as long as it has no login`, async (t) => {
    const stack = prepared();
    const { server } = await serve(t, service, stack.read(`secrets/${service}-web.yml`));
    assert.notEqual(await server.exited, 0);
  });
}

test("Grafana, Prometheus and amtool know where their passwords are, and Grafana knows no other one", () => {
  const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  assert.match(
    read("grafana/provisioning/datasources/prometheus.yml"),
    /\$__file\{\/run\/secrets\/prometheus-admin\}/,
  );
  assert.match(
    read("prometheus/prometheus.yml"),
    /password_file: \/run\/secrets\/alertmanager-admin \}\n {6}static/,
  );
  assert.match(read("deploy/amtool/login.yml"), /password_file: \/run\/secrets\/alertmanager-admin/);
  assert.match(read("docker-compose.yml"), /secrets: \[grafana-admin, prometheus-admin\]/);
});
