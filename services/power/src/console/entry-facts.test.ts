import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { entryOf } from "../../../../sim/console/src/entry.ts";
import { GOOD_DAY } from "../../../../sim/console/src/faults.ts";
import { Fleet } from "../../../../sim/console/src/fleet.ts";
import type { Facts } from "./driver.ts";
import { factsOf } from "./entry-facts.ts";
import type { Entry } from "./interpret.ts";
import { parseProfile } from "./profile.ts";

const FILE = new URL("../../../../profiles/compshare.yaml", import.meta.url);
const { api } = parseProfile(readFileSync(FILE, "utf8"), "compshare.yaml");
const AT = 1_800_000_000_000;
const LATER_S = 1_800_086_400;
const monitor = (...usages: unknown[]) => ({
  MonitorMessages: { GpuInfo: usages.map((GpuUsageRate) => ({ GPU: "4090", GpuUsageRate })) },
});

const CASES: Array<[string, Entry, Omit<Facts, "askedAt">]> = [
  ["an entry that tells nothing", { UHostId: "u", State: "Running" }, {}],
  ["the busiest of several GPUs", monitor("3.10%", "80%", "0"), { gpuUsage: 80 }],
  ["use as a bare text", monitor("12.5"), { gpuUsage: 12.5 }],
  ["use as a number", monitor(12.5), { gpuUsage: 12.5 }],
  ["one GPU of which nothing can be read", monitor("N/A", "7 %"), { gpuUsage: 7 }],
  ["use that is none", monitor("N/A", "", "-1", 101, null, "1e1", {}), {}],
  ["no figures of any GPU", monitor(), {}],
  ["monitoring that failed", { MonitorMessages: null }, {}],
  ["the use of the processors", { MonitorMessages: { CpuUsageRate: "1.50%" } }, { cpuUsage: 1.5 }],
  [
    "a machine with its GPU that could run without",
    { GPU: 1, WithoutGpuSpec: { Cpu: 2, Gpu: 0 } },
    { withoutGpu: false },
  ],
  ["a machine without its GPU", { GPU: 0, WithoutGpuSpec: "A" }, { withoutGpu: true }],
  ["a machine that does not say how many GPUs it has", { WithoutGpuSpec: "A" }, {}],
  [
    "what it costs by use",
    {
      ChargeType: "Postpay",
      InstancePrice: 1.5,
      CompShareImagePrice: 0.25,
      DiskPriceInfo: [{ Price: 0.125 }, { Price: 0.125 }],
      PostPayPowerOffBillingResource: [{ Price: 0.125 }, { Type: "Disk" }],
    },
    { pricePerHour: 2, offPricePerHour: 0.125, currency: "CNY" },
  ],
  [
    "without the machine's own price the others are no price of it",
    { ChargeType: "Postpay", CompShareImagePrice: 0.25, DiskPriceInfo: [{ Price: 0.125 }] },
    {},
  ],
  ["a price of a month", { ChargeType: "Month", InstancePrice: 900 }, {}],
  ["a price of nobody knows what", { InstancePrice: 900 }, {}],
  ["when it is deleted", { ReleaseTime: LATER_S }, { releaseAt: LATER_S * 1_000 }],
  ["no deletion", { ReleaseTime: 0 }, {}],
  ["a time in milliseconds", { ReleaseTime: LATER_S * 1_000 }, {}],
  [
    "until when it is paid",
    { ExpireTime: LATER_S, AutoRenew: "No", IsExpire: "No" },
    { expiresAt: LATER_S * 1_000, renews: false },
  ],
  [
    "a stop that is planned, by its older name",
    { SchedulerStopTime: 0, StopSchedulerTime: LATER_S },
    { plannedStopAt: LATER_S * 1_000 },
  ],
];
for (const [what, entry, told] of CASES) {
  test(`facts: ${what}`, () => {
    assert.deepEqual(factsOf(entry, api, AT), { askedAt: AT, ...told });
  });
}

test("property: whatever the provider says, a fact is in its range or absent", () => {
  const names = [
    "MonitorMessages",
    "GPU",
    "InstancePrice",
    "ChargeType",
    "ReleaseTime",
    "ExpireTime",
    "AutoRenew",
  ];
  const value = fc.oneof(
    fc.anything(),
    fc.record({ GpuInfo: fc.anything(), CpuUsageRate: fc.anything() }),
    fc.array(fc.record({ Price: fc.anything() })),
  );
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), value), (entry) => {
      const { gpuUsage = 0, cpuUsage = 0, pricePerHour = 0, releaseAt = AT } = factsOf(entry, api, AT);
      for (const percent of [gpuUsage, cpuUsage]) assert.ok(percent >= 0 && percent <= 100);
      assert.ok(pricePerHour >= 0 && Number.isSafeInteger(releaseAt));
    }),
    { numRuns: 2_000 },
  );
});

test("what the stand-in tells is read", () => {
  const fleet = new Fleet([{ UHostId: "u", State: "Running" }], GOOD_DAY);
  fleet.turn({ facts: { u: { gpuUsage: [3, 64], instancePrice: 2, diskPrice: 0.5, imagePrice: 0 } } });
  const machine = fleet.get("u");
  assert.ok(machine !== undefined);
  assert.deepEqual(factsOf(entryOf(machine, fleet), api, AT), {
    askedAt: AT,
    gpuUsage: 64,
    cpuUsage: 1.5,
    withoutGpu: false,
    pricePerHour: 2.5,
    offPricePerHour: 0.5,
    currency: "CNY",
  });
});
