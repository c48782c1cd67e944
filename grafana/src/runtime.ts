/** The processes themselves, and JetStream between them. */

import { EVENT_LOOP_BEAT_MS } from "@gpu-power-manager/shared/registry";
import * as units from "@grafana/grafana-foundation-sdk/units";
import { dashboard } from "./dashboard.ts";
import { bars, lines, stat, stripes } from "./panels.ts";
import { now, over, POOL, SERVICES, secondsSince } from "./queries.ts";
import { COLOUR, limits, NONE_IS_GOOD, words } from "./states.ts";

const PROCESS = "{{job}}";
const answers = words([
  { text: "down", colour: COLOUR.bad },
  { text: "up", colour: COLOUR.good },
]);
/** The share of a stream's room at which an alert fires. */
const FULL = 0.8;

/** The share of a disk that is free, as gpu:disk_free:ratio has it. */
const diskFree = (resource: "bytes" | "inodes") => {
  const [listener, power] = ["gpu_listener", "gpu_power"].map(
    (service) => `${service}_disk_free_${resource}{${POOL}} / ${service}_disk_${resource}{${POOL}}`,
  );
  return `min by (disk) (${listener} or ${power})`;
};

/** How long the event loop was kept beyond the beat by which it is measured. */
const beyondBeat = (quantile: "p50" | "p99") =>
  `clamp_min(max by (pool, job, instance) (nodejs_eventloop_lag_${quantile}_seconds{${SERVICES}}) - ${EVENT_LOOP_BEAT_MS / 1_000}, 0)`;

