/** Each robot, against a stand-in of its documented rules: what it takes, what it refuses, and what is made of that. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createLogger } from "@gpu-power-manager/shared/logger";
import fc from "fast-check";
import { serveRobots } from "../../../../sim/robots/src/serve.ts";
import { type Message, messageOf } from "../alerts/message.ts";
import { Notification } from "../alerts/notification.ts";
import { LANGUAGES, ROBOTS, type RobotKind, secretsOf, type Target } from "../config/robots.ts";
import { Delivery, ROBOT } from "./delivery.ts";

const SECOND = 1_000;
/** Times of the last months of 2025. */
const BEGIN = Date.parse("2025-11-01T00:00:00Z");

function alert(
  index: number,
  description = `Starts of gpu-${index} that failed within 15 minutes: 1 (sold_out).`,
) {
  return {
    status: "firing",
    labels: { alertname: "GpuStartFailed", severity: "warning", instance: `gpu-${index}`, pool: "default" },
    annotations: {
      summary: `A start of gpu-${index} failed`,
      description,
      summary_zh: `gpu-${index} 启动失败`,
      description_zh: `15 分钟内 gpu-${index} 有 1 次启动失败（sold_out）。`,
      runbook_url: "docs/runbooks/GpuStartFailed.md",
    },
    startsAt: "2026-01-01T10:00:00Z",
    endsAt: "0001-01-01T00:00:00Z",
  };
}
const message = (
  alerts: unknown[],
  language: (typeof LANGUAGES)[number] = "both",
  severity?: "critical",
): Message => ({
  ...messageOf(Notification.parse({ status: "firing", alerts }), {
    language,
    timeZone: "Asia/Shanghai",
    runbookBase: "https://git.example.com/gpu/",
    stepsOf: () => [
      "1. `sold_out`: wait, or add a machine of another zone.",
      "2. Look at the machine in the console.",
    ],
  }),
  ...(severity === undefined ? {} : { severity }),
});

async function setUp(t: TestContext, kind: RobotKind, change: Partial<Target> = {}) {
  const clock = { now: BEGIN };
  const robots = await serveRobots(() => clock.now);
  t.after(() => robots.stop());
  const secrets = {
    wecom: undefined,
    dingtalk: robots.keys.dingtalk.secret,
    feishu: robots.keys.feishu.secret,
  };
  const secret = secrets[kind];
  const target = { url: robots.addresses[kind], ...(secret === undefined ? {} : { secret }), ...change };
  const lines: string[] = [];
  const counted: string[] = [];
  const file = { language: "both", timeZone: "UTC", runbookBase: "", robots: { [kind]: target } } as const;
  const delivery = new Delivery({
    kind,
    target,
    logger: createLogger({
      service: "messenger",
      level: "debug",
      secrets: secretsOf(file),
      destination: { write: (line) => void lines.push(line) },
    }),
    recorder: { message: (robot, outcome) => void counted.push(`${robot} ${outcome}`), sent: () => {} },
    now: () => clock.now,
  });
  return { clock, robots, target, delivery, lines, counted };
}

