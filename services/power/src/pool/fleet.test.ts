/** The fleet on a real NATS: what is on is not forgotten, whatever becomes of the pool file and of power. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { StateBucket } from "@gpu-power-manager/shared/state-bucket";
import { busOn } from "../../../../tests/harness/bus.ts";
import { startNats } from "../../../../tests/harness/servers.ts";
import type { Sighting } from "../console/driver.ts";
import { Fleet } from "./fleet.ts";
import { afterLook } from "./instance/after-look.ts";
import { uptimeMs } from "./instance/running-time.ts";
import type { Member } from "./member.ts";
import { Pool } from "./pool.ts";

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;

async function bucket(t: TestContext): Promise<StateBucket> {
  const nats = await startNats();
  const bus = await busOn(nats);
  t.after(async () => {
    await bus.close();
    await nats.stop();
  });
  return bus.kv;
}

const poolOf = (machines: Record<string, string>, prices: Record<string, number> = {}) =>
  Pool.parse({
    pool: "p",
    profile: "demo",
    instances: Object.entries(machines).map(([id, providerId]) => ({
      id,
      providerId,
      pricePerHour: prices[id] ?? 1,
      currency: "USD",
    })),
  });
const fleetOn = async (kv: StateBucket, pool: Pool, now = NOW + 9 * HOUR) => {
  const fleet = new Fleet(
    kv,
    () => true,
    () => now,
  );
  await fleet.follow(pool);
  return fleet;
};
const shown = (fleet: Fleet) =>
  fleet.members.map(
    ({ instance, record, forgotten }) =>
      `${instance.id}=${record.providerId} ${record.state}${forgotten ? " forgotten" : ""}`,
  );

async function see(member: Member | undefined, sighting: Sighting, at = NOW): Promise<void> {
  assert.ok(member !== undefined);
  const look = { sighting, askedAt: at, answeredAt: at, compared: false, facts: null };
  const { policy } = poolOf({ a: "u1" });
  const { looks } = afterLook(member.record, member.looks, look, policy, member.instance, false);
  await member.change(
    (record) => afterLook(record, member.looks, look, policy, member.instance, false).record,
  );
  member.looks = looks;
}

test("one that is taken out while it is on is watched until it is off, over a restart of power, too", async (t) => {
  const kv = await bucket(t);
  const both = poolOf({ a: "u1", b: "u2" }, { a: 7 });
  const fleet = await fleetOn(kv, both);
  await see(fleet.find("a"), { state: "running" });
  await see(fleet.find("b"), { state: "stopped" });
  const without = poolOf({ c: "u3" });
  assert.equal(await fleet.follow(without), true);
  assert.deepEqual(shown(fleet), ["c=u3 unknown", "a=u1 running forgotten"], "what was off is let go");
  assert.deepEqual(
    fleet.listed.map(({ instance }) => instance.id),
    ["c"],
  );
  assert.equal(await fleet.follow(without), false);

  const next = await fleetOn(kv, without);
  assert.deepEqual(shown(next), ["c=u3 unknown", "a=u1 running forgotten"]);
  assert.equal(next.find("a")?.instance.currency, "USD");
  assert.equal(next.find("a")?.prices(NOW).running, 7, "what it costs is still known");
  await see(next.find("a"), { state: "stopped" }, NOW + HOUR);
  assert.equal(await next.follow(without), true);
  assert.deepEqual(shown(next), ["c=u3 unknown"]);
  assert.deepEqual(shown(await fleetOn(kv, without)), ["c=u3 unknown"]);
});

test("one whose name is given to another machine is watched under a name of its own", async (t) => {
  const kv = await bucket(t);
  const fleet = await fleetOn(kv, poolOf({ a: "u1" }));
  await see(fleet.find("a"), { state: "running" });
  const changed = poolOf({ a: "u2" });
  await fleet.follow(changed);
  const now = ["a=u2 unknown", "a_u1=u1 running forgotten"];
  assert.deepEqual(shown(fleet), now);
  assert.deepEqual(shown(await fleetOn(kv, changed)), now);
  await fleet.follow(poolOf({ a: "u1" }));
  assert.deepEqual(
    shown(fleet),
    ["a=u1 running"],
    "listed again it has its name back, and all that was known",
  );
});

test("the pool file was changed while no power ran", async (t) => {
  const kv = await bucket(t);
  const fleet = await fleetOn(kv, poolOf({ a: "u1", b: "u2", c: "u3" }));
  for (const id of ["a", "b", "c"]) await see(fleet.find(id), { state: "running" });
  const changed = poolOf({ a: "u9", z: "u2", c: "u3" });
  assert.deepEqual(shown(await fleetOn(kv, changed)), [
    "a=u9 unknown",
    "z=u2 running",
    "c=u3 running",
    "a_u1=u1 running forgotten",
  ]);
});

test("a new name changes nothing that is known of a machine", async (t) => {
  const kv = await bucket(t);
  const fleet = await fleetOn(kv, poolOf({ a: "u1" }));
  const member = fleet.find("a");
  await see(member, { state: "running" });
  await see(member, { state: "running" }, NOW + HOUR);
  await fleet.follow(poolOf({ z: "u1" }));
  assert.equal(fleet.find("z"), member, "whoever calls the console for it finds it");
  const next = await fleetOn(kv, poolOf({ z: "u1" }));
  assert.equal(uptimeMs(next.find("z")?.record ?? assert.fail()), HOUR);
  await see(next.find("z"), { state: "stopped" }, NOW + HOUR);
  assert.deepEqual(
    shown(await fleetOn(kv, poolOf({ b: "u2" }))),
    ["b=u2 unknown"],
    "no name of before is left on",
  );
});

test("two that change names keep what is known of them", async (t) => {
  const kv = await bucket(t);
  const fleet = await fleetOn(kv, poolOf({ a: "u1", b: "u2" }));
  await see(fleet.find("a"), { state: "running" });
  await see(fleet.find("b"), { state: "starting" });
  const swapped = poolOf({ a: "u2", b: "u1" });
  await fleet.follow(swapped);
  const now = ["a=u2 starting", "b=u1 running"];
  assert.deepEqual(shown(fleet), now);
  assert.deepEqual(shown(await fleetOn(kv, swapped)), now);
});

test("one that the provider has no more is let go after a while, with what it cost", async (t) => {
  const kv = await bucket(t);
  const fleet = await fleetOn(kv, poolOf({ a: "u1", b: "u2" }));
  const member = fleet.find("a");
  await see(member, { state: "running" });
  await see(member, { state: "running" }, NOW + HOUR);
  const without = poolOf({ b: "u2" });
  await fleet.follow(without);
  const missing = { state: "unknown", reason: "not_in_list", words: "The list does not hold it." } as const;
  for (let looks = 1; looks < 20; looks += 1) await see(member, missing, NOW + HOUR + looks);
  assert.equal(await fleet.follow(without), false, "a list may be short for a while");
  await see(member, missing, NOW + 2 * HOUR);
  assert.equal(await fleet.follow(without), true);
  assert.deepEqual(shown(fleet), ["b=u2 unknown"]);
  assert.deepEqual(shown(await fleetOn(kv, without)), ["b=u2 unknown"]);
  assert.equal(uptimeMs(member?.record ?? assert.fail()), HOUR);
});

test("times of a clock that has been set back since count as now, and what was measured stays counted", async (t) => {
  const kv = await bucket(t);
  const pool = poolOf({ a: "u1" });
  const fleet = await fleetOn(kv, pool);
  const member = fleet.find("a");
  await see(member, { state: "running" }, NOW);
  await see(member, { state: "running" }, NOW + HOUR);
  await member?.change((record) => ({ ...record, restUntil: NOW + 5 * HOUR, starts: [NOW + HOUR] }));
  const before = NOW - HOUR;
  const { record } = (await fleetOn(kv, pool, before)).find("a") ?? assert.fail();
  assert.deepEqual(
    [record.runningSince, record.lastRunningAt, record.stateSince, record.starts],
    [before, before, before, [before]],
  );
  assert.equal(record.restUntil, before + pool.policy.quarantine);
  assert.equal(uptimeMs(record), HOUR, "a counter never goes back");
  assert.equal(record.cost, 1);
});
