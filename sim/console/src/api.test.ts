import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import type { APIResponse, Browser, Page } from "playwright";
import { z } from "zod";
import { until } from "../../../tests/harness/process.ts";
import { launchChromium, loggedIn, quickConsole, row } from "./browser-for-tests.ts";
import type { Console } from "./provider.ts";
import { RET } from "./ret-codes.ts";

const A = "uhost-a";
const machines = [
  { UHostId: A, Zone: "cn-wlcb-01", Region: "cn-wlcb", BasicImageId: "image-a" },
  { UHostId: "uhost-b", Zone: "cn-sh2-02", Region: "cn-sh2" },
];
const A_START = { UHostId: A, Zone: "cn-wlcb-01", Region: "cn-wlcb" };
const A_STOP = { ...A_START, BasicImageId: "image-a" };

const answerSchema = z.looseObject({
  RetCode: z.int(),
  Message: z.string().optional(),
  TotalCount: z.int().optional(),
  UHostSet: z.array(z.looseObject({ UHostId: z.string(), State: z.string() })).optional(),
});

/** A program beside the page: it learns headers and common fields from the page's own request. */
class Beside {
  readonly #page: Page;
  readonly #url: string;
  readonly headers: Record<string, string>;
  readonly common: Record<string, string>;

  private constructor(
    page: Page,
    url: string,
    headers: Record<string, string>,
    common: Record<string, string>,
  ) {
    this.#page = page;
    this.#url = url;
    this.headers = headers;
    this.common = common;
  }

  static async learn(browser: Browser, running: Console): Promise<Beside> {
    const page = await loggedIn(browser, running);
    await row(page, A).waitFor();
    const passing = page.waitForRequest((request) => request.url().includes("Action=Describe"));
    await page.reload();
    const request = await passing;
    const headers = await request.allHeaders();
    const fields = new URLSearchParams(request.postData() ?? "");
    const common = Object.fromEntries(
      ["ProjectId", "_user", "_timestamp"].map((name) => [name, fields.get(name) ?? ""]),
    );
    return new Beside(page, running.apiUrl, headers, common);
  }

  async post(
    action: string,
    fields: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<APIResponse> {
    return await this.#page.context().request.post(`${this.#url}/?Action=${action}`, {
      form: { Action: action, ...this.common, ...fields },
      headers: headers ?? { "u-csrf-token": this.headers["u-csrf-token"] ?? "", "x-api-lang": "zh_CN" },
      timeout: 5_000,
    });
  }

  async call(action: string, fields: Record<string, string> = {}, headers?: Record<string, string>) {
    return answerSchema.parse(await (await this.post(action, fields, headers)).json());
  }

  start = () => this.call("StartCompShareInstance", A_START);
  stop = () => this.call("StopCompShareInstance", A_STOP);
  list = (fields: Record<string, string> = {}) => this.call("DescribeCompShareInstance", fields);
}

let browser: Browser;
before(async () => {
  browser = await launchChromium();
});
after(async () => {
  await browser.close();
});
afterEach(async () => {
  // A page left open goes on asking a stand-in that is gone.
  await Promise.all(browser.contexts().map((context) => context.close()));
});

test("the page's own request carries what the facts say", async () => {
  await using running = await quickConsole({ machines });
  const { headers, common } = await Beside.learn(browser, running);
  assert.equal(headers["x-api-lang"], "zh_CN");
  assert.equal(headers.referer, `${running.consoleUrl}/light-gpu/console/resources`);
  assert.match(headers["u-csrf-token"] ?? "", /^[0-9a-f]{32}$/);
  assert.match(common._timestamp ?? "", /^\d{13}$/);
  assert.ok(common.ProjectId && common._user);
});

test("start and stop through the API lane take effect and are counted there", async () => {
  await using running = await quickConsole({ machines });
  const beside = await Beside.learn(browser, running);
  assert.equal((await beside.start()).RetCode, RET.accepted);
  assert.equal(running.state().machines[0]?.State, "Starting");
  await until("it runs", () => running.state().machines[0]?.State === "Running");
  assert.equal((await beside.stop()).RetCode, RET.accepted);
  await until("it is off", () => running.state().machines[0]?.State === "Stopped");
  assert.deepEqual(
    running.state().actions.map((action) => [action.verb, action.lane, action.outcome]),
    [
      ["start", "api", "accepted"],
      ["stop", "api", "accepted"],
    ],
  );
});

test("headers forwarded from the page do not make a request the page's", async () => {
  await using running = await quickConsole({ machines });
  const beside = await Beside.learn(browser, running);
  assert.equal(beside.headers["sec-fetch-mode"], "cors");
  const forwarded = Object.fromEntries(
    Object.entries(beside.headers).filter(([name]) => !name.startsWith(":") && name !== "content-length"),
  );
  const answer = await beside.call("StartCompShareInstance", A_START, forwarded);
  assert.equal(answer.RetCode, RET.accepted);
  assert.equal(running.state().actions[0]?.lane, "api");
});

test("neither cookie nor token alone is enough", async () => {
  await using running = await quickConsole({ machines });
  const beside = await Beside.learn(browser, running);
  assert.equal((await beside.call("DescribeCompShareInstance", {}, {})).RetCode, RET.noCsrfToken);
  const tokenOnly = await fetch(`${running.apiUrl}/?Action=DescribeCompShareInstance`, {
    method: "POST",
    headers: { "u-csrf-token": beside.headers["u-csrf-token"] ?? "" },
    body: new URLSearchParams({ Action: "DescribeCompShareInstance", ...beside.common }),
  });
  assert.equal(answerSchema.parse(await tokenOnly.json()).RetCode, RET.noSession);
});

