import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { startGuardedNats } from "../../../tests/harness/guarded-nats.ts";
import { freePort, until } from "../../../tests/harness/process.ts";
import { openBus } from "./bus.ts";
import { createLogger } from "./logger.ts";
import { NatsHealth, type NatsState } from "./nats-health.ts";

const logger = createLogger({ service: "test", level: "fatal", secrets: [] });
/** Time for each of two servers to be tried several times. */
const ROUNDS_MS = 2_000;

test("of two servers one refuses and one is away: it is refused, without flapping, until the one is away too", async (t) => {
  const nats = await startGuardedNats();
  const health = new NatsHealth(logger);
  const { NATS_USER, NATS_PASSWORD } = nats.loginOf("listener");
  const NATS_URL = `${nats.url},nats://127.0.0.1:${await freePort()}`;
  const config = { NATS_URL, NATS_USER, NATS_PASSWORD, NATS_REPLICAS: 1 };
  const { signal } = new AbortController();
  const bus = await openBus(config, "test", { health, bucket: "gpu_listener", logger, signal });
  t.after(async () => {
    await bus.close();
    await nats.stop();
  });
  assert.equal(health.state, "connected");
  const seen: NatsState[] = [];
  health.onChange((state) => seen.push(state));
  nats.admit(false);
  await nats.reload();
  await until("it is refused", () => health.state === "refused");
  await pause(ROUNDS_MS);
  assert.deepEqual(seen, ["refused"]);
  await nats.kill();
  await until("it is away", () => health.state === "away");
  nats.admit(true);
  await nats.resume();
  await until("it is connected", () => health.state === "connected");
  assert.deepEqual(seen, ["refused", "away", "connected"]);
});

test("a bus that is closed says nothing; a connection that ends by itself is lost", async (t) => {
  const nats = await startGuardedNats();
  t.after(() => nats.stop());
  const { NATS_USER, NATS_PASSWORD } = nats.loginOf("power");
  const config = { NATS_URL: nats.url, NATS_USER, NATS_PASSWORD, NATS_REPLICAS: 1 };
  const parts = { logger, signal: new AbortController().signal };
  const closed = await openBus(config, "test", {
    ...parts,
    health: new NatsHealth(logger),
    bucket: "gpu_power" as const,
  });
  await closed.close();
  const quiet = Symbol("quiet");
  assert.equal(await Promise.race([closed.lost, pause(50, quiet)]), quiet);

  const lost = await openBus(config, "test", {
    ...parts,
    health: new NatsHealth(logger),
    bucket: "gpu_power" as const,
  });
  await lost.connection.close();
  await assert.rejects(lost.lost, /closed for good.*supervisor starts it again/);
  assert.equal(lost.connected(), false);
});
