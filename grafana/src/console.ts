/** The provider's console: session, what the witnesses say, what is done by which lane, Chromium. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { SESSION_STATES, SIGNED_API_STATES } from "../../services/power/src/console/driver.ts";
import { dashboard } from "./dashboard.ts";
import { bars, lines, stat, stripes } from "./panels.ts";
import {
  counted,
  INSTANCE,
  INSTANCE_NAME,
  now,
  over,
  POOL,
  percentiles,
  quantile,
  secondsSince,
} from "./queries.ts";
import { COLOUR, limits, NONE_IS_GOOD, stateNumber, type Word, words } from "./states.ts";

const MIB = 1_048_576;
/** The default of CHROMIUM_MEMORY_LIMIT_MIB, beyond which Chromium is launched anew. */
const CHROMIUM_LIMIT_BYTES = 900 * MIB;

const SESSION_WORDS: Readonly<Record<(typeof SESSION_STATES)[number], Word>> = {
  unknown: { text: "unknown", colour: COLOUR.unknown },
  logged_in: { text: "logged in", colour: COLOUR.good },
  login_required: { text: "login required", colour: COLOUR.bad },
  not_used: { text: "not used", colour: COLOUR.off },
};
const sessionWords = words(SESSION_STATES.map((state) => SESSION_WORDS[state]));
const SESSION = stateNumber("gpu_power_console_session", POOL, SESSION_STATES, "pool");

const SIGNED_API_WORDS: Readonly<Record<(typeof SIGNED_API_STATES)[number], Word>> = {
  not_asked: { text: "not asked yet", colour: COLOUR.off },
  answering: { text: "answers", colour: COLOUR.good },
  failing: { text: "failing", colour: COLOUR.warn },
  limited: { text: "limited", colour: COLOUR.warn },
  keys_refused: { text: "keys refused", colour: COLOUR.bad },
};
const signedApiWords = words(SIGNED_API_STATES.map((state) => SIGNED_API_WORDS[state]));
const SIGNED_API = stateNumber("gpu_power_signed_api", POOL, SIGNED_API_STATES, "pool");

const inRange = (metric: string) => `sum(increase(${metric}{${POOL}}[$__range]))`;

