/** How long a start takes, stage by stage: a row of the overview. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import type { Row } from "./dashboard.ts";
import { heatmap, lines, stat } from "./panels.ts";
import { buckets, INSTANCE, now, over, quantile } from "./queries.ts";
import { limits } from "./states.ts";

/** Of a start's stages: the short ones in milliseconds, then the long ones. */
const STAGES = ["total", "boot", "worker", "decide", "command"] as const;
const STAGE_ZH: Readonly<Record<(typeof STAGES)[number], string>> = {
  total: "从最早的等待任务到机器运行",
  boot: "从控制台接受启动到机器运行",
  worker: "从机器运行到工作进程上线",
  decide: "从最早的等待任务到做出启动决定",
  command: "从决定到控制台接受启动",
};
/** The objective: 95 % of jobs see a running GPU within four minutes. */
export const START_OBJECTIVE_SECONDS = 240;
const LATENCY = "gpu_power_start_latency_seconds";

export const starts: Row = {
  title: "Starts",
  panels: [
    stat({
      title: "Start latency by stage",
      zh: "所选时间范围内各阶段启动耗时的 p50 与 p95。",
      span: 12,
      height: 7,
      unit: units.Seconds,
      text: "value_and_name",
      runbooks: ["GpuStartSlow"],
      targets: [0.5, 0.95].map((q) =>
        now(quantile(q, LATENCY, INSTANCE, "$__range", "stage"), `p${q * 100} {{stage}}`),
      ),
    }),
    lines({
      title: "Start latency, rolling six hours",
      zh: "任务等到运行中 GPU 的总耗时：最近六小时内启动的 p50 与 p95；虚线为 4 分钟目标。",
      span: 12,
      unit: units.Seconds,
      thresholds: limits(START_OBJECTIVE_SECONDS / 2, START_OBJECTIVE_SECONDS),
      runbooks: ["GpuStartSlow"],
      targets: [0.5, 0.95].map((q) =>
        over(quantile(q, LATENCY, `${INSTANCE},stage="total"`, "6h"), `p${q * 100}`),
      ),
    }),
    ...STAGES.map((stage, index) =>
      heatmap({
        title: `Stage ${stage}`,
        zh: `启动耗时分布：${STAGE_ZH[stage]}。`,
        span: index < 3 ? 8 : 12,
        unit: units.Seconds,
        runbooks: ["GpuStartSlow"],
        targets: [buckets(LATENCY, `${INSTANCE},stage="${stage}"`)],
      }),
    ),
  ],
};
