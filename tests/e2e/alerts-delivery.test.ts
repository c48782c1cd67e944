/** From a real fault to what stands in the groups: Prometheus, Alertmanager, messenger, each robot's stand-in by its rules. */
import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { serveHttp } from "@gpu-power-manager/shared/http";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { processRegistry } from "@gpu-power-manager/shared/registry";
import { renderRobots } from "../../scripts/alertmanager/render.ts";
import { readSettings } from "../../scripts/alertmanager/settings.ts";
import { HookTarget } from "../../services/power/src/hooks/hook-target.ts";
import { Hooks } from "../../services/power/src/hooks/hooks.ts";
import { deriveFromHooks } from "../../services/power/src/telemetry/hook-gauges.ts";
import { CHATS, serveRobots } from "../../sim/robots/src/serve.ts";
import { startAlerting } from "../harness/alerting.ts";
import { busOn } from "../harness/bus.ts";
import { loneListener } from "../harness/lone-listener.ts";
import { freePort, until } from "../harness/process.ts";
import { Service } from "../harness/service.ts";

const TIMES_QUICKER = 48;
const EVERY_MS = 500;
const RUNBOOKS = new URL("../../docs/runbooks", import.meta.url).pathname;

/** The hooks as power runs them, beside a power that is not there: their gauges, and a receiver that comes later. */
async function startHooks(t: TestContext, nats: { readonly url: string }, folder: string) {
  const bus = await busOn(nats);
  const stop = new AbortController();
  const port = await freePort();
  const logger = createLogger({ service: "hooks", level: "fatal", secrets: [] });
  const registry = processRegistry("default");
  await writeFile(join(folder, "secret"), `whsec_${Buffer.alloc(32, 7).toString("base64")}`);
  const target = HookTarget.parse({ name: "ops", url: `http://127.0.0.1:${port}/`, secretFile: "secret" });
  const now = Date.now;
  let seen: Hooks | undefined;
  const hooks = await Hooks.open({
    bus,
    pool: "default",
    targets: () => [target],
    folder,
    mayAct: () => true,
    now,
    logger,
    onOutcome: deriveFromHooks(registry, () => seen && { hooks: seen.view(), now: now() }),
  });
  seen = hooks;
  const running = hooks.run(stop.signal);
  const http = {
    host: "127.0.0.1",
    port: 0,
    tlsDir: undefined,
    tlsPort: 0,
    logger,
    registry,
    signal: stop.signal,
  };
  const metrics = await serveHttp({ ...http, readiness: () => ({ ready: true, words: "", details: {} }) });
  t.after(async () => {
    stop.abort();
    await running;
    await bus.close();
  });
  return {
    url: `http://127.0.0.1:${metrics}`,
    receive: async () => {
      const bodies: string[] = [];
      const server = createServer(async (request, response) => {
        let body = "";
        for await (const chunk of request) body += String(chunk);
        bodies.push(body);
        response.end();
      });
      await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
      t.after(() => {
        server.closeAllConnections();
        server.close();
      });
      return bodies;
    },
  };
}

