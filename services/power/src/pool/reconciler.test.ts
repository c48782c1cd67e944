/** One pass after the other on a real NATS, with a console that answers at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "@gpu-power-manager/shared/clock";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { Outbound } from "@gpu-power-manager/shared/outbound";
import { busOn } from "../../../../tests/harness/bus.ts";
import { until } from "../../../../tests/harness/process.ts";
import { startNats } from "../../../../tests/harness/servers.ts";
import type { PoolSighting } from "../console/driver.ts";
import { openDemand } from "../demand/intake.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { Fleet } from "./fleet.ts";
import { Pool } from "./pool.ts";
import { Reconciler } from "./reconciler.ts";
import { Story } from "./story.ts";

const pool = Pool.parse({
  pool: "p",
  profile: "demo",
  instances: [{ id: "gpu-1", providerId: "uhost-1", pricePerHour: 1 }],
});

test("a start waits for nothing that is only counted, and is not given up where that cannot be written", async (t) => {
  const nats = await startNats();
  const bus = await busOn(nats);
  const stopping = new AbortController();
  const { signal } = stopping;
  const clock = new Clock();
  const now = () => Math.round(clock.now());
  const lines: string[] = [];
  const logger = createLogger({
    service: "test",
    level: "warn",
    secrets: [],
    destination: { write: (line: string) => lines.push(line) },
  });
  const mayAct = () => true;
  const look = async (): Promise<PoolSighting> => ({
    askedAt: now(),
    answeredAt: now(),
    instances: new Map([["uhost-1", { state: "stopped" }]]),
  });
  const did: string[] = [];
  const count = async (what: string): Promise<never> => {
    did.push(what);
    throw new Error("NATS takes no more of this");
  };
  const demand = await openDemand(bus, "p", mayAct, now);
  const fleet = new Fleet(bus.kv, mayAct, now);
  const outbound = new Outbound(bus, logger, signal);
  const metrics = createMetrics("p", now, mayAct);
  const reconciler = new Reconciler({
    pool: () => pool,
    driver: {
      setInstances: () => {},
      observe: look,
      compare: look,
      act: async ({ action }) => {
        did.push(action);
        return { outcome: "accepted", lane: "api" };
      },
    },
    demand,
    fleet,
    outbound,
    story: new Story({ poolName: () => "p", outbound, metrics, logger }),
    onPass: () => did.push("passed"),
    logger,
    clock,
    onClockJump: () => {},
    now,
    random: () => 0.5,
    hold: () => null,
    purse: { budgets: [], keep: () => count("money") },
    workLog: { learned: null, see: () => count("work") },
    mayAct,
    listeningSince: () => 0,
    pathProvenAt: () => now(),
    operatorControls: () => false,
    attendedSince: () => 0,
  });
  const running = reconciler.run(signal);
  t.after(async () => {
    stopping.abort();
    await running;
    await bus.close();
    await nats.stop();
  });
  await until("it is off", () => fleet.members[0]?.record.state === "stopped");
  const at = now();
  await demand.change((value) => ({ ...value, waiting: [{ since: at, foldedAt: at, count: 1 }] }));
  reconciler.wake();
  await until(
    "the pass of the start is over",
    () => did.lastIndexOf("passed") > did.indexOf("start") && did.includes("start"),
  );
  const begun = did.indexOf("start");
  assert.deepEqual(did.slice(begun - 1, begun + 3), ["passed", "start", "money", "passed"]);
  const told = lines.filter((line) => line.includes("cannot be written down"));
  assert.equal(told.length, 1, "once, not with every pass");
});
