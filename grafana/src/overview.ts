/** Is the GPU on, and why; what it costs; how long jobs wait. */
import { INSTANCE_STATES } from "@gpu-power-manager/shared/events";
import { AnnotationQueryBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import * as units from "@grafana/grafana-foundation-sdk/units";
import { dashboard } from "./dashboard.ts";
import { orders } from "./orders.ts";
import { alertTable, bars, lines, stat, stripes } from "./panels.ts";
import { INSTANCE, INSTANCE_NAME, now, over, POOL, PROMETHEUS, rows, secondsSince } from "./queries.ts";
import { START_OBJECTIVE_SECONDS, starts } from "./starts.ts";
import { COLOUR, limits, NONE_IS_GOOD, stateNumber, type Word, words } from "./states.ts";
import { told } from "./told.ts";

/** What an annotation looks back for, and how often: with 5 minutes none is missed in views of up to a month. */
const [EVENT_WINDOW, EVENT_STEP] = ["5m", "1m"];

const INSTANCE_WORDS: Readonly<Record<(typeof INSTANCE_STATES)[number], Word>> = {
  unknown: { text: "unknown", colour: COLOUR.unknown },
  stopped: { text: "stopped", colour: COLOUR.off },
  starting: { text: "starting", colour: COLOUR.busy },
  running: { text: "running", colour: COLOUR.good },
  stopping: { text: "stopping", colour: COLOUR.warn },
};
const instanceWords = INSTANCE_STATES.map((state) => INSTANCE_WORDS[state]);
/** Stripes of the worker stand below those of its machine, so their numbers go on from the states'. */
const WORKER_BASE = INSTANCE_STATES.length;
const workerWords: Word[] = [
  { text: "no worker", colour: COLOUR.warn },
  { text: "worker online", colour: COLOUR.good },
];

const STATE = stateNumber("gpu_power_instance_state", INSTANCE, INSTANCE_STATES, "pool, instance");
const uptime = `sum by (pool, instance) (increase(gpu_power_uptime_seconds_total{${INSTANCE}}[$__range]))`;
const cost = `sum by (pool, currency) (increase(gpu_power_cost_total{${INSTANCE}}[$__range]))`;
/** Only where the backlog can be read is "none missed" more than a guess. */
const missed = `sum by (pool) (increase(gpu_listener_notices_missed_total{${POOL}}[$__range])) and on (pool) max by (pool) (gpu_listener_backlog_configured{${POOL}}) == 1`;
/** Rules without a pool concern all of them. */
const ALERTS_HERE = 'alertstate="firing",pool=~"$pool|"';

/**
 * Starts (or stops) within the window, by what was seen. Counted by changes of the state, not of a counter:
 * a counter that begins anew with its process would show a start that never was.
 */
function transitions(to: "running" | "off"): string {
  const running = `gpu_power_instance_state{${INSTANCE},state="running"}`;
  const changes = `changes(${running}[${EVENT_WINDOW}])`;
  const counted = to === "running" ? `(${changes} + ${running}) / 2` : `(${changes} + 1 - ${running}) / 2`;
  return `sum by (pool, instance) (floor(${counted})) > 0`;
}

function annotation(name: string, colour: string, expr: string, text: string): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name(name)
    .datasource(PROMETHEUS)
    .enable(true)
    .iconColor(colour)
    .target(over(expr).interval(EVENT_STEP).refId("Anno"))
    .expr(expr)
    .step(EVENT_STEP)
    .titleFormat(name)
    .textFormat(text);
}

