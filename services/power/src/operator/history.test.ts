import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { HistoryQuery } from "@gpu-power-manager/shared/api";
import { type Bus, openBus } from "@gpu-power-manager/shared/bus";
import type { OperatorEntry } from "@gpu-power-manager/shared/events";
import { operatorSubject } from "@gpu-power-manager/shared/events";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { NatsHealth } from "@gpu-power-manager/shared/nats-health";
import { startGuardedNats } from "../../../../tests/harness/guarded-nats.ts";
import { readHistory } from "./history.ts";
import { ApiError } from "./problems.ts";

/** A server with the users of the shipped configuration: what power may not ask of it, it does not answer. */
async function openGuarded(t: TestContext) {
  const nats = await startGuardedNats();
  const logger = createLogger({ service: "test", level: "fatal", secrets: [] });
  const stop = new AbortController();
  const bus = await openBus(
    { NATS_URL: nats.urls(0), ...nats.loginOf("power"), NATS_REPLICAS: 1 },
    "history-test",
    { health: new NatsHealth(logger), logger, signal: stop.signal },
  );
  t.after(async () => {
    await bus.close();
    await nats.stop();
  });
  return { nats, bus };
}

const hold = (at: number): OperatorEntry => ({
  kind: "operator",
  pool: "default",
  at,
  action: "hold",
  token: "operator",
  address: "127.0.0.1",
  reason: `hold ${at}`,
  forced: false,
  outcome: "done",
});

async function tell(bus: Bus, entry: OperatorEntry): Promise<void> {
  await bus.js.publish(operatorSubject(entry), JSON.stringify(entry));
}

test("power's user may read history with the permissions that are shipped", async (t) => {
  const { bus } = await openGuarded(t);
  for (let at = 1; at <= 5; at += 1) await tell(bus, hold(at));
  const first = await readHistory(bus, "default", HistoryQuery.parse({ limit: "3" }));
  assert.deepEqual(
    first.entries.map(({ sequence }) => sequence),
    [5, 4, 3],
  );
  const rest = await readHistory(bus, "default", HistoryQuery.parse({ before: String(first.next) }));
  assert.deepEqual([rest.entries.map(({ sequence }) => sequence), rest.next], [[2, 1], null]);
  assert.deepEqual(await readHistory(bus, "other", HistoryQuery.parse({})), { entries: [], next: null });
});

test("a server that hangs is not waited for longer than is said, and the words say so", async (t) => {
  const { nats, bus } = await openGuarded(t);
  await tell(bus, hold(1));
  process.kill(nats.pid, "SIGSTOP");
  const refused = await readHistory(bus, "default", HistoryQuery.parse({}), 500).catch((error) => error);
  process.kill(nats.pid, "SIGCONT");
  assert.ok(refused instanceof ApiError);
  assert.deepEqual([refused.code, /within 500 ms\. Look at NATS/.test(refused.message)], ["not_ready", true]);
});
