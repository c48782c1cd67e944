/** Stand-ins of group robots and chats on one port of loopback, each with a key and secret of its own. */
import { createServer } from "node:http";
import type { Answer, Asked, Memory, Taken } from "./answer.ts";
import { slackAnswers, telegramAnswers } from "./chats.ts";
import { dingtalkAnswers } from "./dingtalk.ts";
import { feishuAnswers } from "./feishu.ts";
import { wecomAnswers } from "./wecom.ts";

export const CHATS = ["wecom", "dingtalk", "feishu", "telegram", "slack"] as const;
export type Chat = (typeof CHATS)[number];

const KEYS = {
  wecom: "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa",
  dingtalk: {
    token: "566cc69da782ec33e42541b09b08551f09fbe864eb8008112e994b43887",
    secret: "SECba0f4a5cd3a4f",
  },
  feishu: { hook: "2a4f8c7e-11aa-42ce-b7b8-6c1d2e3f4a5b", secret: "kQ3t8eVtrm0zHn1xJw" },
  telegram: { token: "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", chat: "-1001234567890" },
  slack: "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
} as const;

/** Faults that a test turns on: what it answers to everything, before it looks at it. */
export interface RobotFault {
  readonly status: number;
  readonly body: unknown;
}

export interface Robots {
  readonly url: string;
  readonly keys: typeof KEYS;
  /** Where each is told of alerts. */
  readonly addresses: Readonly<Record<"wecom" | "dingtalk" | "feishu" | "slack", string>>;
  /** What stands in each group. */
  readonly taken: Readonly<Record<Chat, Taken[]>>;
  /** What was refused, as it was answered. */
  readonly refused: Readonly<Record<Chat, unknown[]>>;
  readonly faults: Partial<Record<Chat, RobotFault>>;
  stop(): void;
}

/** @param now the robots' clock, milliseconds. */
export async function serveRobots(now: () => number = Date.now): Promise<Robots> {
  const lists = <T>(): Record<Chat, T[]> => ({
    wecom: [],
    dingtalk: [],
    feishu: [],
    telegram: [],
    slack: [],
  });
  const taken = lists<Taken>();
  const refused = lists<unknown>();
  const faults: Partial<Record<Chat, RobotFault>> = {};
  const fresh = (): Memory => ({ arrived: [], closedUntil: 0 });
  const memory = { wecom: fresh(), dingtalk: fresh(), feishu: fresh() };
  const ways: ReadonlyArray<[RegExp, Chat, (asked: Asked) => Answer]> = [
    [/^\/cgi-bin\//, "wecom", (asked) => wecomAnswers(KEYS.wecom, asked, memory.wecom)],
    [/^\/robot\//, "dingtalk", (asked) => dingtalkAnswers(KEYS.dingtalk, asked, memory.dingtalk)],
    [/^\/open-apis\//, "feishu", (asked) => feishuAnswers(KEYS.feishu, asked, memory.feishu)],
    [/^\/bot/, "telegram", (asked) => telegramAnswers(KEYS.telegram.token, KEYS.telegram.chat, asked)],
    [/^\/services\//, "slack", (asked) => slackAnswers(KEYS.slack, asked)],
  ];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const url = new URL(request.url ?? "/", "http://robots");
    const way = ways.find(([path]) => path.test(url.pathname));
    if (way === undefined) {
      response.writeHead(404).end();
      return;
    }
    const [, chat, answers] = way;
    const at = now();
    const answer: Answer = faults[chat] ?? answers({ at, url, body });
    if (answer.text === undefined) refused[chat].push(answer.body);
    else taken[chat].push({ at, text: answer.text });
    const isText = typeof answer.body === "string";
    response.writeHead(answer.status, { "content-type": isText ? "text/plain" : "application/json" });
    response.end(isText ? answer.body : JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the robots' port has no number");
  const url = `http://127.0.0.1:${address.port}`;
  return {
    url,
    keys: KEYS,
    addresses: {
      wecom: `${url}/cgi-bin/webhook/send?key=${KEYS.wecom}`,
      dingtalk: `${url}/robot/send?access_token=${KEYS.dingtalk.token}`,
      feishu: `${url}/open-apis/bot/v2/hook/${KEYS.feishu.hook}`,
      slack: `${url}${KEYS.slack}`,
    },
    taken,
    refused,
    faults,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
