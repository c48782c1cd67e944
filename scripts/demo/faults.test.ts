/** The demo's faults: each takes effect and can be mended, names an alert that exists, and tells its time truly. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { startConsole } from "../../sim/console/src/provider.ts";
import { serveControl } from "../../sim/dsp/src/control.ts";
import { startGateway } from "../../sim/dsp/src/gateway.ts";
import { divideDuration } from "../../tests/harness/quick-rules.ts";
import { startRedis } from "../../tests/harness/servers.ts";
import { DEMO_TIMES_QUICKER, FAULTS, faultNamed, mendAll } from "./faults.ts";

const RULES = new URL("../../prometheus/rules/alerts.yml", import.meta.url);
const SCRIPT = new URL("fault.ts", import.meta.url).pathname;
const Rules = z.object({
  groups: z.array(
    z.object({
      rules: z.array(z.object({ alert: z.string(), expr: z.string(), for: z.string().optional() })),
    }),
  ),
});
/** It takes a minute and a half; the tests of the alerts switch the machine in less. */
const SLOW = "switched-by-others";

test("each fault names an alert that exists, and how long its rule waits", () => {
  const rules = Rules.parse(parse(readFileSync(RULES, "utf8"))).groups.flatMap((group) => group.rules);
  for (const { name, alert, ruleSeconds } of FAULTS) {
    const rule = rules.find((each) => each.alert === alert);
    assert.ok(rule !== undefined, `${name}: there is no alert ${alert}`);
    const limit = Number(/> (\d{2,})\b/.exec(rule.expr)?.[1] ?? 0);
    const wait = Number.parseInt(divideDuration(rule.for ?? "0ms", 1), 10) / 1_000;
    assert.equal(ruleSeconds, limit + wait, `${name}: ${rule.expr} for ${rule.for}`);
  }
});

function run(env: Readonly<Record<string, string>>) {
  return spawnSync(process.execPath, [SCRIPT], { encoding: "utf8", env: { ...process.env, ...env } });
}

test("alone it lists the faults; a name that is none lists them too, and fails; without a demo it says what to start", () => {
  const { status, stdout } = run({ FAULT: "" });
  assert.equal(status, 0);
  for (const { name, alert } of FAULTS) assert.match(stdout, new RegExp(`^${name} +${alert} `, "m"));
  assert.match(stdout, new RegExp(`${DEMO_TIMES_QUICKER} times quicker`));
  const wrong = run({ FAULT: "nonsense" });
  assert.equal(wrong.status, 1);
  assert.match(wrong.stdout, /sold-out/);
  assert.match(wrong.stderr, /There is no fault "nonsense"/);
  const alone = run({
    FAULT: "sold-out",
    CONSOLE_CONTROL: "http://127.0.0.1:9",
    GATEWAY_CONTROL: "http://127.0.0.1:9",
  });
  assert.equal(alone.status, 1);
  assert.match(alone.stderr, /start it with `make demo`/);
});

test("each fault is taken by the stand-ins, and all are mended together", async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const site = await startConsole();
  t.after(() => site.close());
  const gateway = await startGateway({ redisUrl: redis.url });
  t.after(() => gateway.stop());
  const control = await serveControl(gateway);
  t.after(() => control.stop());
  const controls = { console: site.controlUrl, gateway: control.url };
  const knobs = async () => await (await fetch(`${site.controlUrl}/faults`)).json();
  const well = await knobs();
  for (const { name, inject } of FAULTS.filter((fault) => fault.name !== SLOW)) {
    await inject(controls);
    await mendAll(controls);
    assert.deepEqual(await knobs(), well, `${name} is mended`);
  }
  await faultNamed("gateway-away")?.inject(controls);
  assert.equal(gateway.accepting, false);
  await mendAll(controls);
  await mendAll(controls);
  assert.equal(gateway.accepting, true, "mending twice does no harm");
  await faultNamed("empty-list")?.inject(controls);
  assert.notDeepEqual(await knobs(), well);
  assert.ok((gateway.submitted["gpu.job.submit"] ?? 0) >= 5, "jobs were submitted");
});
