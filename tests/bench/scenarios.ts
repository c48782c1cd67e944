/** Everything that is measured, in the order of a job's way. */
import { type BacklogCase, measureBacklog } from "./backlog.ts";
import { burstScenarios } from "./burst.ts";
import { measureConsole } from "./console.ts";
import { detectionScenarios } from "./detection.ts";
import { measureLive } from "./live.ts";
import { noticeScenarios } from "./notice.ts";
import { poolScenarios } from "./pool.ts";
import { measureRest } from "./rest.ts";
import type { Row } from "./row.ts";
import type { Scenario } from "./scenario.ts";
import { compare, median } from "./statistics.ts";
import { syncScenarios } from "./sync.ts";
import { wholeWayScenarios } from "./whole-way.ts";

const MB = 1_000_000;

const console: Scenario = {
  name: "console",
  isolates: {
    en: "Power's driver alone, by a signed request, by the signed-in page's API and by clicking, beside the shortest script that does the same. The stand-in's disabled phase is off.",
    zh: "仅 power 的驱动：经签名请求、经已登录页面的 API 和经点击；旁边是做同样事情的最短脚本。替身的按钮禁用阶段已关闭。",
  },
  fullOnly: true,
  run: async ({ rounds }) => {
    const { signed, api, page } = await measureConsole(rounds);
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
      row(
        "console-signed",
        "decision → start request, signed, p50",
        "决定 → 开机请求，签名通道，p50",
        signed,
        1.5,
      ),
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
    const { power: signed } = await measureRest({ keys: true });
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
      row(
        "rest-power-signed",
        "power with keys of the signed API and no browser, memory",
        "使用签名 API 密钥、没有浏览器的 power，内存",
        "MB",
        signed.pssBytes / MB,
        120,
      ),
    ];
  },
};

const live: Scenario = {
  name: "live",
  isolates: {
    en: "The live view of the console's page: the driver, the desk and the door in a process of their own, one person at a socket; beside a bare Playwright script that films the same page and keeps no picture. chromium-headless-shell, a page of 1280 × 720.",
    zh: "控制台页面的实时画面：驱动、管理与入口在单独的进程中，一个人经由连接操作；旁边是拍摄同一页面且不保存画面的裸 Playwright 脚本。chromium-headless-shell，页面为 1280 × 720。",
  },
  fullOnly: true,
  run: async ({ rounds }) => {
    const { keys, films, cpu, grown } = await measureLive(rounds);
    const key = compare(keys, 0.5);
    const film = compare(films, 0.5);
    const core = (id: string, en: string, zh: string, ours: number): Row => ({
      id,
      what: { en, zh },
      unit: "%",
      ours: ours * 100,
    });
    return [
      {
        id: "live-key-p50",
        what: { en: "a key pressed → the picture that shows it, p50", zh: "按键 → 显示该按键的画面，p50" },
        unit: "ms",
        ...key,
        target: { of: "ratio", atMost: 1.5 },
      },
      {
        id: "live-key-p95",
        what: { en: "a key pressed → the picture that shows it, p95", zh: "按键 → 显示该按键的画面，p95" },
        unit: "ms",
        ...compare(keys, 0.95),
      },
      {
        id: "live-film",
        what: { en: "pictures a second while a slider is led", zh: "拖动滑块时每秒画面数" },
        unit: "/s",
        ...film,
        target: { of: "ours", atLeast: 10 },
      },
      core("live-cpu-0", "nobody looks, of a core", "无人查看，占一个核", cpu.unwatched),
      core(
        "live-cpu-1",
        "one looks and leads a slider, of a core",
        "一人查看并拖动滑块，占一个核",
        cpu.watched,
      ),
      core(
        "live-cpu-5",
        "five look while one leads a slider, of a core",
        "五人查看、一人拖动滑块，占一个核",
        cpu.byFive,
      ),
      {
        id: "live-sessions",
        what: { en: "memory that 100 more sessions have left behind", zh: "再有 100 次会话之后多出的内存" },
        unit: "MB",
        ours: grown / MB,
        target: { of: "ours", atMost: 30 },
      },
    ];
  },
};

export const SCENARIOS: readonly Scenario[] = [
  ...noticeScenarios,
  ...burstScenarios,
  ...syncScenarios,
  ...wholeWayScenarios,
  console,
  live,
  ...poolScenarios,
  backlog,
  ...detectionScenarios,
  rest,
];
