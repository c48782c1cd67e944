/**
 * From the client's send to the start request at the provider: gateway, listener, NATS, power and its browser, by each
 * lane. Alone: `node tests/bench/main.ts whole-way`.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { BUCKETS, type Lane, STREAMS } from "@gpu-power-manager/shared/events";
import { connect, type Msg } from "nats";
import { DEFAULT_PRIVATE_KEY, DEFAULT_PUBLIC_KEY } from "../../sim/console/src/provider.ts";
import { type Gateway, startGateway } from "../../sim/dsp/src/gateway.ts";
import { until } from "../harness/process.ts";
import { type Stack, startStack } from "../harness/stack.ts";
import { startChild } from "./child.ts";
import type { Row, Text } from "./row.ts";
import type { Effort, Scenario } from "./scenario.ts";
import { watch } from "./sight.ts";
import { compare, quantile, type Round } from "./statistics.ts";

/** The browser that the image has, where it is here. */
const HEADLESS_SHELL = "/usr/bin/chromium-headless-shell";
/** What follows a start (the page is loaded and compared) is over by then. */
const QUIET_MS = 1_500;
const LICENSE = "bench-license";

/** Looks only as often as it has to, so that a look is not what a start waits for. */
const POLICY = {
  observe: { off: "1s", on: "200ms", changing: "100ms", compare: "5m" },
  maxStartsPerHour: 10_000,
};

/** A way by one lane: what it is called, and how many samples make a round of the full form. */
interface Way {
  readonly lane: Lane;
  readonly name: string;
  readonly words: Text;
  readonly samples: number;
}

const API: Way = {
  lane: "api",
  name: "whole-way",
  words: { en: "API lane", zh: "API 通道" },
  samples: 12,
};
const SIGNED: Way = {
  lane: "signed",
  name: "whole-way-signed",
  words: { en: "signed, no browser", zh: "签名通道，没有浏览器" },
  samples: 10,
};
const PAGE: Way = {
  lane: "page",
  name: "whole-way-page",
  words: { en: "by clicking", zh: "经点击" },
  samples: 10,
};

const now = () => performance.timeOrigin + performance.now();

/** What of a job on its way is seen from outside, one after the other; the last is its arrival at the provider. */
const LEGS = [
  {
    id: "stored",
    en: "of it: gateway and listener, until JetStream has stored the event",
    zh: "其中：网关和 listener，至 JetStream 存储事件",
  },
  { id: "taken", en: "of it: until power has folded it", zh: "其中：至 power 计入需求" },
  {
    id: "decided",
    en: "of it: the demand on disk, the decision, until the intent leaves",
    zh: "其中：需求落盘、决定，至意图发出",
  },
  { id: "sent", en: "of it: the intent on disk, the request", zh: "其中：意图落盘、请求" },
] as const;

/** Looks on; `legs` resolves to how long each took, in milliseconds. */
async function watchLegs({ nats }: Stack) {
  const connection = await connect({ servers: nats.url });
  const starts = (message: Msg) => message.string().includes('"action":"start"');
  const sights = [
    await watch(connection, "_INBOX.>", (message) => message.string().includes(`"stream":"${STREAMS.jobs}"`)),
    await watch(connection, `$KV.${BUCKETS.power}.demand.default`),
    await watch(connection, `$KV.${BUCKETS.power}.instance.default.>`, starts),
  ];
  return {
    legs: async (from: number, arrived: Promise<number>): Promise<number[]> => {
      const seen = await Promise.all([...sights.map((sight) => sight.next()), arrived]);
      return seen.map((at, index) => at - (seen[index - 1] ?? from));
    },
    close: async () => await connection.close(),
  };
}

/** Submits a job as a client does; milliseconds until a start request arrives at the provider. */
async function timeOf({ console: site }: Stack, gateway: Gateway): Promise<number> {
  const before = site.state().actions.length;
  const sentAt = now();
  const submitted = gateway.submit({ type: "url", key: LICENSE });
  const arrived = await until("a start request arrives", () => site.state().actions[before], 15_000, 2);
  await submitted;
  return arrived.atMs - sentAt;
}

/** The machine is off again, and power has seen it and has nothing left to do. */
async function reset(stack: Stack): Promise<void> {
  await until("the job is served", async () => (await stack.status()).demand.waitingJobs === 0);
  await stack.setState(0, "Stopped", false);
  await until("power sees it stopped", async () => {
    const [machine] = (await stack.status()).instances;
    return machine?.state === "stopped" && machine.attempt === null;
  });
  await pause(QUIET_MS);
}

