/** Everything that is measured, in the order of a job's way. */
import { type BacklogCase, measureBacklog } from "./backlog.ts";
import { burstScenarios } from "./burst.ts";
import { measureConsole } from "./console.ts";
import { detectionScenarios } from "./detection.ts";
import { noticeScenarios } from "./notice.ts";
import { poolScenarios } from "./pool.ts";
import { measureRest } from "./rest.ts";
import type { Row } from "./row.ts";
import type { Scenario } from "./scenario.ts";
import { median } from "./statistics.ts";
import { syncScenarios } from "./sync.ts";
import { wholeWayScenarios } from "./whole-way.ts";

const MB = 1_000_000;

const console: Scenario = {
  name: "console",
  isolates: {
    en: "Power's driver alone, by the signed-in page's API and by clicking, beside the shortest Playwright script that does the same. The stand-in's disabled phase is off.",
    zh: "仅 power 的驱动：经已登录页面的 API 和经点击；旁边是做同样事情的最短 Playwright 脚本。替身的按钮禁用阶段已关闭。",
  },
  fullOnly: true,
  run: async ({ rounds }) => {
    const { api, page } = await measureConsole(rounds);
    const row = (id: string, en: string, zh: string, of: typeof api, atMost: number): Row => ({
      id,
      what: { en, zh },
      unit: "ms",
      ours: of.p50,
      floor: of.floorP50,
      ratio: of.ratio,
      target: { of: "ratio", atMost },
    });
    return [
      row("console-api", "decision → start request, API lane, p50", "决定 → 开机请求，API 通道，p50", api, 3),
      row(
        "console-click",
        "decision → start request, by clicking, p50",
        "决定 → 开机请求，经点击，p50",
        page,
        1.3,
      ),
    ];
  },
};

/** What the cases of backlog.ts are called in Chinese. */
const CASES: Readonly<Record<string, string>> = {
  "10,000 lists of one job": "10,000 个列表各一个任务",
  "100,000 waiting jobs": "100,000 个等待任务",
  "1,000,000 foreign keys": "1,000,000 个无关键",
  "300 jobs of 1 MB": "300 个 1 MB 的任务",
};

function backlogRows({
  name,
  tookMs,
  floorMs,
  ratio,
  listenerPeakRssBytes,
  intervalSeconds,
}: BacklogCase): Row[] {
  const id = `backlog-${name.replaceAll(/\W+/g, "-")}`;
  const every = intervalSeconds.toFixed(1);
  return [
    {
      id,
      what: {
        en: `one reading of the backlog: ${name} (then every ${every} s)`,
        zh: `读取一次积压：${CASES[name] ?? name}（之后每 ${every} 秒一次）`,
      },
      unit: "ms",
      ours: tookMs,
      floor: floorMs,
      ratio,
    },
    {
      id: `${id}-rss`,
      what: { en: "the listener's peak RSS with it", zh: "此时 listener 的峰值 RSS" },
      unit: "MB",
      ours: listenerPeakRssBytes / MB,
    },
  ];
}

const backlog: Scenario = {
  name: "backlog",
  isolates: {
    en: "Reading the gateway's Redis, at sizes that few gateways have, beside the bare way: find the keys, take every list whole. It may take at most 2 % of the time, so the pause grows with what a reading takes.",
    zh: "读取网关的 Redis，规模为少见的大小；旁边是最直接的办法：找到键，整个取回每个列表。读取最多占 2 % 的时间，因此间隔随读取耗时变长。",
  },
  fullOnly: true,
  run: async ({ rounds }) => {
    const { cases, toldMs } = await measureBacklog(rounds);
    return [
      ...cases.flatMap(backlogRows),
      {
        id: "backlog-told",
        what: {
          en: "a job without a notice → power is told that one waits, 10,000 keys, default settings",
          zh: "没有通知的任务 → power 得知有任务在等，10,000 个键，默认设置",
        },
        unit: "ms",
        ours: median(toldMs),
        target: { of: "ours", atMost: 6_000 },
      },
    ];
  },
};

const rest: Scenario = {
  name: "rest",
  isolates: {
    en: "What both services cost while nothing happens, each with everything that it starts: default settings, chromium-headless-shell, a page that would ask for its list every 10 s. Memory that processes share is counted once (PSS).",
    zh: "无事发生时两个服务的开销，包括它们启动的一切：默认设置、chromium-headless-shell、页面本会每 10 秒请求一次列表。进程间共享的内存只计一次（PSS）。",
  },
  fullOnly: true,
  run: async () => {
    const { listener, power, pssBytes, cpu } = await measureRest();
    const row = (
      id: string,
      en: string,
      zh: string,
      unit: "MB" | "%",
      ours: number,
      atMost?: number,
    ): Row => ({
      id,
      what: { en, zh },
      unit,
      ours,
      ...(atMost === undefined ? {} : { target: { of: "ours", atMost } }),
    });
    return [
      row("rest-memory", "both services, memory", "两个服务，内存", "MB", pssBytes / MB, 400),
      row("rest-cpu", "both services, of a core", "两个服务，占一个核", "%", cpu * 100, 1.5),
      row("rest-listener", "the listener's RSS", "listener 的 RSS", "MB", listener.rssBytes / MB, 90),
      row("rest-listener-cpu", "the listener, of a core", "listener，占一个核", "%", listener.cpu * 100, 0.5),
      row(
        "rest-power",
        "power with its browser, memory",
        "power 及其浏览器，内存",
        "MB",
        power.pssBytes / MB,
      ),
    ];
  },
};

export const SCENARIOS: readonly Scenario[] = [
  ...noticeScenarios,
  ...burstScenarios,
  ...syncScenarios,
  ...wholeWayScenarios,
  console,
  ...poolScenarios,
  backlog,
  ...detectionScenarios,
  rest,
];
