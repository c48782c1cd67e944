import { type Facts, facts, ORDINARY } from "./facts.ts";
import type { Fleet } from "./fleet.ts";
import { loginFactsOf } from "./login-facts.ts";
import type { Machine } from "./machines.ts";

/** The processors and the memory (MB) of a machine without its GPU. */
const WITHOUT_GPU = { A: { Cpu: 2, Memory: 4_096 }, B: { Cpu: 8, Memory: 16_384 } } as const;

const seconds = (ms: number) => Math.floor(ms / 1_000);
const rate = (percent: number) => `${percent.toFixed(2)}%`;

/** One machine in the answer of DescribeCompShareInstance, in the provider's own field names. */
export function entryOf(machine: Machine, { faults }: Fleet) {
  const { spec, sinceMs, plannedStopMs } = machine;
  const told = facts.parse({ ...ORDINARY, withoutGpu: machine.withoutGpu, ...faults.facts[spec.UHostId] });
  const state = faults.apiDisagrees[spec.UHostId] ?? machine.state;
  const running = state === "Running";
  const small = running ? told.withoutGpu : null;
  const disk = { ChargeType: spec.ChargeType, IsBoot: true, Price: told.diskPrice };
  return {
    ...spec,
    State: state,
    CPU: small === null ? 16 : WITHOUT_GPU[small].Cpu,
    Memory: small === null ? 65_536 : WITHOUT_GPU[small].Memory,
    // A quirk: a machine that could run without its GPU says as what; one that does says so in a letter.
    GPU: small === null ? spec.GPU : 0,
    SupportWithoutGpuStart: true,
    WithoutGpuSpec: small ?? { ...WITHOUT_GPU.A, Gpu: 0 },
    InstancePrice: told.instancePrice,
    CompShareImagePrice: told.imagePrice,
    DiskPriceInfo: [disk],
    PostPayPowerOffBillingResource: [disk],
    UpdateTime: seconds(sinceMs),
    ...(running ? { StartTime: seconds(sinceMs) } : {}),
    ...(state === "Stopped" ? { StopTime: seconds(sinceMs) } : {}),
    ...(state === "Stopped" && told.releaseAfterMs !== null
      ? { ReleaseTime: seconds(sinceMs + told.releaseAfterMs) }
      : {}),
    SchedulerStopTime: plannedStopMs === null ? 0 : seconds(plannedStopMs),
    ...(told.expireTime === null
      ? {}
      : {
          ExpireTime: told.expireTime,
          IsExpire: told.expireTime * 1_000 < Date.now() ? "Yes" : "No",
          AutoRenew: told.autoRenew ? "Yes" : "No",
        }),
    ...(running ? { MonitorMessages: monitorOf(told, spec.GpuType) } : {}),
    ...loginFactsOf(spec.UHostId),
  };
}

function monitorOf({ gpuUsage, cpuUsage, memoryUsage, withoutGpu }: Facts, gpu: string) {
  const usages = withoutGpu === null ? (gpuUsage ?? []) : [];
  return {
    CpuUsageRate: rate(cpuUsage),
    MemUsageRate: rate(memoryUsage),
    GpuInfo: usages.map((usage) => ({ GPU: gpu, GpuUsageRate: rate(usage), MemoryUsageRate: rate(usage) })),
  };
}
