import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { type TestContext, test } from "node:test";
import { diagnosisAt, machineAt, statusAt } from "../answers-for-tests.ts";
import { speaker } from "../language.ts";
import { openSession } from "../session.ts";
import { describeAlerts, describeStatus, printStatus } from "./status.ts";

const AT = "2026-11-23T12:00:00.000Z";
const before = (seconds: number) => new Date(Date.parse(AT) - seconds * 1_000).toISOString();

const status = statusAt(AT, {
  listeningSince: before(3_600),
  demand: {
    waitingJobs: 2,
    oldestWaitingAt: before(5),
    bootRequests: 0,
    lastJobAt: before(5),
    lastActivityAt: null,
    counts: { url: 2 },
  },
  decisions: [{ kind: "wait", reason: "starting" }],
  instances: [
    machineAt(AT, {
      state: "starting",
      comparedAt: null,
      since: before(4),
      observedAt: before(1),
      uptimeSeconds: 7_200,
      cost: 3.76,
      attempt: { action: "start", attemptId: "a", at: before(4.5), sentAt: null, lane: null },
    }),
  ],
});

test("the status says what waits, what is under way and why", () => {
  const text = describeStatus(status, speaker("en")).join("\n");
  assert.match(text, /2 wait, the oldest since 5\.0 s ago/);
  assert.match(text, /gpu-1 {2}starting since 4\.0 s ago \(looked at 1\.0 s ago\)/);
  assert.match(text, /start under way since 4\.5 s ago/);
  assert.match(text, /ran 2 h 0 m in all, 3\.76 CNY/);
  assert.match(text, /decided {3}wait: a machine is starting/);
});

test("what the provider tells beside the state is said where it matters", () => {
  const [first] = status.instances;
  assert.ok(first);
  const provider = {
    at: before(1),
    gpuUsage: 80,
    cpuUsage: 2,
    withoutGpu: true,
    available: null,
    pricePerHour: 2,
    offPricePerHour: 0.5,
    releaseAt: before(-86_400),
    expiresAt: null,
    renews: null,
    plannedStopAt: null,
    plannedByPower: false,
  };
  const told = (state: "running" | "stopped") =>
    describeStatus({ ...status, instances: [{ ...first, state, provider }] }, speaker("en")).join("\n");
  assert.match(told("running"), /runs without its GPU/);
  assert.match(told("running"), /its GPU computes at 80 %/);
  assert.doesNotMatch(told("running"), /deletes it/);
  assert.match(told("stopped"), /deletes it with its data at/);
  assert.doesNotMatch(told("stopped"), /GPU/);
});

test("what fires is said, the gravest first, and that it is not known", () => {
  const alert = (name: string, severity: "critical" | "warning") => ({
    name,
    severity,
    since: before(90),
    summary: { en: `${name} happened`, zh: `${name} 发生` },
    description: { en: "", zh: "" },
    runbook: null,
  });
  const fires = { at: AT, alerts: [alert("ListenerDown", "critical"), alert("GpuSurplus", "warning")] };
  assert.deepEqual(describeAlerts(fires, speaker("en")), [
    "  alerts    ListenerDown happened (ListenerDown, critical, 1 m 30 s ago)",
    "            GpuSurplus happened (GpuSurplus, warning, 1 m 30 s ago)",
  ]);
  assert.match(describeAlerts(fires, speaker("zh"))[0] ?? "", /告警 {6}ListenerDown 发生/);
  assert.deepEqual(describeAlerts({ at: AT, alerts: [] }, speaker("en")), ["  alerts    none fires"]);
  assert.match(describeAlerts({ words: "why" }, speaker("en"))[0] ?? "", /not known: why/);
});

test("a power that stands by says whose view it tells, and of when", () => {
  const text = describeStatus({ ...status, asOf: before(2) }, speaker("en")).join("\n");
  assert.match(text, /told by {3}host-1:7, 2\.0 s ago; the power that was asked stands by/);
  assert.ok(!describeStatus(status, speaker("en")).join().includes("told by"));
});

test("a deaf path and an unknown state are said in words", () => {
  const [first] = status.instances;
  assert.ok(first);
  const text = describeStatus(
    {
      ...status,
      listeningSince: null,
      instances: [{ ...first, state: "unknown", words: "The console asks for a login." }],
    },
    speaker("en"),
  ).join("\n");
  assert.match(text, /cannot be heard: nothing is stopped/);
  assert.match(text, /gpu-1 {2}unknown \(looked/);
  assert.match(text, /The console asks for a login\./);
});

const sessionAt = (url: string, lines: string[], language: "en" | "zh" = "en") =>
  openSession(
    { power: url, listener: url, prometheus: undefined, receiver: undefined, token: "t", lookedFor: [] },
    {
      json: false,
      language,
      say: speaker(language),
      print: (line) => lines.push(line),
      tell: () => undefined,
      paint: (_colour, text) => text,
    },
  );

async function answering(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return `http://127.0.0.1:${address.port}`;
}

test("services that are away give exit code 3 and say what to do", async () => {
  const lines: string[] = [];
  assert.equal(await printStatus(sessionAt("http://127.0.0.1:9", lines)), 3);
  assert.match(
    lines.join("\n"),
    /Power cannot be asked at .*Start it, or say where it is with --url or POWER_URL/,
  );
  assert.match(lines.join("\n"), /The listener cannot be asked at .*--listener or LISTENER_URL/);
});

test("a listener that cannot be reached from here is told of as power hears from it", async (t) => {
  const about = { ready: true, words: "Registered.", details: {} };
  const alive = { name: "listener-1", aheadSeconds: 0, registered: true, provenSecondsAgo: 1 };
  const answers: Record<string, unknown> = {
    "/api/v1/status": status,
    "/api/v1/alerts": { at: AT, alerts: [] },
    "/api/v1/diagnosis": diagnosisAt(AT, { listeners: [{ ...alive, silentSeconds: 1, about }] }),
  };
  const url = await answering(t, ({ url: path = "" }, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answers[path]));
  });
  const lines: string[] = [];
  const session = sessionAt(url, lines);
  const elsewhere = { ...session, connection: { ...session.connection, listener: "http://127.0.0.1:9" } };
  assert.equal(await printStatus(elsewhere), 0);
  assert.match(lines.at(-1) ?? "", /^Listener {2}ready: Registered\. \(as power hears from it\)$/);
  answers["/api/v1/diagnosis"] = diagnosisAt(AT, { listeners: [{ ...alive, silentSeconds: 60, about }] });
  assert.equal(await printStatus(elsewhere), 3, "one that is silent is not told of as if it spoke");
});

test("a power that has no status to tell says what it waits for", async (t) => {
  const detail = "Standing by: power:7 has held the lease since noon.";
  const problem = { type: "x", title: "Power cannot answer yet", status: 503, code: "not_ready", detail };
  const url = await answering(t, (request, response) => {
    const asked = request.url !== "/readyz";
    response
      .writeHead(asked ? 503 : 200)
      .end(JSON.stringify(asked ? problem : { ready: true, words: "fine" }));
  });
  const lines: string[] = [];
  assert.equal(await printStatus(sessionAt(url, lines)), 1);
  assert.deepEqual(lines, [`Power     Power cannot answer yet. ${detail}`, "Listener  ready: fine"]);
});

test("the status is said in Chinese, too", () => {
  const text = describeStatus(status, speaker("zh")).join("\n");
  assert.match(text, /2 个在等待/);
  assert.match(text, /gpu-1 {2}启动中/);
  assert.match(text, /判断 {3}wait: 机器正在启动/);
});
