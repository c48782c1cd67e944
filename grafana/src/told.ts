/** What the provider tells of a machine beside its state: a row of the overview. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import type { Row } from "./dashboard.ts";
import { lines, stat } from "./panels.ts";
import { INSTANCE, INSTANCE_NAME, now, over } from "./queries.ts";

export const told: Row = {
  title: "Told by the provider",
  panels: [
    lines({
      title: "GPU use",
      zh: "服务商说明的 GPU 使用率（最忙的一块）。高于 policy.busyAbove 的机器不算空闲，无论是否有人报告任务；服务商不提供时为空。",
      span: 8,
      unit: units.PercentUnit,
      runbooks: ["GpuIdleButRunning", "GpuWithoutItsGpu"],
      targets: [over(`max by (pool, instance) (gpu_power_gpu_usage_ratio{${INSTANCE}})`, INSTANCE_NAME)],
    }),
    stat({
      title: "Paid time left",
      zh: "预付费且不自动续费的机器还剩多少已付费时间；自动续费或按量计费时为空。",
      span: 8,
      unit: units.Seconds,
      text: "value_and_name",
      noValue: "unknown or by use",
      runbooks: ["GpuPaidTimeEnds"],
      targets: [
        now(
          `min by (pool, instance) (gpu_power_expiry_timestamp_seconds{${INSTANCE}}) - time()`,
          INSTANCE_NAME,
        ),
      ],
    }),
    stat({
      title: "Deleted in",
      zh: "已关机的机器还有多久会被服务商连同数据删除；开一次机即可推迟。服务商不提供时为空。",
      span: 8,
      unit: units.Seconds,
      text: "value_and_name",
      noValue: "unknown or running",
      runbooks: ["GpuWillBeReleased"],
      targets: [
        now(
          `min by (pool, instance) (gpu_power_release_timestamp_seconds{${INSTANCE}}) - time()`,
          INSTANCE_NAME,
        ),
      ],
    }),
    stat({
      title: "Stopped by the provider in",
      zh: "服务商自己还有多久会关闭这台运行中的机器：power 设定（policy.deadMansSwitch，会不断推迟），或他人设定（other，power 不改动）。没有计划时为空。",
      span: 12,
      unit: units.Seconds,
      text: "value_and_name",
      noValue: "unknown or not planned",
      runbooks: ["DeadMansSwitchStuck"],
      targets: [
        now(
          `min by (pool, instance, by) (gpu_power_planned_stop_timestamp_seconds{${INSTANCE}}) - time()`,
          `${INSTANCE_NAME} by {{by}}`,
        ),
      ],
    }),
    lines({
      title: "Sold out",
      zh: "1：服务商没有空闲的 GPU 供这台已关机的机器使用（它自己说明，或因此拒绝了上次启动）；0：有空闲。未关机或无人说明时为空。",
      span: 12,
      unit: units.NoUnit,
      runbooks: ["GpuSoldOut"],
      targets: [over(`max by (pool, instance) (gpu_power_sold_out{${INSTANCE}})`, INSTANCE_NAME)],
    }),
    lines({
      title: "Price an hour",
      zh: "每小时的价格，运行时（running）与关机后（off：磁盘、镜像）；机器池文件写了 pricePerHour 时以它为准，否则为服务商所说。不知道时为空。",
      span: 8,
      unit: units.NoUnit,
      decimals: 2,
      targets: [
        over(
          `max by (pool, instance, currency, while) (gpu_power_price_per_hour{${INSTANCE}})`,
          `${INSTANCE_NAME} {{while}} {{currency}}`,
        ),
      ],
    }),
    stat({
      title: "Cost while off, this month",
      zh: "本月机器关机期间的费用（磁盘、镜像），按服务商的价格，按币种分列；不知道价格时为空。",
      span: 8,
      unit: units.NoUnit,
      decimals: 2,
      since: "now/M",
      text: "value_and_name",
      noValue: "unknown",
      targets: [
        now(
          `sum by (pool, currency) (increase(gpu_power_off_cost_total{${INSTANCE}}[$__range]))`,
          "{{pool}} {{currency}}",
        ),
      ],
    }),
    stat({
      title: "Ran at an unknown price, this month",
      zh: "本月运行而不知道价格的时长；这段时间的费用未知，不在任何费用之中。",
      span: 8,
      unit: units.Seconds,
      since: "now/M",
      text: "value_and_name",
      targets: [
        now(
          `sum by (pool, instance) (increase(gpu_power_unpriced_seconds_total{${INSTANCE}}[$__range]))`,
          INSTANCE_NAME,
        ),
      ],
    }),
  ],
};