for (const kind of ROBOTS) {
  test(`${kind}: what, which machine, since when and what to do stand in the group, in both languages`, async (t) => {
    const { robots, delivery, counted } = await setUp(t, kind);
    assert.deepEqual(await delivery.send(message([alert(1)])), { outcome: "sent" });
    const [{ text = "" } = {}] = robots.taken[kind];
    for (const words of [
      "[warning 警告] A start of gpu-1 failed",
      "gpu-1 启动失败",
      "(sold_out)",
      "machine 机器: gpu-1",
      "since 开始于: 2026-01-01 18:00:00 GMT+8",
      "What to do 如何处理",
      "2. Look at the machine in the console.",
      "https://git.example.com/gpu/docs/runbooks/GpuStartFailed.zh-CN.md",
    ])
      assert.ok(text.includes(words), `${words}\n---\n${text}`);
    assert.deepEqual(counted, [`${kind} sent`]);
  });

  test(`${kind}: a message of any length is taken, and says what it is about`, async (t) => {
    const { robots, delivery, clock } = await setUp(t, kind);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.string({ unit: "grapheme", maxLength: 12_000 }),
        fc.constantFrom(...LANGUAGES),
        async (count, description, language) => {
          clock.now += 60 * SECOND;
          const alerts = Array.from({ length: count }, (_, index) => alert(index, description));
          assert.deepEqual(await delivery.send(message(alerts, language)), { outcome: "sent" });
          assert.ok(robots.taken[kind].at(-1)?.text.includes("gpu-0"));
        },
      ),
      { numRuns: 25 },
    );
  });

  test(`${kind}: a hundred messages at once never meet its limit; critical ones have places of their own`, async (t) => {
    const { robots, delivery, clock } = await setUp(t, kind);
    const { perMinute } = ROBOT[kind];
    const outcomes = [];
    for (let index = 0; index < perMinute + 80; index += 1)
      outcomes.push((await delivery.send(message([alert(index)]))).outcome);
    const sent = outcomes.filter((each) => each === "sent").length;
    assert.equal(sent, perMinute - 7);
    assert.ok(outcomes.slice(sent).every((each) => each === "held"));
    assert.equal((await delivery.send(message([alert(0)], "both", "critical"))).outcome, "sent");
    clock.now += 60 * SECOND;
    assert.equal((await delivery.send(message([alert(0)]))).outcome, "sent");
    assert.deepEqual(robots.refused[kind], []);
  });

  test(`${kind}: a key that is wrong is refused with the setting's name, and stands in no log`, async (t) => {
    const { robots } = await setUp(t, kind);
    const address = new URL(robots.addresses[kind]);
    for (const name of address.searchParams.keys()) address.searchParams.set(name, "0123456789abcdef");
    if (kind === "feishu") address.pathname = "/open-apis/bot/v2/hook/0123456789abcdef";
    const { delivery, lines: said } = await setUp(t, kind, { url: address.href });
    const delivered = await delivery.send(message([alert(1)]));
    assert.equal(delivered.outcome, "refused");
    assert.match(
      "words" in delivered ? delivered.words : "",
      /ALERT_(WECOM_ROBOT|DINGTALK|FEISHU)_URL is wrong/,
    );
    assert.ok(said.length > 0);
    assert.doesNotMatch(said.join(""), /0123456789abcdef/);
  });

  for (const [what, fault] of [
    ["a server error", { status: 502, body: "bad gateway" }],
    ["a page of a proxy in a 200", { status: 200, body: "<html>login</html>" }],
    ["JSON of somebody else", { status: 200, body: { ok: true } }],
  ] as const) {
    test(`${kind}: ${what} is no delivery, and is tried again`, async (t) => {
      const { robots, delivery } = await setUp(t, kind);
      robots.faults[kind] = fault;
      assert.equal((await delivery.send(message([alert(1)]))).outcome, "failed");
      delete robots.faults[kind];
      assert.equal((await delivery.send(message([alert(1)]))).outcome, "sent");
    });
  }

  test(`${kind}: by its own word that it is too much, it is left alone, and asked again later`, async (t) => {
    const { robots, delivery, clock } = await setUp(t, kind);
    const limit = {
      wecom: { errcode: 45_009, errmsg: "api freq out of limit" },
      dingtalk: { errcode: 130_101, errmsg: "send too fast, exceed 20 times per minute" },
      feishu: { code: 11_232, msg: "frequency limited" },
    }[kind];
    robots.faults[kind] = { status: 200, body: limit };
    const told = await delivery.send(message([alert(1)]));
    assert.equal(told.outcome, "wait");
    delete robots.faults[kind];
    const asked = robots.refused[kind].length;
    assert.equal((await delivery.send(message([alert(1)], "both", "critical"))).outcome, "held");
    assert.equal(robots.refused[kind].length, asked, "it was asked in its pause");
    clock.now += "waitMs" in told ? told.waitMs : 0;
    assert.equal((await delivery.send(message([alert(1)]))).outcome, "sent");
  });
}

for (const [kind, code] of [
  ["dingtalk", 310_000],
  ["feishu", 19_021],
] as const) {
  for (const [what, secret] of [
    ["another secret", "SECnot-the-robots-own"],
    ["no secret", undefined],
  ] as const)
    test(`${kind}: ${what} is refused as a person can mend it`, async (t) => {
      const robots = await serveRobots(() => BEGIN);
      t.after(() => robots.stop());
      const target: Target = { url: robots.addresses[kind], ...(secret === undefined ? {} : { secret }) };
      const { url, body } = ROBOT[kind].request(message([alert(1)]), target, BEGIN);
      const answer: unknown = await (await fetch(url, { method: "POST", body })).json();
      const verdict = ROBOT[kind].judge(answer);
      assert.equal(verdict.outcome, "refused");
      assert.match(
        "words" in verdict ? verdict.words : "",
        new RegExp(`${code}.*_SECRET is wrong or missing`),
      );
    });

  test(`${kind}: a clock that is more than an hour off is refused by the robot, and named`, async (t) => {
    const { robots, clock, target } = await setUp(t, kind);
    const { url, body } = ROBOT[kind].request(message([alert(1)]), target, clock.now - 3_700 * SECOND);
    const verdict = ROBOT[kind].judge(await (await fetch(url, { method: "POST", body })).json());
    assert.equal(verdict.outcome, "refused");
    assert.match("words" in verdict ? verdict.words : "", /clock is wrong/);
    assert.equal(robots.taken[kind].length, 0);
  });
}

test("the stand-ins hold the robots' limits: without them these messages would not be taken", async (t) => {
  const robots = await serveRobots(() => BEGIN);
  t.after(() => robots.stop());
  const post = async (url: string, body: unknown): Promise<unknown> =>
    (await fetch(url, { method: "POST", body: JSON.stringify(body) })).json();
  const long = { msgtype: "markdown", markdown: { content: "长".repeat(1_366) } };
  assert.deepEqual(await post(robots.addresses.wecom, long), {
    errcode: 40_058,
    errmsg: "markdown.content exceed max length 4096",
  });
  for (let index = 1; index < 20; index += 1) await post(robots.addresses.wecom, long);
  assert.deepEqual(await post(robots.addresses.wecom, long), {
    errcode: 45_009,
    errmsg: "api freq out of limit",
  });
});
