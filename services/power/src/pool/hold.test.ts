/** The operator's hold, on a real NATS. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openBus } from "@gpu-power-manager/shared/bus";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { NatsHealth } from "@gpu-power-manager/shared/nats-health";
import { startNats } from "../../../../tests/harness/servers.ts";
import { Hold } from "./hold.ts";

const logger = createLogger({ service: "test", level: "fatal", secrets: [] });
const NOW = 1_800_000_000_000;

async function pool(t: TestContext) {
  const nats = await startNats();
  const bus = await openBus({ NATS_URL: nats.url, NATS_REPLICAS: 1 }, "test", {
    health: new NatsHealth(logger),
    bucket: "gpu_power",
    logger,
    signal: new AbortController().signal,
  });
  t.after(async () => {
    await bus.close();
    await nats.stop();
  });
  const hold = (now = NOW) => new Hold({ bus, pool: "p", logger, now: () => now, onChange: () => undefined });
  return { bus, hold };
}

test("the next power knows the hold before it decides anything", async (t) => {
  const { hold } = await pool(t);
  await hold().put({ mode: "off", at: NOW, until: NOW + 1_000, reason: "maintenance", by: "anna" });
  const next = hold();
  const unread = next.current;
  assert.equal(unread, null, "nothing is known yet");
  await next.load();
  assert.equal(next.current?.mode, "off");
  const later = hold(NOW + 1_000);
  await later.load();
  assert.equal(later.current, null, "it has ended by itself");
});

test("without a hold, and after it was ended, none is in force", async (t) => {
  const { hold } = await pool(t);
  const first = hold();
  await first.load();
  assert.equal(first.current, null);
  await first.put({ mode: "on", at: NOW, until: null, reason: "r", by: "b" });
  await first.resume();
  const next = hold();
  await next.load();
  assert.equal(next.current, null);
});

test("a key that somebody wrote by hand does the least: everything is left as it is", async (t) => {
  const { bus, hold } = await pool(t);
  await bus.kv.put("hold.p", "please");
  const next = hold();
  await next.load();
  assert.equal(next.current?.mode, "as_is");
});