export const console = dashboard({
  uid: "gpu-power-console",
  title: "Console",
  zh: "服务商控制台：会话、两个见证（接口与页面）的观察、操作通道与耗时、错误，以及 Chromium。",
  byInstance: true,
  from: "now-6h",
  first: [
    stat({
      title: "Session",
      zh: "控制台会话是否有效；login required 时需要人工登录。",
      span: 4,
      mappings: sessionWords,
      runbooks: ["ConsoleLoginRequired"],
      targets: [now(SESSION)],
    }),
    stat({
      title: "Last observed",
      zh: "距离上一次向控制台询问每台机器已有多久。",
      span: 4,
      unit: units.Seconds,
      thresholds: limits(60, 180),
      runbooks: ["ConsoleStateUnknown"],
      targets: [
        now(secondsSince("gpu_power_observed_timestamp_seconds", INSTANCE, "pool, instance"), INSTANCE_NAME),
      ],
    }),
    stat({
      title: "Disagreements",
      zh: "所选时间范围内接口与页面状态不一致的次数；一致之前不会关机。",
      span: 4,
      unit: units.NoUnit,
      decimals: 0,
      thresholds: NONE_IS_GOOD,
      runbooks: ["ConsoleWitnessesDisagree"],
      targets: [now(inRange("gpu_power_witness_disagreements_total"))],
    }),
    stat({
      title: "Errors",
      zh: "所选时间范围内控制台上失败或存疑的步骤数。",
      span: 4,
      unit: units.NoUnit,
      decimals: 0,
      thresholds: NONE_IS_GOOD,
      runbooks: ["ConsoleSelectorDrift"],
      targets: [now(inRange("gpu_power_console_errors_total"))],
    }),
    stat({
      title: "Chromium memory",
      zh: "Chromium 全部进程占用的内存（PSS）；超过限制时在两次操作之间重启。",
      span: 4,
      unit: units.BytesIEC,
      thresholds: limits(0.8 * CHROMIUM_LIMIT_BYTES, CHROMIUM_LIMIT_BYTES),
      targets: [now(`max by (pool) (gpu_power_browser_memory_bytes{${POOL}})`)],
    }),
    stat({
      title: "Chromium restarts",
      zh: "所选时间范围内 Chromium 重启的次数。",
      span: 4,
      unit: units.NoUnit,
      decimals: 0,
      targets: [now(inRange("gpu_power_browser_restarts_total"))],
    }),
    stat({
      title: "Session ends in",
      zh: "按 cookie，控制台会话还有多久到期；cookie 未说明或由 power 自己登录时为空。",
      span: 4,
      height: 3,
      unit: units.Seconds,
      noValue: "unknown",
      runbooks: ["ConsoleSessionEnds"],
      targets: [now(`min by (pool) (gpu_power_console_session_end_timestamp_seconds{${POOL}}) - time()`)],
    }),
    stripes({
      title: "Session over time",
      zh: "控制台会话状态随时间的变化；空白表示没有数据。",
      span: 20,
      height: 3,
      mappings: sessionWords,
      runbooks: ["ConsoleLoginRequired"],
      targets: [over(SESSION, "{{pool}}")],
    }),
    bars({
      title: "Errors by kind",
      zh: "控制台上失败或存疑的步骤，按种类分列。",
      span: 16,
      height: 5,
      unit: units.NoUnit,
      runbooks: ["ConsoleSelectorDrift", "ConsoleStateUnknown"],
      targets: [counted("gpu_power_console_errors_total", POOL, "kind")],
    }),
    bars({
      title: "Disagreements over time",
      zh: "接口与页面状态不一致的次数随时间的变化。",
      span: 8,
      height: 5,
      unit: units.NoUnit,
      runbooks: ["ConsoleWitnessesDisagree"],
      targets: [
        over(`sum(increase(gpu_power_witness_disagreements_total{${POOL}}[$__interval]))`, "disagreements"),
      ],
    }),
  ],
  rows: [
    {
      title: "Observations",
      panels: [
        stripes({
          title: "Signed API",
          zh: "服务商的签名 API 是否有应答；没有设置密钥时为空。",
          span: 24,
          height: 3,
          mappings: signedApiWords,
          runbooks: ["ProviderKeysRefused", "ProviderApiFailing"],
          targets: [over(SIGNED_API, "{{pool}}")],
        }),
        lines({
          title: "Looks a second by witness",
          zh: "每秒查看控制台的次数，按见证（signed 签名接口、api 页面接口、page 页面）分列。",
          span: 12,
          unit: units.CountsPerSecond,
          targets: [
            over(
              `sum by (witness) (rate(gpu_power_observe_seconds_count{${POOL}}[$__rate_interval]))`,
              "{{witness}}",
            ),
          ],
        }),
        lines({
          title: "Duration of a look",
          zh: "一次查看的耗时，p50 与 p95，按见证分列。",
          span: 12,
          unit: units.Seconds,
          targets: percentiles("gpu_power_observe_seconds", POOL, "witness"),
        }),
      ],
    },
    {
      title: "Actions",
      panels: [
        bars({
          title: "Lane used",
          zh: "控制台接受的开机与关机，按操作和通道（api 接口、page 点击）分列。",
          span: 8,
          unit: units.NoUnit,
          noValue: "unknown or none yet",
          targets: [counted("gpu_power_actions_total", `${INSTANCE},outcome="accepted"`, "action, lane")],
        }),
        bars({
          title: "Outcomes",
          zh: "开机与关机的结果：先是控制台的回答，后是实际观察到的结果。",
          span: 8,
          unit: units.NoUnit,
          noValue: "unknown or none yet",
          runbooks: ["GpuStartFailed"],
          targets: [counted("gpu_power_actions_total", INSTANCE, "action, outcome")],
        }),
        stat({
          title: "Duration of an action",
          zh: "所选时间范围内一次开机或关机调用的耗时，p50 与 p95，按操作和通道分列。",
          span: 8,
          height: 7,
          unit: units.Seconds,
          text: "value_and_name",
          noValue: "unknown or none yet",
          targets: [0.5, 0.95].map((q) =>
            now(
              quantile(q, "gpu_power_action_seconds", POOL, "$__range", "action, lane"),
              `p${q * 100} {{action}} by {{lane}}`,
            ),
          ),
        }),
      ],
    },
    {
      title: "Chromium and files",
      panels: [
        lines({
          title: "Chromium memory over time",
          zh: "Chromium 内存随时间的变化；虚线为默认限制 900 MiB。",
          span: 12,
          unit: units.BytesIEC,
          thresholds: limits(0.8 * CHROMIUM_LIMIT_BYTES, CHROMIUM_LIMIT_BYTES),
          targets: [over(`max by (pool) (gpu_power_browser_memory_bytes{${POOL}})`, "{{pool}}")],
        }),
        bars({
          title: "Chromium restarts by reason",
          zh: "Chromium 重启的次数，按原因分列。",
          span: 6,
          unit: units.NoUnit,
          targets: [counted("gpu_power_browser_restarts_total", POOL, "reason")],
        }),
        stripes({
          title: "Files in use",
          zh: "机器池文件与控制台配置（profile）的最后一次修改是否已采用；refused 表示仍在使用之前的版本。",
          span: 6,
          height: 7,
          mappings: words([
            { text: "refused", colour: COLOUR.bad },
            { text: "in use", colour: COLOUR.good },
          ]),
          targets: [over(`min by (file) (gpu_power_config_reload_success{${POOL}})`, "{{file}}")],
        }),
      ],
    },
  ],
});