export const runtime = dashboard({
  uid: "gpu-power-runtime",
  title: "Runtime",
  zh: "各进程的 CPU、内存与事件循环，以及两者之间的 JetStream。",
  byInstance: false,
  from: "now-6h",
  first: [
    stat({
      title: "Services",
      zh: "Prometheus 能否从各服务取得指标。",
      span: 5,
      mappings: answers,
      text: "value_and_name",
      runbooks: ["ListenerDown", "PowerDown"],
      targets: [now('max by (job) (up{job=~"listener|power"})', PROCESS)],
    }),
    stat({
      title: "Leaders",
      zh: "持有租约、可以操作的电源服务个数；应恰好为 1。",
      span: 3,
      unit: units.NoUnit,
      thresholds: [
        { value: null, color: COLOUR.bad },
        { value: 1, color: COLOUR.good },
        { value: 2, color: COLOUR.bad },
      ],
      runbooks: ["PowerDown"],
      targets: [now(`sum by (pool) (gpu_power_leader{${POOL}})`)],
    }),
    stat({
      title: "Last decided",
      zh: "距离调和循环上一次完成已有多久；超过 3 分钟会告警。",
      span: 4,
      unit: units.Seconds,
      thresholds: limits(90, 180),
      runbooks: ["PowerNotReconciling"],
      targets: [now(secondsSince("gpu_power_reconciled_timestamp_seconds", POOL, "pool"))],
    }),
    stat({
      title: "Events pending",
      zh: "NATS 中电源服务尚未处理的事件数。",
      span: 4,
      unit: units.NoUnit,
      thresholds: NONE_IS_GOOD,
      runbooks: ["EventsStuck"],
      targets: [now(`max by (pool) (gpu_power_consumer_pending{${POOL}})`)],
    }),
    stat({
      title: "Redelivered",
      zh: "其中 NATS 不得不投递多次的事件数。",
      span: 4,
      unit: units.NoUnit,
      thresholds: NONE_IS_GOOD,
      runbooks: ["EventsStuck"],
      targets: [now(`max by (pool) (gpu_power_consumer_redelivered{${POOL}})`)],
    }),
    stat({
      title: "Fullest stream",
      zh: "占用比例最高的流已使用其上限的多少。",
      span: 4,
      unit: units.PercentUnit,
      decimals: 1,
      thresholds: limits(FULL / 2, FULL),
      runbooks: ["NatsStorageNearlyFull"],
      targets: [
        now(
          `max(gpu_power_stream_bytes{${POOL}} / on (pool, instance, stream) (gpu_power_stream_limit_bytes{${POOL}} > 0))`,
        ),
      ],
    }),
    lines({
      title: "CPU",
      zh: "各进程占用的 CPU 核数比例（100 % 为一个核）。",
      span: 8,
      height: 8,
      unit: units.PercentUnit,
      targets: [
        over(
          `sum by (pool, job, instance) (rate(process_cpu_seconds_total{${SERVICES}}[$__rate_interval]))`,
          PROCESS,
        ),
      ],
    }),
    lines({
      title: "Memory",
      zh: "各进程的常驻内存（不含 Chromium，见 Console 面板）。",
      span: 8,
      height: 8,
      unit: units.BytesIEC,
      targets: [over(`sum by (pool, job, instance) (process_resident_memory_bytes{${SERVICES}})`, PROCESS)],
    }),
    lines({
      title: "Event-loop lag",
      zh: "事件循环延迟的 p50 与 p99（已减去测量节拍本身）：延迟高时一切都变慢。",
      span: 8,
      height: 8,
      unit: units.Seconds,
      targets: [over(beyondBeat("p50"), `p50 ${PROCESS}`), over(beyondBeat("p99"), `p99 ${PROCESS}`)],
    }),
  ],
  rows: [
    {
      title: "JetStream",
      panels: [
        lines({
          title: "Events pending and redelivered",
          zh: "等待电源服务处理的事件，以及其中被多次投递的事件；缺失表示 NATS 没有回答。",
          span: 8,
          unit: units.NoUnit,
          runbooks: ["EventsStuck"],
          targets: [
            over(`max by (pool) (gpu_power_consumer_pending{${POOL}})`, "pending {{pool}}"),
            over(`max by (pool) (gpu_power_consumer_redelivered{${POOL}})`, "redelivered {{pool}}"),
          ],
        }),
        lines({
          title: "Stream size",
          zh: "各流占用的字节数。",
          span: 8,
          unit: units.BytesIEC,
          runbooks: ["NatsStorageNearlyFull"],
          targets: [over(`max by (stream) (gpu_power_stream_bytes{${POOL}})`, "{{stream}}")],
        }),
        lines({
          title: "Stream size of its limit",
          zh: "各流占用其上限的比例；虚线为告警阈值 80 %。",
          span: 8,
          unit: units.PercentUnit,
          thresholds: limits(FULL / 2, FULL),
          runbooks: ["NatsStorageNearlyFull"],
          targets: [
            over(
              `max by (stream) (gpu_power_stream_bytes{${POOL}} / on (pool, instance, stream) (gpu_power_stream_limit_bytes{${POOL}} > 0))`,
              "{{stream}}",
            ),
          ],
        }),
        bars({
          title: "Malformed events",
          zh: "本版本不认识的事件；大于 0 说明电源服务比监听服务旧。",
          span: 8,
          unit: units.NoUnit,
          runbooks: ["EventsStuck"],
          targets: [
            over(`sum(increase(gpu_power_events_malformed_total{${POOL}}[$__interval]))`, "malformed"),
          ],
        }),
        stripes({
          title: "Leader",
          zh: "各电源服务是否持有租约。",
          span: 16,
          height: 7,
          mappings: words([
            { text: "stands by", colour: COLOUR.off },
            { text: "acts", colour: COLOUR.good },
          ]),
          targets: [over(`max by (pool, instance) (gpu_power_leader{${POOL}})`, "{{instance}}")],
        }),
      ],
    },
    {
      title: "Host",
      panels: [
        lines({
          title: "Disk free",
          zh: "各磁盘剩余空间与剩余 inode 的比例；低于 15 % 和 3 % 会告警。host 是设置和备份所在的磁盘。",
          span: 8,
          unit: units.PercentUnit,
          thresholds: [
            { value: null, color: COLOUR.bad },
            { value: 0.03, color: COLOUR.warn },
            { value: 0.15, color: COLOUR.good },
          ],
          runbooks: ["DiskNearlyFull", "DiskFull"],
          targets: [over(diskFree("bytes"), "{{disk}}"), over(diskFree("inodes"), "{{disk}} inodes")],
        }),
        lines({
          title: "Certificates end in",
          zh: "各证书距离到期的时间：外部服务器出示的证书，以及 config/ca 中的 CA；不足 14 天会告警。没有 TLS 时为空。",
          span: 8,
          unit: units.Seconds,
          runbooks: ["CertificateEndsSoon", "CertificateEnded"],
          targets: [
            over(
              `min by (certificate) (gpu_listener_certificate_end_timestamp_seconds{${POOL}} or gpu_power_certificate_end_timestamp_seconds{${POOL}}) - time()`,
              "{{certificate}}",
            ),
          ],
        }),
        lines({
          title: "Clock",
          zh: "本机时钟比外部服务器快多少秒，以及与服务自身时间相差多少秒；超过 30 秒会告警。",
          span: 8,
          unit: units.Seconds,
          runbooks: ["ClockWrong"],
          targets: [
            over(`max by (server) (gpu_power_clock_ahead_seconds{${POOL}})`, "ahead of {{server}}"),
            over(
              `max by (job) (gpu_listener_clock_set_seconds{${POOL}} or gpu_power_clock_set_seconds{${POOL}})`,
              "from the time of {{job}}",
            ),
          ],
        }),
      ],
    },
    {
      title: "Node",
      panels: [
        lines({
          title: "Heap used",
          zh: "各进程 JavaScript 堆的使用量；持续上升意味着泄漏。",
          span: 6,
          unit: units.BytesIEC,
          targets: [over(`sum by (pool, job, instance) (nodejs_heap_size_used_bytes{${SERVICES}})`, PROCESS)],
        }),
        lines({
          title: "Garbage collection",
          zh: "垃圾回收占用的时间比例。",
          span: 6,
          unit: units.PercentUnit,
          targets: [
            over(
              `sum by (pool, job, instance) (rate(nodejs_gc_duration_seconds_sum{${SERVICES}}[$__rate_interval]))`,
              PROCESS,
            ),
          ],
        }),
        lines({
          title: "Open files",
          zh: "各进程打开的文件描述符数；持续上升意味着泄漏。",
          span: 6,
          unit: units.NoUnit,
          targets: [over(`sum by (pool, job, instance) (process_open_fds{${SERVICES}})`, PROCESS)],
        }),
        lines({
          title: "Process age",
          zh: "各进程启动以来的时间；归零即为重启。",
          span: 6,
          unit: units.Seconds,
          targets: [
            over(secondsSince("process_start_time_seconds", SERVICES, "pool, job, instance"), PROCESS),
          ],
        }),
      ],
    },
  ],
});
