/** `make test-alert`: one alert that calls itself a test, the whole way, and plain words where it cannot go it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startAlerting } from "../harness/alerting.ts";
import { until } from "../harness/process.ts";

const SCRIPT = new URL("../../scripts/stack/test-alert.sh", import.meta.url).pathname;
const RENDERER = new URL("../../scripts/alertmanager/main.ts", import.meta.url).pathname;
/** Stands for the engine: the one container is the Alertmanager of the test, and the renderer runs without one. */
const DOCKER = `#!/bin/sh
case "$1" in
  ps) echo alertmanager ;;
  run) until [ "$1" = scripts/alertmanager/main.ts ]; do shift; done; shift; exec ${process.execPath} ${RENDERER} "$@" ;;
  exec) shift 3; exec amtool --alertmanager.url="$TEST_ALERTMANAGER" "$@" ;;
esac
`;

async function run(dir: string, env: Readonly<Record<string, string>>) {
  await writeFile(join(dir, "docker"), DOCKER, { mode: 0o755 });
  const path = `${dir}:${process.env.PATH ?? ""}`;
  const child = spawn(SCRIPT, { env: { ...process.env, PATH: path, ...env } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, output };
}

test("a test alert arrives, and says that it is one; where nobody hears, the script says so", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "test-alert-"));
  const nowhere = "http://127.0.0.1:9";
  const targets = { listener: nowhere, power: nowhere };
  const alerting = await startAlerting({ dir, targets, timesQuicker: 48, everyMs: 500 });
  t.after(() => alerting.stop());
  const hook = join(dir, "hook");
  await writeFile(hook, "http://127.0.0.1:9/hook");
  const env = {
    ALERT_RECEIVER: "webhook, feishu,dingtalk:critical",
    ALERT_WEBHOOK_URL_FILE: hook,
    ALERT_FEISHU_URL: "https://open.feishu.cn/open-apis/bot/v2/hook/secret-key",
    ALERT_DINGTALK_URL: "https://oapi.dingtalk.com/robot/send?access_token=secret-key",
    ALERT_TIME_ZONE: "Asia/Shanghai",
    TEST_ALERTMANAGER: alerting.alertmanager,
  };

  const early = await run(dir, env);
  assert.equal(early.code, 1, early.output);
  assert.match(early.output, /Prometheus does NOT reach Alertmanager/);

  await alerting.fires({ alertname: "Watchdog" }, 0);
  const since = Date.now();
  const { code, output } = await run(dir, env);
  assert.equal(code, 0, output);
  assert.match(
    output,
    /Prometheus reaches Alertmanager.*should arrive:\S*\n +- at the address in \S+hook\n +- in the Feishu group of the robot in ALERT_FEISHU_URL in \.env\n +- in the DingTalk group.*make logs/s,
  );
  for (const shown of [
    /--- feishu\n\(blue\) \[note 提示\] This is a test: alerts reach you\n/,
    /since 开始于: .* GMT\+8/,
    /--- dingtalk, hears of critical only\n/,
  ])
    assert.match(output, shown);
  assert.doesNotMatch(output, /secret-key/);
  const { annotations } = await until("the test alert arrives", () =>
    alerting.arrived.find(({ labels, at }) => labels.alertname === "TestAlert" && at >= since),
  );
  assert.match(annotations.description ?? "", /Somebody ran make test-alert at .*Nothing is wrong/s);
  assert.match(annotations.description_zh ?? "", /没有故障/);

  const none = await run(dir, { ...env, ALERT_RECEIVER: "none" });
  assert.equal(none.code, 1);
  assert.match(none.output, /nobody hears of alerts/);
});