export const overview = dashboard({
  uid: "gpu-power-overview",
  title: "Overview",
  zh: "GPU 是否开机及原因、运行时长与费用、任务等待情况、通知是否可靠、当前告警。",
  byInstance: true,
  from: "now-24h",
  annotations: [
    annotation("Starts", COLOUR.good, transitions("running"), INSTANCE_NAME),
    annotation("Stops", COLOUR.off, transitions("off"), INSTANCE_NAME),
    annotation(
      "Gaps",
      COLOUR.bad,
      `sum by (pool, cause) (increase(gpu_listener_gap_seconds_total{${POOL}}[${EVENT_WINDOW}])) > 0`,
      "{{pool}}: {{cause}}",
    ),
  ],
  first: [
    stat({
      title: "GPU",
      zh: "每台机器当前的状态。看不到可信状态时为 unknown，绝不猜测。",
      span: 5,
      mappings: words(instanceWords),
      runbooks: ["ConsoleStateUnknown", "GpuStuckStarting"],
      text: "value_and_name",
      targets: [now(STATE, INSTANCE_NAME)],
    }),
    stat({
      title: "Why",
      zh: "最近一分钟内调和循环做出决定的原因（指标 gpu_power_decisions_total 的 reason）。",
      span: 7,
      unit: units.NoUnit,
      text: "name",
      runbooks: ["PowerNotReconciling"],
      targets: [
        now(`topk(4, sum by (reason) (increase(gpu_power_decisions_total{${POOL}}[1m]))) > 0`, "{{reason}}"),
      ],
    }),
    stat({
      title: "Pending jobs",
      zh: "还没有见到运行中机器的任务数。",
      span: 3,
      unit: units.NoUnit,
      targets: [now(`max by (pool) (gpu_power_pending_jobs{${POOL}})`)],
    }),
    stat({
      title: "Oldest pending",
      zh: "最早的等待任务已等待多久；目标是 95 % 的任务在 4 分钟内等到运行中的 GPU。",
      span: 3,
      unit: units.Seconds,
      thresholds: limits(60, START_OBJECTIVE_SECONDS),
      runbooks: ["JobWaitingWithoutGpu"],
      targets: [now(`max by (pool) (gpu_power_oldest_pending_seconds{${POOL}})`)],
    }),
    stat({
      title: "Path proven",
      zh: "距离上一次证明通知路径（网关到监听服务）畅通已有多久；超过 90 秒会告警。",
      span: 3,
      unit: units.Seconds,
      thresholds: limits(45, 90),
      runbooks: ["NotificationPathUnproven"],
      targets: [now(secondsSince("gpu_listener_path_proven_timestamp_seconds", POOL, "pool"))],
    }),
    stat({
      title: "Alerts firing",
      zh: "正在触发的告警数（Watchdog 除外）。若连 Watchdog 都没有触发，说明告警规则没有运行，显示 unknown。",
      span: 3,
      unit: units.NoUnit,
      thresholds: NONE_IS_GOOD,
      runbooks: ["Watchdog"],
      targets: [now(`count(ALERTS{${ALERTS_HERE}}) - count(ALERTS{${ALERTS_HERE},alertname="Watchdog"})`)],
    }),
    stripes({
      title: "State of each instance",
      zh: "每台机器及其工作进程的状态随时间的变化；空白表示当时没有数据，即未知。",
      span: 24,
      mappings: [...words(instanceWords), ...words(workerWords, WORKER_BASE)],
      runbooks: ["GpuFlapping", "GpuRunningButWorkerOffline", "GpuForgotten"],
      targets: [
        over(STATE, INSTANCE_NAME),
        over(
          `${WORKER_BASE} + max by (pool, instance) (gpu_power_worker_online{${INSTANCE}})`,
          `${INSTANCE_NAME} worker`,
        ),
      ],
    }),
    ...(
      [
        ["Uptime today", "今天", "now/d"],
        ["Uptime this week", "本周（周一起）", "now/w"],
        ["Uptime this month", "本月", "now/M"],
      ] as const
    ).map(([title, when, since]) =>
      stat({
        title,
        zh: `每台机器${when}已运行的时长，服务重启后继续累计。`,
        span: 4,
        unit: units.Seconds,
        decimals: 1,
        since,
        runbooks: ["GpuIdleButRunning"],
        targets: [now(uptime, INSTANCE_NAME)],
      }),
    ),
    ...(
      [
        ["Cost today", "今天", "now/d"],
        ["Cost this month", "本月", "now/M"],
      ] as const
    ).map(([title, when, since]) =>
      stat({
        title,
        zh: `${when}运行的费用，每段时间按当时的单价（机器池文件，否则服务商），按币种分列；价格未知的时间不在其中。`,
        span: 4,
        unit: units.NoUnit,
        decimals: 2,
        since,
        text: "value_and_name",
        targets: [now(cost, "{{pool}} {{currency}}")],
      }),
    ),
    stat({
      title: "Budget used",
      zh: "每个预算（policy.budget）当前周期已用的比例；绝不会因此停止正在工作的机器。",
      span: 4,
      unit: units.PercentUnit,
      decimals: 0,
      thresholds: limits(0.8, 1),
      runbooks: ["BudgetNearlySpent", "BudgetSpent"],
      noValue: "unknown or no budget",
      targets: [
        now(
          `max by (pool, period, currency) (gpu_power_budget_spent{${POOL}}) / max by (pool, period, currency) (gpu_power_budget{${POOL}})`,
          "{{pool}} {{period}} {{currency}}",
        ),
      ],
    }),
  ],
  rows: [
    {
      title: "Work",
      panels: [
        bars({
          title: "Jobs an hour",
          zh: "每小时收到的任务通知（按类型），以及没有通知、由积压发现的任务。",
          span: 8,
          unit: units.NoUnit,
          step: "1h",
          targets: [
            over(`sum by (type) (increase(gpu_listener_notices_total{${POOL}}[1h]))`, "{{type}}"),
            over(
              `sum by (source) (increase(gpu_listener_notices_missed_total{${POOL}}[1h]))`,
              "missed, found by {{source}}",
            ),
          ],
        }),
        lines({
          title: "Pending jobs over time",
          zh: "等待运行中机器的任务数随时间的变化。",
          span: 8,
          unit: units.NoUnit,
          targets: [over(`max by (pool) (gpu_power_pending_jobs{${POOL}})`, "{{pool}}")],
        }),
        lines({
          title: "Oldest pending and idle over time",
          zh: "最早等待任务的等待时长，以及运行中的机器已空闲多久、空闲到多久可以关机。",
          span: 8,
          unit: units.Seconds,
          runbooks: ["JobWaitingWithoutGpu", "GpuIdleButRunning"],
          targets: [
            over(`max by (pool) (gpu_power_oldest_pending_seconds{${POOL}})`, "oldest pending {{pool}}"),
            over(`max by (pool, instance) (gpu_power_idle_seconds{${INSTANCE}})`, `idle ${INSTANCE_NAME}`),
            over(`max by (pool) (gpu_power_idle_limit_seconds{${POOL}})`, "idle limit {{pool}}"),
          ],
        }),
      ],
    },
    told,
    starts,
    orders,
    {
      title: "Doubts",
      panels: [
        stat({
          title: "Missed notifications",
          zh: "所选时间范围内没有收到通知、由网关积压发现的任务数。未配置网关的 Redis 时无从得知，显示 unknown。",
          span: 4,
          height: 7,
          unit: units.NoUnit,
          decimals: 0,
          thresholds: NONE_IS_GOOD,
          runbooks: ["NotificationsMissed"],
          targets: [now(missed, "{{pool}}")],
        }),
        stat({
          title: "Surplus and forgotten machines",
          zh: "运行台数超出 policy.desiredRunning 的部分（网关把每个任务发给其中每一台，重复执行、重复付费），以及已开机、却不在机器池文件中的台数。",
          span: 4,
          height: 7,
          text: "value_and_name",
          unit: units.NoUnit,
          decimals: 0,
          thresholds: NONE_IS_GOOD,
          runbooks: ["GpuSurplus", "GpuForgotten"],
          targets: [
            now(`max by (pool) (gpu_power_surplus_instances{${POOL}})`, "surplus"),
            now(
              `count by (pool) (max by (pool, instance) (gpu_power_instance_forgotten{${POOL}})) or 0 * max by (pool) (gpu_power_surplus_instances{${POOL}})`,
              "forgotten",
            ),
          ],
        }),
        lines({
          title: "Time since the path was proven",
          zh: "距离上一次证明通知路径畅通的时间随时间的变化；虚线为告警阈值。",
          span: 8,
          unit: units.Seconds,
          thresholds: limits(45, 90),
          runbooks: ["NotificationPathUnproven"],
          targets: [
            over(secondsSince("gpu_listener_path_proven_timestamp_seconds", POOL, "pool"), "{{pool}}"),
          ],
        }),
        alertTable({
          title: "Alerts",
          zh: "正在触发的告警（Watchdog 除外），点击名称打开处理手册。",
          span: 8,
          noValue: "None, if “Alerts firing” says 0; else unknown.",
          targets: [rows(`ALERTS{${ALERTS_HERE},alertname!="Watchdog"}`)],
        }),
      ],
    },
  ],
});
