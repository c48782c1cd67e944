/** Does every job reach us: link, registration, probe, backlog, and the way on to NATS. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { dashboard } from "./dashboard.ts";
import { bars, lines, stat, stripes } from "./panels.ts";
import { counted, now, over, POOL, percentiles, secondsSince } from "./queries.ts";
import { COLOUR, limits, NONE_IS_GOOD, words } from "./states.ts";

const LISTENER = `${POOL},job="listener"`;
const registered = words([
  { text: "not registered", colour: COLOUR.bad },
  { text: "registered", colour: COLOUR.good },
]);

export const notifications = dashboard({
  uid: "gpu-power-notifications",
  title: "Notifications",
  zh: "任务通知能否到达：连接、注册、探测、积压、缺口，以及向 NATS 的投递。",
  byInstance: false,
  from: "now-6h",
  first: [
    stat({
      title: "Registration",
      zh: "网关是否已确认本监听服务为 gpu_monitor。",
      span: 4,
      mappings: registered,
      runbooks: ["ListenerNotRegistered"],
      targets: [now(`max by (pool) (gpu_listener_registered{${POOL}})`)],
    }),
    stat({
      title: "Link",
      zh: "现在是否有缺口：路径没有得到证明，通知可能丢失。两个监听服务同时运行时，有一个畅通即可。",
      span: 4,
      mappings: words([
        { text: "proven", colour: COLOUR.good },
        { text: "gap", colour: COLOUR.bad },
      ]),
      runbooks: ["NotificationPathUnproven", "ListenerDown"],
      targets: [now(`min by (pool) (gpu_listener_gap_open{${POOL}})`)],
    }),
    stat({
      title: "Path proven",
      zh: "距离上一次通知或探测走完全程已有多久。",
      span: 4,
      unit: units.Seconds,
      thresholds: limits(45, 90),
      runbooks: ["NotificationPathUnproven"],
      targets: [now(secondsSince("gpu_listener_path_proven_timestamp_seconds", POOL, "pool"))],
    }),
    stat({
      title: "Backlog",
      zh: "在网关等待工作进程的任务数；未配置网关的 Redis 或读取失败时为 unknown。",
      span: 4,
      unit: units.NoUnit,
      targets: [now(`max by (pool) (gpu_listener_backlog_jobs{${POOL}})`)],
    }),
    stat({
      title: "Backlog read",
      zh: "距离上一次成功读取网关积压已有多久。",
      span: 4,
      unit: units.Seconds,
      thresholds: limits(60, 180),
      runbooks: ["NotificationsMissed"],
      targets: [now(secondsSince("gpu_listener_backlog_checked_timestamp_seconds", POOL, "pool"))],
    }),
    stat({
      title: "Outbox",
      zh: "等待 NATS 接收的事件数。",
      span: 4,
      unit: units.NoUnit,
      thresholds: NONE_IS_GOOD,
      runbooks: ["EventsStuck"],
      targets: [now(`sum by (pool) (gpu_listener_outbox_depth{${POOL}})`)],
    }),
    stripes({
      title: "Registration over time",
      zh: "每个监听服务的注册状态随时间的变化；空白表示没有数据。",
      span: 24,
      height: 3,
      mappings: registered,
      runbooks: ["ListenerNotRegistered"],
      targets: [over(`max by (pool, instance) (gpu_listener_registered{${POOL}})`, "{{instance}}")],
    }),
    bars({
      title: "Gap seconds by cause",
      zh: "每一段时间内路径未得到证明的秒数，按起因分列。",
      span: 12,
      height: 5,
      unit: units.Seconds,
      runbooks: ["NotificationPathUnproven"],
      targets: [counted("gpu_listener_gap_seconds_total", POOL, "cause")],
    }),
    bars({
      title: "Gaps by cause",
      zh: "路径中断的次数，按起因分列。",
      span: 12,
      height: 5,
      unit: units.NoUnit,
      runbooks: ["NotificationPathUnproven"],
      targets: [counted("gpu_listener_gaps_total", POOL, "cause")],
    }),
  ],
  rows: [
    {
      title: "Link",
      panels: [
        bars({
          title: "Reconnects by reason",
          zh: "与网关的连接丢失或被放弃的次数，按原因分列。",
          span: 12,
          unit: units.NoUnit,
          runbooks: ["ListenerNotRegistered"],
          targets: [counted("gpu_listener_reconnects_total", POOL, "reason")],
        }),
        lines({
          title: "Time since the registration was confirmed",
          zh: "距离网关上一次确认注册的时间。",
          span: 12,
          unit: units.Seconds,
          targets: [
            over(
              secondsSince("gpu_listener_registration_proven_timestamp_seconds", POOL, "pool, instance"),
              "{{instance}}",
            ),
          ],
        }),
        lines({
          title: "Frames a second by type",
          zh: "每秒读懂的帧数，按类型分列；未知类型计为 other。",
          span: 8,
          unit: units.CountsPerSecond,
          targets: [
            over(`sum by (type) (rate(gpu_listener_frames_total{${POOL}}[$__rate_interval]))`, "{{type}}"),
          ],
        }),
        bars({
          title: "Frames not understood",
          zh: "无法读懂的帧（按原因），以及丢弃了错误字段后采用的帧（按类型）。",
          span: 8,
          unit: units.NoUnit,
          targets: [
            counted("gpu_listener_frames_rejected_total", POOL, "reason"),
            over(
              `sum by (type) (increase(gpu_listener_frames_degraded_total{${POOL}}[$__interval]))`,
              "degraded {{type}}",
            ),
          ],
        }),
        bars({
          title: "Notices by type",
          zh: "意味着有任务的通知数，按类型分列。",
          span: 8,
          unit: units.NoUnit,
          targets: [counted("gpu_listener_notices_total", POOL, "type")],
        }),
      ],
    },
    {
      title: "Probe",
      panels: [
        lines({
          title: "Probe latency",
          zh: "探测从发问到在监视器连接上听到的耗时，p50 与 p95。",
          span: 12,
          unit: units.Seconds,
          targets: percentiles("gpu_listener_probe_seconds", POOL),
        }),
        bars({
          title: "Probes by outcome",
          zh: "探测结果：proven 已证明，timeout 未及时听到，not_sent 探测客户端未连接。",
          span: 12,
          unit: units.NoUnit,
          runbooks: ["NotificationPathUnproven"],
          targets: [counted("gpu_listener_probes_total", POOL, "outcome")],
        }),
      ],
    },
    {
      title: "Backlog",
      panels: [
        lines({
          title: "Backlog over time",
          zh: "在网关等待工作进程的任务数随时间的变化；缺失表示未知。",
          span: 8,
          unit: units.NoUnit,
          targets: [over(`max by (pool) (gpu_listener_backlog_jobs{${POOL}})`, "{{pool}}")],
        }),
        bars({
          title: "Jobs that no notice told of",
          zh: "没有通知、由积压发现的任务数，以及按 ON_GAP 把缺口当作任务的次数。",
          span: 8,
          unit: units.NoUnit,
          runbooks: ["NotificationsMissed"],
          targets: [
            counted("gpu_listener_notices_missed_total", POOL, "source"),
            over(
              `sum(increase(gpu_listener_gap_jobs_assumed_total{${POOL}}[$__interval]))`,
              "assumed in a gap",
            ),
          ],
        }),
        lines({
          title: "Time to read the backlog",
          zh: "读取一次积压的耗时（p50 与 p95）。",
          span: 4,
          unit: units.Seconds,
          targets: percentiles("gpu_listener_backlog_check_seconds", POOL),
        }),
        bars({
          title: "Readings",
          zh: "读取积压的次数，按结果分列。",
          span: 4,
          unit: units.NoUnit,
          targets: [counted("gpu_listener_backlog_checks_total", POOL, "outcome")],
        }),
      ],
    },
    {
      title: "On to NATS, and back",
      panels: [
        lines({
          title: "Publish latency",
          zh: "从发布事件到 JetStream 确认的耗时，p50 与 p95。",
          span: 8,
          unit: units.Seconds,
          targets: percentiles("gpu_listener_publish_seconds", POOL),
        }),
        lines({
          title: "Outbox over time",
          zh: "等待 NATS 的事件数随时间的变化；only in memory 是其中不在磁盘上、重启会丢失的。",
          span: 4,
          unit: units.NoUnit,
          runbooks: ["EventsStuck"],
          targets: [
            over(`max by (pool, instance) (gpu_listener_outbox_depth{${POOL}})`, "{{instance}}"),
            over(
              `max by (pool, instance) (gpu_listener_unspooled_events{${POOL}})`,
              "{{instance}}, only in memory",
            ),
          ],
        }),
        bars({
          title: "Outbox overflows",
          zh: "发件箱已满时合并的事件（任务不会丢失），以及未再传递的状态查询和旧活动。",
          span: 4,
          unit: units.NoUnit,
          targets: [
            over(`sum(increase(gpu_listener_outbox_folded_total{${LISTENER}}[$__interval]))`, "folded"),
            over(`sum(increase(gpu_listener_outbox_dropped_total{${LISTENER}}[$__interval]))`, "dropped"),
          ],
        }),
        bars({
          title: "Reports to the gateway",
          zh: "电源服务的报告，按种类与结果（sent、expired、malformed）分列。",
          span: 8,
          unit: units.NoUnit,
          noValue: "unknown or none yet",
          targets: [counted("gpu_listener_reports_total", POOL, "kind, outcome")],
        }),
      ],
    },
  ],
});
