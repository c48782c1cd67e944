/** The reference of metrics, from the very registries that the services serve. */
import { deriveFromSurroundings } from "@gpu-power-manager/shared/surroundings";
import type { Registry } from "prom-client";
import { z } from "zod";
import { deriveFromState as deriveFromListener } from "../../services/listener/src/telemetry/gauges.ts";
import { createMetrics as createListenerMetrics } from "../../services/listener/src/telemetry/metrics.ts";
import { createMetrics as createMessengerMetrics } from "../../services/messenger/src/telemetry/metrics.ts";
import { deriveFromBackup } from "../../services/power/src/telemetry/backup-gauge.ts";
import { deriveFromBus } from "../../services/power/src/telemetry/bus-gauges.ts";
import { deriveFromState as deriveFromPower } from "../../services/power/src/telemetry/gauges.ts";
import { deriveFromHooks } from "../../services/power/src/telemetry/hook-gauges.ts";
import { createMetrics as createPowerMetrics } from "../../services/power/src/telemetry/metrics.ts";
import { CHINESE } from "./metrics-zh.ts";

const Described = z.object({
  name: z.string(),
  help: z.string(),
  type: z.string(),
  labelNames: z.array(z.string()),
});
export type DescribedMetric = z.infer<typeof Described>;

/** Only what is registered is of interest here; nothing is ever collected. */
const never = (): never => {
  throw new Error("Nothing is collected while the reference is written.");
};

function described(registry: Registry): DescribedMetric[] {
  return registry
    .getMetricsAsArray()
    .filter(({ name }) => name.startsWith("gpu_"))
    .map((metric) => Described.parse(metric))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** Every metric of the services but those of the Node process itself. */
export function describeMetrics(): {
  readonly listener: DescribedMetric[];
  readonly power: DescribedMetric[];
  readonly messenger: DescribedMetric[];
} {
  const listener = createListenerMetrics("default");
  deriveFromListener(listener.registry, never);
  const power = createPowerMetrics("default", never, never);
  deriveFromPower(power.registry, never);
  deriveFromBus(power.registry, never, "default");
  const surroundings = { folders: {}, servers: never, authorities: [], steady: never };
  deriveFromSurroundings(listener.registry, { prefix: "gpu_listener", ...surroundings });
  deriveFromSurroundings(power.registry, { prefix: "gpu_power", ...surroundings });
  deriveFromBackup(power.registry, "");
  deriveFromHooks(power.registry, never);
  const messenger = createMessengerMetrics("default");
  return {
    listener: described(listener.registry),
    power: described(power.registry),
    messenger: described(messenger.registry),
  };
}

const WORDS = {
  en: {
    title: "Metrics",
    other: "[中文](metrics.zh-CN.md)",
    intro:
      "What listener, power and, where a group robot is told of alerts, messenger serve at `/metrics`, beside what every Node process says of itself (`process_*`, `nodejs_*`). Every series also has the label `pool`. Prometheus also has `*_bucket`, `*_sum` and `*_count` of each histogram. A series that is absent means *unknown*, never 0. Written by `make generate`.",
    head: "| metric | type | labels | meaning |",
  },
  zh: {
    title: "指标",
    other: "[English](metrics.md)",
    intro:
      "listener、power 以及（配置了群机器人时）messenger 在 `/metrics` 提供的指标；此外还有每个 Node 进程自带的（`process_*`、`nodejs_*`）。每个序列还带有标签 `pool`。直方图在 Prometheus 中另有 `*_bucket`、`*_sum`、`*_count`。序列缺失表示“未知”，绝不是 0。由 `make generate` 生成。",
    head: "| 指标 | 类型 | 标签 | 含义 |",
  },
};

function table(metrics: readonly DescribedMetric[], language: "en" | "zh"): string {
  const rows = metrics.map(({ name, help, type, labelNames }) => {
    const meaning = language === "en" ? help : CHINESE[name];
    if (meaning === undefined)
      throw new Error(`${name} has no description in Chinese: add it to scripts/generate/metrics-zh.ts.`);
    return `| \`${name}\` | ${type} | ${labelNames.map((label) => `\`${label}\``).join(", ")} | ${meaning} |`;
  });
  return [WORDS[language].head, "| --- | --- | --- | --- |", ...rows].join("\n");
}

/** The whole document. @throws when a metric has no description in this language, or one that is gone has. */
export function metricsReference(language: "en" | "zh"): string {
  const { listener, power, messenger } = describeMetrics();
  const known = new Set([...listener, ...power, ...messenger].map(({ name }) => name));
  const gone = Object.keys(CHINESE).filter((name) => !known.has(name));
  if (gone.length > 0)
    throw new Error(`${gone.join(", ")}: no such metric; see scripts/generate/metrics-zh.ts.`);
  const words = WORDS[language];
  const parts = [`# ${words.title}`, words.other, words.intro];
  parts.push("## listener", table(listener, language), "## power", table(power, language));
  parts.push("## messenger", table(messenger, language));
  return `${parts.join("\n\n")}\n`;
}