const REFUSALS = [
  ["a start without Zone", "StartCompShareInstance", { UHostId: A, Region: "cn-wlcb" }, RET.missingField],
  ["a stop without BasicImageId", "StopCompShareInstance", A_START, RET.missingField],
  [
    "a start with another machine's zone",
    "StartCompShareInstance",
    { ...A_START, Zone: "cn-sh2-02" },
    RET.badField,
  ],
  ["an unknown machine", "StartCompShareInstance", { ...A_START, UHostId: "uhost-x" }, RET.noSuchMachine],
  ["a stop of a stopped machine", "StopCompShareInstance", A_STOP, RET.wrongState],
  ["a deletion", "TerminateCompShareInstance", A_START, RET.unknownAction],
  [
    "a request without _timestamp",
    "StartCompShareInstance",
    { ...A_START, _timestamp: "" },
    RET.missingField,
  ],
  ["a Limit over 100", "DescribeCompShareInstance", { Limit: "101" }, RET.badField],
  ["an action that does not exist", "Nonsense", {}, RET.unknownAction],
] as const;

test("what the provider cannot take is refused with a Message, and changes nothing", async () => {
  await using running = await quickConsole({ machines });
  const beside = await Beside.learn(browser, running);
  for (const [name, action, fields, code] of REFUSALS) {
    const answer = await beside.call(action, fields);
    assert.equal(answer.RetCode, code, name);
    assert.ok(answer.Message, name);
    assert.equal(running.state().machines[0]?.State, "Stopped", name);
  }
  const actions = running.state().actions;
  assert.equal(actions.length, 7);
  assert.equal(
    actions.every((action) => action.outcome === "refused"),
    true,
  );
});

test("a second start of a machine that is starting is refused", async () => {
  await using running = await quickConsole({ machines, bootMs: 60_000 });
  const beside = await Beside.learn(browser, running);
  await beside.start();
  assert.equal((await beside.start()).RetCode, RET.wrongState);
  const [tally] = running.state().tallies;
  assert.deepEqual([tally?.accepted, tally?.refused], [1, 1]);
});

test("the list is paged: 20 by default, Offset and Limit, and the UHostIds filter", async () => {
  const many = Array.from({ length: 120 }, (_, i) => ({ UHostId: i === 0 ? A : `uhost-${i}` }));
  await using running = await quickConsole({ machines: many });
  const beside = await Beside.learn(browser, running);
  const first = await beside.list();
  assert.deepEqual([first.TotalCount, first.UHostSet?.length], [120, 20]);
  const last = await beside.list({ Offset: "100", Limit: "100" });
  assert.equal(last.UHostSet?.length, 20);
  const filter = { "UHostIds.0": "uhost-7", "UHostIds.1": "uhost-110" };
  assert.deepEqual(
    (await beside.list(filter)).UHostSet?.map((host) => host.UHostId),
    ["uhost-7", "uhost-110"],
  );
  running.turn({ ignoreFilter: true });
  assert.equal((await beside.list(filter)).TotalCount, 120);
});

test("sold out, then in stock again", async () => {
  await using running = await quickConsole({ machines, faults: { soldOut: [A] } });
  const beside = await Beside.learn(browser, running);
  const refused = await beside.start();
  assert.equal(refused.RetCode, RET.soldOut);
  assert.match(refused.Message ?? "", /售罄/);
  running.turn({ soldOut: [] });
  assert.equal((await beside.start()).RetCode, RET.accepted);
});

test("acceptButNothing: RetCode 0, and the machine stays off", async () => {
  await using running = await quickConsole({ machines, faults: { acceptButNothing: true } });
  const beside = await Beside.learn(browser, running);
  assert.equal((await beside.start()).RetCode, RET.accepted);
  assert.equal(running.state().machines[0]?.State, "Stopped");
});

test("api500 and HTML for actions: nothing happened, and the request is counted as broken", async () => {
  await using running = await quickConsole({ machines, faults: { api500: "actions" } });
  const beside = await Beside.learn(browser, running);
  assert.equal((await beside.post("StartCompShareInstance", A_START)).status(), 500);
  running.turn({ api500: false, htmlInsteadOfJson: "actions" });
  assert.match(await (await beside.post("StartCompShareInstance", A_START)).text(), /<!doctype html>/);
  assert.equal((await beside.list()).RetCode, RET.accepted);
  assert.equal(running.state().tallies[0]?.broken, 2);
  assert.equal(running.state().machines[0]?.State, "Stopped");
});

test("rateLimited for actions: refused with the provider's words, reading goes on", async () => {
  await using running = await quickConsole({ machines, faults: { rateLimited: "actions" } });
  const beside = await Beside.learn(browser, running);
  assert.match((await beside.start()).Message ?? "", /请求过于频繁/);
  assert.equal((await beside.list()).RetCode, RET.accepted);
});

test("stuckStarting, and a machine that stops by itself", async () => {
  await using running = await quickConsole({
    machines,
    bootMs: 10,
    stopMs: 10,
    faults: { stuckStarting: [A] },
  });
  const beside = await Beside.learn(browser, running);
  await beside.start();
  const stateOf = () => running.state().machines[0];
  const startedAt = stateOf()?.sinceMs ?? 0;
  await until("ten boot times passed", () => running.state().nowMs > startedAt + 100);
  assert.equal(stateOf()?.State, "Starting");
  running.turn({ stuckStarting: [] });
  await until("it runs", () => stateOf()?.State === "Running");
  running.turn({ stopsByItselfAfterMs: { [A]: 20 } });
  await until("it stopped", () => stateOf()?.State === "Stopped");
  assert.equal(running.state().actions.filter((action) => action.verb === "stop").length, 0);
});
