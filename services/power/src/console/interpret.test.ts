import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fromApi, fromPage, isSoldOut, joinWitnesses, readList, unknown } from "./interpret.ts";
import { parseProfile } from "./profile.ts";

const read = (name: string) =>
  readFileSync(new URL(`../../../../profiles/${name}.yaml`, import.meta.url), "utf8");
const profile = parseProfile(read("compshare"), "compshare.yaml");
const entry = (id: string, state: unknown) => ({ UHostId: id, State: state });
const stopped = { state: "stopped" } as const;
const running = { state: "running" } as const;

test("the demo's profile differs from the real one in its addresses only, and names the session's cookie", () => {
  const { console: site, api, signed, login, ...rest } = parseProfile(read("demo"), "demo.yaml");
  const { console: realSite, api: realApi, signed: realSigned, login: realLogin, ...realRest } = profile;
  assert.deepEqual(rest, realRest);
  // Which cookie the real one's session hangs on, nobody has seen yet.
  assert.deepEqual({ ...login, cookies: [] }, realLogin);
  assert.deepEqual({ ...site, url: "" }, { ...realSite, url: "" });
  assert.deepEqual({ ...api, url: "" }, { ...realApi, url: "" });
  assert.deepEqual({ ...signed, url: "" }, { ...realSigned, url: "" });
  assert.equal(new URL(site.url).pathname, new URL(realSite.url).pathname);
});

const BAD: Array<[string, string, string, RegExp]> = [
  ["a misspelt key", "urlContains:", "urlcontains:", /bad\.yaml:\d+: login: .*urlcontains/],
  [
    "a state that does not exist",
    "Running: running",
    "Running: on",
    /bad\.yaml:\d+: api\.list\.states\.Running/,
  ],
  ["an address that is none", "https://api.compshare.cn/", "api", /bad\.yaml:\d+: api\.url: must be an http/],
  ["a step in no place", "in: menu", "in: page", /bad\.yaml:\d+: stop\.steps\.1\.in/],
  [
    "no way to the rest of its list",
    "    offset: Offset\n",
    "",
    /bad\.yaml:\d+: api\.list: name either offset or/,
  ],
  [
    "a state of fewer words than fields",
    "state: State",
    "state: [State, Zone]",
    /bad\.yaml:\d+: api\.list\.states\.Running: must be 2 words/,
  ],
];
for (const [what, from, to, says] of BAD) {
  test(`a profile with ${what} is refused with file, line and path`, () => {
    assert.throws(() => parseProfile(read("compshare").replace(from, to), "bad.yaml"), says);
  });
}

test("a list is read only when the provider says yes and it has the right shape", () => {
  const { api } = profile;
  assert.ok(readList({ RetCode: 0, TotalCount: 1, UHostSet: [entry("a", "Running")] }, api).ok);
  for (const body of [{ RetCode: 171, Message: "login" }, { RetCode: 0 }, { RetCode: "0" }, [], null, "x"]) {
    assert.equal(readList(body, api).ok, false, JSON.stringify(body));
  }
});

test("a machine is found by its id wherever it stands; what is not listed is unknown", () => {
  const entries = [entry("stranger", "Running"), entry("ours", "Stopped")];
  assert.deepEqual(fromApi(entries, "ours", profile), stopped);
  assert.partialDeepStrictEqual(fromApi(entries, "gone", profile), {
    state: "unknown",
    reason: "not_in_list",
  });
  const doubtful = ["Install Fail", "Resizing", "Reinstalling", "Pending", ""];
  for (const state of [...doubtful, "Anything", 7, null, undefined, "constructor", "__proto__"]) {
    const sighting = fromApi([entry("ours", state)], "ours", profile);
    assert.partialDeepStrictEqual(sighting, { state: "unknown", reason: "unlisted_state" });
  }
  for (const state of ["Initializing", "Rebooting"])
    assert.deepEqual(fromApi([entry("ours", state)], "ours", profile), { state: "starting" });
  const sighting = fromApi([entry("ours", "")], "ours", profile);
  assert.match(sighting.state === "unknown" ? sighting.words : "", /could not tell/);
});

const other = parseProfile(read("autodl"), "autodl.yaml");

for (const [body, ok] of [
  [{ code: "Success", msg: "", data: { list: [{ uuid: "a" }], result_total: 1 } }, true],
  [{ code: "AuthorizeFailed", msg: "登录超时", data: null }, false],
  [{ code: "Success", msg: "", data: { list: null, result_total: 0 } }, false],
  [{ code: 0, data: { list: [], result_total: 0 } }, false],
  [{ code: "Success", "data.list": [], "data.result_total": 0 }, false],
] as const) {
  test(`a list deeper in the answer, and a text for success: ${JSON.stringify(body)}`, () => {
    assert.equal(readList(body, other.api).ok, ok);
  });
}

for (const [status, mode, state] of [
  ["running", "gpu", "running"],
  ["running", "non_gpu", "running"],
  ["running", "another", "unknown"],
  ["running", undefined, "unknown"],
  ["shutdown", "another", "stopped"],
  ["shutdown", "", "stopped"],
  ["shutdown", null, "unknown"],
  ["another", "gpu", "unknown"],
  ["running+gpu", "gpu", "unknown"],
  ["*", "gpu", "unknown"],
] as const) {
  test(`a state told by two fields: ${status} and ${mode} is ${state}`, () => {
    const entries = [{ uuid: "ours", status, start_mode: mode }];
    assert.equal(fromApi(entries, "ours", other).state, state);
  });
}

test("a word that two patterns call differently is unknown", () => {
  const text = read("autodl").replace(
    "starting+*: starting",
    'starting+*: starting\n      "*+gpu": stopping',
  );
  const ambiguous = parseProfile(text, "autodl.yaml");
  const entries = [{ uuid: "ours", status: "starting", start_mode: "gpu" }];
  assert.equal(fromApi(entries, "ours", ambiguous).state, "unknown");
});

test("a row without a readable state is half, a missing row is missing, neither is a state", () => {
  assert.deepEqual(fromPage([{ id: "ours", state: "运行中" }], "ours", profile), running);
  assert.equal(fromPage([{ id: "ours", state: null }], "ours", profile), "half");
  assert.equal(fromPage([{ id: "ours", state: "重启中" }], "ours", profile), "half");
  assert.equal(fromPage([{ id: "stranger", state: "运行中" }], "ours", profile), "missing");
});

test("witnesses: agreement, transition, disagreement, and doubt that keeps the API's word", () => {
  assert.deepEqual(joinWitnesses(running, running, running), { sighting: running, disagree: false });
  assert.deepEqual(joinWitnesses(stopped, stopped, { state: "starting" }).sighting, { state: "starting" });
  const disagreement = joinWitnesses(running, stopped, running);
  assert.equal(disagreement.disagree, true);
  assert.partialDeepStrictEqual(disagreement.sighting, {
    state: "unknown",
    reason: "witnesses_disagree",
    api: "running",
  });
  for (const page of ["half", "missing"] as const) {
    const { sighting, disagree } = joinWitnesses(stopped, page, stopped);
    assert.equal(disagree, false);
    assert.partialDeepStrictEqual(sighting, { state: "unknown", reason: "page_half_loaded", api: "stopped" });
  }
  const doubt = unknown("console_error", "500");
  assert.deepEqual(joinWitnesses(running, running, doubt).sighting, doubt);
});

test("sold out is known by the provider's words", () => {
  assert.ok(isSoldOut("该可用区资源已售罄", profile.api));
  assert.ok(!isSoldOut("参数错误", profile.api));
});
