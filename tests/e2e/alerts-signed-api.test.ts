/**
 * A power with keys of the provider's signed API: the main job without a browser, then one lane after the other is
 * taken away. What stands behind it takes over, each loss is told, and when nobody can tell any more nothing is guessed.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { DEFAULT_PRIVATE_KEY } from "../../sim/console/src/provider.ts";
import { startAlerting } from "../harness/alerting.ts";
import { until } from "../harness/process.ts";
import { startStack } from "../harness/stack.ts";

const TIMES_QUICKER = 48;
const EVERY_MS = 500;

test("the main job by each lane: signed, the session where it fails, nothing where both are gone, and signed again", async (t) => {
  const stack = await startStack({ keys: true });
  t.after(() => stack.stop());
  const { power, console: site } = stack;
  const alerting = await startAlerting({
    dir: stack.dir,
    targets: { listener: stack.listener.url, power: power.url },
    timesQuicker: TIMES_QUICKER,
    everyMs: EVERY_MS,
  });
  t.after(() => alerting.stop());
  const { fires, resolves } = alerting;
  const tells = async (alert: string, fault: string, since: number) => {
    const { at } = await fires({ alertname: alert }, since);
    t.diagnostic(`ALERT ${alert} | ${fault} | ${((at - since) / 1_000).toFixed(1)} s`);
  };
  const machine = async () => (await stack.status()).instances[0];
  const started = async (lane: "signed" | "api", times: number) =>
    await until(`${times} starts by the ${lane} lane`, () => stack.accepted("start", lane) === times);

  // ---- signed requests alone
  assert.match((await power.readiness()).words, /signed API answers/);
  await stack.dsp.submit({ type: "url", key: "K1" });
  await started("signed", 1);
  await until("it runs", () => stack.state() === "Running");
  await until("it is stopped again", () => stack.accepted("stop", "signed") === 1);
  await until("power sees it stopped", async () => (await machine())?.state === "stopped");
  const { pageLoads, logins, describes } = site.state();
  assert.deepEqual([pageLoads, logins, describes.api, describes.page], [0, 0, 0, 0]);
  assert.equal(await power.metric("gpu_power_browser_memory_bytes"), undefined);
  assert.equal(await power.metric('gpu_power_console_session{state="not_used"}'), 1);

  // ---- it answers with errors: Chromium is launched, and the session is used
  const failing = Date.now();
  site.turn({ troubled: "signed", api500: "all" });
  await until("the session stands in", async () => (await stack.status()).session === "logged_in");
  await until("the machine is seen by it", () => site.state().describes.api > 1);
  await stack.dsp.submit({ type: "url", key: "K2" });
  await started("api", 1);
  await until("it runs", () => stack.state() === "Running");
  await tells("ProviderApiFailing", "the signed API answers HTTP 500", failing);

  // ---- the keys are revoked while it runs: the session stops it
  const revoked = Date.now();
  site.turn({ troubled: "everybody", api500: "none", keysRevoked: true });
  await tells("ProviderKeysRefused", "the keys are revoked while the machine runs", revoked);
  await until(
    "it is stopped by the session",
    () => stack.accepted("stop", "api") >= 1 && stack.state() === "Stopped",
  );

  // ---- the session expires, too: nobody can tell, and nothing is guessed
  const lost = Date.now();
  site.turn({ loginByHandOnly: true });
  await stack.expireSession();
  await until("the machine is unknown", async () => (await machine())?.state === "unknown");
  await until("both say why", async () => {
    const words = (await machine())?.words ?? "";
    return /refuses the keys/.test(words) && /asks for a login/.test(words);
  });
  const { actions } = site.state();
  await stack.dsp.submit({ type: "url", key: "K3" });
  await until("the job waits, and is shown", async () => (await stack.status()).demand.waitingJobs === 1);
  await tells("ConsoleLoginRequired", "the session expired as well, only a person can log in", lost);
  assert.equal(site.state().actions.length, actions.length, "neither started nor stopped");
  assert.equal((await machine())?.state, "unknown");

  // ---- the keys are good again: the job that waited is served by them
  site.turn({ keysRevoked: false });
  await started("signed", 2);
  await until("the job is served", async () => (await stack.status()).demand.waitingJobs === 0);
  await resolves({ alertname: "ProviderKeysRefused" }, revoked);
  await resolves({ alertname: "ConsoleLoginRequired" }, lost);

  // ---- the private key went nowhere
  const kept = [await (await fetch(`${power.url}/metrics`)).text(), JSON.stringify(await stack.status())];
  for (const path of ["/config", "/history", "/why"]) kept.push(await (await stack.api(path)).text());
  assert.doesNotMatch([...power.lines, ...kept].join("\n"), new RegExp(DEFAULT_PRIVATE_KEY));
  assert.doesNotMatch(readFileSync(`/proc/${power.pid}/cmdline`, "utf8"), new RegExp(DEFAULT_PRIVATE_KEY));
});