async function run({ short, rounds }: Effort, { lane, name, words, samples: full }: Way): Promise<Row[]> {
  const samples = short ? 4 : full;
  const dir = await mkdtemp(join(tmpdir(), "gpm-bench-way-"));
  const stack = await startStack({
    lanes: [lane],
    keys: lane === "signed",
    policy: POLICY,
    console: { bootMs: 100 },
    listenerEnv: { LOG_LEVEL: "info" },
    powerEnv: {
      LOG_LEVEL: "info",
      ...(existsSync(HEADLESS_SHELL) ? { CHROMIUM_PATH: HEADLESS_SHELL } : {}),
    },
  });
  // A gateway of its own, so that each job is heard by one of the two alone.
  const beside = await startGateway({ redisUrl: `${stack.redis.url}/1` });
  const bare = startChild({
    file: "tests/bench/floor/start.ts",
    args: [
      beside.url,
      stack.console.apiUrl,
      stack.ids[0] ?? "",
      ...(lane === "api" ? [] : [DEFAULT_PUBLIC_KEY, DEFAULT_PRIVATE_KEY]),
    ],
    dir,
  });
  const watching = await watchLegs(stack);
  try {
    await until("the floor is registered", async () => (await beside.store.monitors()).length === 1);
    await timeOf(stack, beside);
    await timeOf(stack, stack.dsp);
    await reset(stack);
    const measured: Round[] = [];
    const legs: number[][] = [];
    for (let round = 0; round < rounds; round += 1) {
      const times = { floor: [] as number[], ours: [] as number[] };
      for (let index = 0; index < samples; index += 1) {
        times.floor.push(await timeOf(stack, beside));
        const began = performance.now();
        const way = timeOf(stack, stack.dsp);
        legs.push(
          await watching.legs(
            began,
            way.then((ms) => began + ms),
          ),
        );
        times.ours.push(await way);
        await reset(stack);
      }
      measured.push(times);
    }
    const all = {
      floor: measured.flatMap(({ floor }) => floor),
      ours: measured.flatMap(({ ours }) => ours),
    };
    const en = `client's send → start request at the provider, ${words.en}`;
    const zh = `客户端发送 → 供应商收到开机请求，${words.zh}`;
    const legRows = LEGS.flatMap(({ id, en, zh }, index) => {
      const times = legs.map((each) => each[index] ?? Number.NaN);
      const leg = (share: number): Row => ({
        id: `${name}-${id}-p${share * 100}`,
        what: { en: `${en}, p${share * 100}`, zh: `${zh}，p${share * 100}` },
        unit: "ms",
        ours: quantile(times, share),
      });
      return [leg(0.5), leg(0.95)];
    });
    // A click waits for the page, which no request does.
    const [ratio, most]: [Row["target"], Row["target"]] =
      lane === "page"
        ? [undefined, undefined]
        : [
            { of: "ratio", atMost: 3 },
            { of: "ours", atMost: 10 },
          ];
    return [
      {
        id: `${name}-p50`,
        what: { en: `${en}, p50`, zh: `${zh}，p50` },
        unit: "ms",
        ...compare(measured, 0.5),
        ...(ratio === undefined ? {} : { target: ratio }),
      },
      {
        id: `${name}-p95`,
        what: { en: `${en}, p95`, zh: `${zh}，p95` },
        unit: "ms",
        ours: quantile(all.ours, 0.95),
        floor: quantile(all.floor, 0.95),
        ...(most === undefined ? {} : { target: most }),
      },
      ...(lane === "api" ? legRows : []),
    ];
  } finally {
    await watching.close();
    await bare.stop();
    await beside.stop();
    await stack.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

export const wholeWayScenarios: readonly Scenario[] = [
  {
    name: "whole-way",
    isolates: {
      en: "Everything between a client and the provider, each part a real process but the two stand-ins; kept durably at each step. Beside it a bare script that sends the request at every notice and keeps nothing, as the last old script did.",
      zh: "客户端与供应商之间的全部环节：除两个替身外都是真实进程，每一步都持久保存。旁边是一个裸脚本，每条通知都直接发请求、什么都不保存，和最后一版旧脚本一样。",
    },
    run: (effort) => run(effort, API),
  },
  ...[SIGNED, PAGE].map((way) => ({
    name: way.name,
    isolates: {
      en: `The same by another lane (${way.words.en}), beside a bare script that sends a signed request.`,
      zh: `同上，经另一通道（${way.words.zh}）；旁边是一个直接发送签名请求的裸脚本。`,
    },
    fullOnly: true,
    run: (effort: Effort) => run(effort, way),
  })),
];
