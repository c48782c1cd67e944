/** The operator's API of a real power: who is let in, and what can be read. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { type TestContext, test } from "node:test";
import { API_PATH, EffectiveConfig, Problem } from "@gpu-power-manager/shared/api";
import { ArtifactList, HistoryPage } from "@gpu-power-manager/shared/history-page";
import { PowerStatus } from "@gpu-power-manager/shared/status";
import { until } from "../harness/process.ts";
import { type Stack, startStack } from "../harness/stack.ts";

async function withStack(t: TestContext, options: Parameters<typeof startStack>[0] = {}): Promise<Stack> {
  const stack = await startStack(options);
  t.after(() => stack.stop());
  return stack;
}

async function problem(response: Response): Promise<Problem> {
  assert.match(response.headers.get("content-type") ?? "", /^application\/problem\+json/);
  const document = Problem.parse(await response.json());
  assert.equal(document.status, response.status);
  assert.equal(document.type, `urn:gpu-power-manager:problem:${document.code}`);
  return document;
}

/** `fetch` does not let its caller choose the Host header. */
async function askAs(url: string, host: string, token: string): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    const headers = { host, authorization: `Bearer ${token}` };
    request(`${url}${API_PATH}/status`, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
}

test("who has no right to come in is refused with a problem document, and no secret is logged", async (t) => {
  const stack = await withStack(t);
  const { power, tokens } = stack;
  const secret = "a-token-that-is-wrong-0123456789";

  assert.equal((await problem(await fetch(`${power.url}${API_PATH}/status`))).code, "unauthorized");
  assert.equal((await problem(await stack.api("/status", { token: secret }))).code, "unauthorized");
  assert.equal(await askAs(power.url, "evil.example", tokens.operator), 403);
  assert.equal(await askAs(power.url, "localhost:1", tokens.operator), 200);
  assert.equal((await problem(await stack.api("/nothing"))).code, "not_found");

  const body = { reason: "x".repeat(2 * 1024 * 1024) };
  const large = await problem(await stack.api("/nothing", { method: "POST", body }));
  assert.equal(large.code, "too_large");
  const unknown = await problem(await stack.api("/history?colour=red"));
  assert.equal(unknown.code, "bad_request");
  assert.match(unknown.detail, /colour/);
  const broken = await fetch(`${power.url}${API_PATH}/nothing`, {
    method: "POST",
    headers: { authorization: `Bearer ${tokens.operator}`, "content-type": "application/json" },
    body: "{",
  });
  assert.equal((await problem(broken)).code, "bad_request");

  const codes = new Map<string, number>();
  for (let tries = 0; tries < 1_000; tries += 1) {
    const { code } = await problem(await stack.api("/status", { token: `${secret}-${tries}` }));
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  // Of ten wrong tries a minute one was made above.
  assert.deepEqual(Object.fromEntries(codes), { unauthorized: 9, too_many_tries: 991 });
  const late = await stack.api("/status");
  assert.equal((await problem(late)).code, "too_many_tries");
  assert.ok(Number(late.headers.get("retry-after")) <= 60);
  for (const hidden of [secret, tokens.operator, tokens.viewer])
    assert.ok(!power.lines.some((line) => line.includes(hidden)), "no token is in the log");
});

test("without a token the API says what to set, and health stays open", async (t) => {
  const stack = await withStack(t, { powerEnv: { OPERATOR_TOKEN: "", VIEWER_TOKEN: "" } });
  const closed = await problem(await stack.api("/status"));
  assert.equal(closed.code, "not_configured");
  assert.match(closed.detail, /OPERATOR_TOKEN_FILE/);
  for (const path of ["/healthz", "/readyz", "/metrics"]) {
    const text = await (await fetch(`${stack.power.url}${path}`)).text();
    assert.ok(!text.includes(stack.ids[0] ?? "?"), `${path} names no machine of the provider`);
  }
});

test("a job's way can be read: status, history in pages, the configuration in use", async (t) => {
  const stack = await withStack(t);
  await stack.dsp.submit({ type: "url", key: "K1" });
  await until("it has run and idled", async () => {
    const { instances, demand } = await stack.status();
    return demand.counts.url === 1 && stack.accepted("stop") === 1 && instances[0]?.state === "stopped";
  });
  const read = async (path: string) => await (await stack.api(path, { token: stack.tokens.viewer })).json();
  PowerStatus.parse(await read("/status"));

  const whole = await until("the outcome is in history", async () => {
    const page = HistoryPage.parse(await read("/history?limit=200"));
    const outcomes = page.entries.filter(({ entry }) => entry.kind === "outcome").length;
    return outcomes === 2 ? page : undefined;
  });
  const kinds = whole.entries.map(({ entry }) => entry.kind);
  assert.equal(kinds.filter((kind) => kind === "intent").length, 2);
  assert.equal(whole.next, null);
  const sequences = whole.entries.map(({ sequence }) => sequence);
  assert.deepEqual(
    sequences,
    [...sequences].sort((a, b) => b - a),
    "newest first",
  );

  // Page by page it is the same.
  const paged: number[] = [];
  for (let before = ""; ; ) {
    const page = HistoryPage.parse(await read(`/history?limit=2${before}`));
    paged.push(...page.entries.map(({ sequence }) => sequence));
    if (page.next === null) break;
    before = `&before=${page.next}`;
  }
  assert.deepEqual(paged, sequences);

  const intents = HistoryPage.parse(await read("/history?kind=intent&instance=gpu-1"));
  assert.deepEqual(
    intents.entries.map(({ entry }) => entry.kind === "intent" && entry.action),
    ["stop", "start"],
  );
  const middle = intents.entries[0]?.at;
  const early = HistoryPage.parse(await read(`/history?kind=intent&until=${intents.entries[1]?.at}`));
  assert.equal(early.entries.length, 1);
  const recent = HistoryPage.parse(await read(`/history?kind=intent&since=${middle}`));
  assert.equal(recent.entries.length, 1);

  ArtifactList.parse(await read("/artifacts"));
  const climbing = await stack.api("/artifacts/..%2Fconsole-session.enc");
  assert.equal((await problem(climbing)).code, "not_found");

  assert.match(JSON.stringify(await read("/openapi.json")), /^\{"openapi":"3\.1\.0"/);
  const config = EffectiveConfig.parse(await read("/config"));
  assert.equal(config.environment.SESSION_KEY, "(set)");
  assert.equal(config.environment.NATS_CREDS_FILE, null);
  assert.ok(!JSON.stringify(config).includes(stack.tokens.operator));
});

test("whoever watches is told of changes as they happen, and the stop ends the stream", async (t) => {
  const stack = await withStack(t);
  const response = await stack.api("/events");
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  assert.ok(response.body);
  let text = "";
  const reading = (async () => {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString("utf8");
  })();
  const seen = (pattern: RegExp) => until(String(pattern), () => pattern.test(text));
  await seen(/event: status\ndata: \{"pool":"default"/);
  await stack.dsp.submit({ type: "url", key: "K1" });
  await seen(/event: history\ndata: .*"kind":"intent".*"action":"start"/);
  await seen(/event: history\ndata: .*"kind":"state".*"to":"running"/);
  await seen(/event: status\ndata: .*"state":"running"/);
  assert.equal(await stack.power.stop(), 0);
  await reading;
});
