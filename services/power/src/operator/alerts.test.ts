import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startPrometheus } from "../../../../scripts/demo/prometheus.ts";
import { freePort, until } from "../../../../tests/harness/process.ts";
import { Alerts } from "./alerts.ts";

function follow(t: TestContext, url: string | undefined, password?: string) {
  const changes: string[] = [];
  const alerts = new Alerts({
    url: url === undefined ? undefined : new URL(`${url}/`),
    password,
    onChange: () => changes.push("words" in alerts.view ? alerts.view.words.en : "known"),
  });
  const stopping = new AbortController();
  const following = alerts.follow(stopping.signal);
  t.after(async () => {
    stopping.abort();
    await following;
  });
  return { alerts, changes };
}

test("a real Prometheus with the project's rules: what fires is told in both languages, Watchdog is not", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "alerts-"));
  // Nobody is there to be scraped.
  const port = await freePort();
  const prometheus = await startPrometheus(
    dir,
    port,
    { listener: "http://127.0.0.1:9" },
    { timesQuicker: 600 },
  );
  t.after(() => prometheus.stop());
  const url = `http://127.0.0.1:${port}`;
  await until("ListenerDown fires", async () =>
    (await prometheus.alerts()).some(
      ({ state, labels }) => state === "firing" && labels.alertname === "ListenerDown",
    ),
  );
  const { alerts } = follow(t, url);
  const view = await until("it is asked", () => ("words" in alerts.view ? undefined : alerts.view));
  const down = view.alerts.find(({ name }) => name === "ListenerDown");
  assert.equal(down?.severity, "critical");
  assert.deepEqual(down.summary, { en: "No listener answers", zh: "没有监听服务响应" });
  assert.match(down.description.zh, /监听服务/);
  assert.equal(down.runbook, "docs/runbooks/ListenerDown.md");
  assert.ok(Date.parse(down.since) <= Date.now());
  assert.ok(!view.alerts.some(({ name }) => name === "Watchdog"));
  const grades = view.alerts.map(({ severity }) => severity);
  assert.deepEqual(grades, [...grades].sort(), "critical before warning");
});

test("what cannot be asked is unknown, with the reason", async (t) => {
  assert.deepEqual(follow(t, undefined).alerts.view, {
    words: { en: "PROMETHEUS_URL is not set", zh: "未设置 PROMETHEUS_URL" },
  });
  const away = follow(t, `http://127.0.0.1:${await freePort()}`);
  await until("it is told", () => away.changes.length > 0);
  assert.match(away.changes[0] ?? "", /Prometheus cannot be asked \(.*ECONNREFUSED/);

  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    response.writeHead(401).end();
  });
  t.after(() => server.close());
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const refused = follow(t, `http://127.0.0.1:${port}/prometheus`, "old");
  await until("it is told", () => refused.changes.length > 0);
  assert.match(refused.changes[0] ?? "", /refuses the password: PROMETHEUS_PASSWORD/);
  assert.deepEqual(asked, [`/prometheus/api/v1/alerts Basic ${Buffer.from("admin:old").toString("base64")}`]);
});