test("an alert of a real fault reaches each group, readable; one that a group does not take reaches the others", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "alerts-delivery-"));
  const robots = await serveRobots();
  t.after(() => robots.stop());
  const receivers = {
    ALERT_RECEIVER: "wecom-robot,dingtalk,feishu:critical,telegram,slack:warning",
    ALERT_WECOM_ROBOT_URL: robots.addresses.wecom,
    ALERT_DINGTALK_URL: robots.addresses.dingtalk,
    ALERT_DINGTALK_SECRET: robots.keys.dingtalk.secret,
    ALERT_FEISHU_URL: robots.addresses.feishu,
    ALERT_FEISHU_SECRET: robots.keys.feishu.secret,
    ALERT_TELEGRAM_BOT_TOKEN: robots.keys.telegram.token,
    ALERT_TELEGRAM_CHAT_ID: robots.keys.telegram.chat,
    ALERT_TELEGRAM_API_URL: robots.url,
    ALERT_SLACK_URL: robots.addresses.slack,
    ALERT_RUNBOOK_BASE_URL: "https://git.example.com/gpu",
    ALERT_TIME_ZONE: "Asia/Shanghai",
  };
  const file = join(dir, "robots.json");
  await writeFile(file, renderRobots(readSettings(receivers)) ?? "");
  const messenger = new Service("messenger", await freePort(), { ROBOTS_FILE: file, RUNBOOKS_DIR: RUNBOOKS });
  messenger.start();
  t.after(() => messenger.stop());
  const { listener, nats } = await loneListener(t);
  listener.start();
  await Promise.all([messenger.ready(), listener.ready()]);
  const hooked = await startHooks(t, nats, dir);
  const alerting = await startAlerting({
    dir,
    targets: { listener: listener.url, messenger: messenger.url, power: hooked.url },
    timesQuicker: TIMES_QUICKER,
    everyMs: EVERY_MS,
    receivers,
    messenger: messenger.url,
  });
  t.after(() => alerting.stop());
  const { fires, resolves } = alerting;
  const tells = async (alert: string, fault: string, since: number) => {
    const { at } = await fires({ alertname: alert }, since);
    t.diagnostic(`ALERT ${alert} | ${fault} | ${((at - since) / 1_000).toFixed(1)} s`);
  };
  const stands = (chat: (typeof CHATS)[number], words: RegExp) =>
    until(`${words} stands in the group of ${chat}`, () =>
      robots.taken[chat].find(({ text }) => words.test(text)),
    );
  await fires({ alertname: "Watchdog" }, 0);

  // ---- a real fault, to whoever hears of its severity
  const killed = Date.now();
  await listener.kill();
  for (const chat of ["wecom", "dingtalk", "feishu", "telegram"] as const) {
    const { text } = await stands(chat, /\[critical.*No listener answers/);
    t.diagnostic(`MESSAGE ${chat}\n${text}`);
    for (const words of [
      /没有监听服务响应/,
      /New jobs are not heard/,
      /since.* \d{4}-\d\d-\d\d \d\d:\d\d:\d\d /,
    ])
      assert.match(text, words, chat);
    assert.match(text, /https:\/\/git\.example\.com\/gpu\/docs\/runbooks\/ListenerDown\.(zh-CN\.)?md/);
    // Telegram is told by Alertmanager itself, which knows no runbook's steps and no time zone.
    if (chat !== "telegram") assert.match(text, /GMT\+8.*如何处理.*1\. /s, chat);
  }
  listener.start();
  await resolves({ alertname: "ListenerDown" }, killed);
  for (const chat of ["wecom", "dingtalk", "feishu", "telegram"] as const)
    await stands(chat, /\[resolved 已恢复\] No listener answers/);

  // ---- a group whose robot was removed: the others hear of it, and it hears of everything once it takes it
  robots.faults.wecom = { status: 200, body: { errcode: 93_000, errmsg: "invalid webhook url" } };
  const again = Date.now();
  await listener.kill();
  await tells("AlertsNotDelivered", "a group robot's address is no longer valid", again);
  await stands("dingtalk", /Alerts do not reach a receiver \(webhook\)/);
  await stands("feishu", /告警无法送达某个接收方（webhook）/);
  const refused = messenger.lines.find((line) => line.includes("has not taken the message"));
  assert.match(refused ?? "", /93000.*ALERT_WECOM_ROBOT_URL is wrong/);
  const before = robots.taken.wecom.length;
  delete robots.faults.wecom;
  await until("what was refused stands in the group after all", () =>
    robots.taken.wecom.slice(before).find(({ text }) => /\[critical.*No listener answers/.test(text)),
  );
  listener.start();

  // ---- the listener's own gap is told to a hook whose receiver is not there yet
  await tells("HooksStuck", "a hook's receiver does not answer", again);
  const hooks = await hooked.receive();
  await until("the gap is told after all", () => hooks.find((body) => body.includes('"type":"gpu.gap"')));
  await resolves({ alertname: "HooksStuck" }, again);

  // ---- what must be nowhere
  await stands("slack", /\[warning\] The hook ops does not take events/);
  assert.ok(
    robots.taken.slack.every(({ text }) => !text.includes("critical")),
    "Slack hears of warnings only",
  );
  assert.ok(
    robots.taken.feishu.every(({ text }) => !text.includes("The hook ops")),
    "Feishu hears of what is critical only",
  );
  for (const chat of CHATS)
    assert.ok(!robots.taken[chat].some(({ text }) => text.includes("Alerting works")), `Watchdog in ${chat}`);
  assert.ok(
    ((await messenger.metric('gpu_messenger_messages_total{robot="feishu",outcome="sent"}')) ?? 0) >= 3,
  );
  const said = messenger.lines.join("\n");
  for (const secret of [
    robots.keys.wecom,
    robots.keys.dingtalk.token,
    robots.keys.dingtalk.secret,
    robots.keys.feishu.hook,
  ])
    assert.ok(!said.includes(secret), "a key stands in the log");
});
