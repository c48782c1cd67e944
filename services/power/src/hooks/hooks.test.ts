/** Hooks on a real NATS with the shipped rights: in order, at least once, past refusals and restarts, and in nobody's way. */
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openBus } from "@gpu-power-manager/shared/bus";
import type { Happening } from "@gpu-power-manager/shared/history-page";
import { createLogger } from "@gpu-power-manager/shared/logger";
import { NatsHealth } from "@gpu-power-manager/shared/nats-health";
import fc from "fast-check";
import { z } from "zod";
import { startGuardedNats } from "../../../../tests/harness/guarded-nats.ts";
import { until } from "../../../../tests/harness/process.ts";
import { backOffMs } from "./back-off.ts";
import { type HOOK_EVENTS, hookEventOf } from "./hook-event.ts";
import { HookTarget } from "./hook-target.ts";
import { Hooks } from "./hooks.ts";
import { readSecrets, signatureOf } from "./signature.ts";

const SECRET = `whsec_${randomBytes(32).toString("base64")}`;
const Body = z.object({ type: z.string(), timestamp: z.string(), data: z.record(z.string(), z.unknown()) });

async function receiver(t: TestContext) {
  const got: Array<{ headers: IncomingHttpHeaders; body: string; taken: boolean }> = [];
  const state = { status: 204 };
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    got.push({ headers: request.headers, body, taken: state.status < 300 });
    response.writeHead(state.status, { location: "http://127.0.0.1:9/" }).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return {
    got,
    state,
    url: `http://127.0.0.1:${address.port}/hook`,
    types: () => got.filter(({ taken }) => taken).map(({ body }) => Body.parse(JSON.parse(body)).type),
  };
}

async function setUp(t: TestContext) {
  const nats = await startGuardedNats();
  const logger = createLogger({ service: "test", level: "fatal", secrets: [] });
  const stop = new AbortController();
  const bus = await openBus(
    { NATS_URL: nats.urls(0), ...nats.loginOf("power"), NATS_REPLICAS: 1 },
    "hooks-test",
    { health: new NatsHealth(logger), bucket: "gpu_power", logger, signal: stop.signal },
  );
  const folder = await mkdtemp(join(tmpdir(), "hooks-"));
  await writeFile(join(folder, "secret"), `${SECRET}\n`);
  const runs: AbortController[] = [];
  const running: Promise<void>[] = [];
  t.after(async () => {
    for (const run of runs) run.abort();
    await Promise.all(running);
    await bus.close();
    await nats.stop();
  });
  const outcomes: string[] = [];
  const open = async (targets: readonly z.input<typeof HookTarget>[]) => {
    const run = new AbortController();
    runs.push(run);
    const parsed = targets.map((each) => HookTarget.parse(each));
    const hooks = await Hooks.open({
      bus,
      pool: "default",
      targets: () => parsed,
      folder,
      mayAct: () => true,
      now: Date.now,
      logger,
      onOutcome: (hook, outcome) => void outcomes.push(`${hook} ${outcome}`),
      random: () => 0,
    });
    const ended = hooks.run(run.signal);
    running.push(ended);
    return {
      hooks,
      stop: async () => {
        run.abort();
        await ended;
      },
    };
  };
  const tell = async (to: "running" | "stopped", instance = "gpu-1") => {
    const entry: Happening = {
      kind: "state",
      pool: "default",
      instance,
      at: Date.now(),
      from: "starting",
      to,
      reason: "observed",
    };
    await bus.js.publish(`gpu.history.default.${instance}`, JSON.stringify(entry));
  };
  const begun = (hooks: Hooks) => until("each hook has its place", () => placeOf(hooks));
  const placeOf = async (hooks: Hooks) => {
    const entry = await bus.kv.get("hooks.default");
    const text = entry?.string() ?? "{}";
    return hooks.view().every(({ name }) => text.includes(`"${name}"`));
  };
  return { bus, folder, open, tell, begun, outcomes };
}

test("a webhook hears what comes after it was added, signed, in order, past refusals and a restart", async (t) => {
  const { open, tell, begun, outcomes } = await setUp(t);
  const { got, state, url, types } = await receiver(t);
  const target = { name: "ops", url, secretFile: "secret" };
  await tell("running");
  const first = await open([target]);
  await begun(first.hooks);
  await tell("stopped");
  await until("the event after it", () => types().length === 1);
  assert.deepEqual(types(), ["gpu.stopped"], "what was before it was added is the past");

  const [delivered] = got;
  assert.ok(delivered !== undefined);
  const { headers, body } = delivered;
  const key = Buffer.from(SECRET.slice("whsec_".length), "base64");
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  assert.equal(
    headers["webhook-signature"],
    `v1,${createHmac("sha256", key).update(signed).digest("base64")}`,
  );
  assert.ok(Math.abs(Number(headers["webhook-timestamp"]) - Date.now() / 1_000) < 60);
  assert.deepEqual(Body.parse(JSON.parse(body)).data, {
    pool: "default",
    instance: "gpu-1",
    from: "starting",
  });

  state.status = 500;
  await tell("running");
  await tell("stopped");
  await tell("running", "gpu-2");
  await until("it was refused twice", () => outcomes.filter((each) => each === "ops failed").length >= 2);
  const [view] = first.hooks.view();
  assert.ok(view?.waitingSince !== null && view?.trouble === "it answered HTTP 500");
  await first.stop();
  state.status = 307;
  const second = await open([target]);
  await until("a redirect is no delivery", () => second.hooks.view()[0]?.trouble === "it answered HTTP 307");
  state.status = 204;
  await until("all of it", () => types().length === 4);
  assert.deepEqual(types(), ["gpu.stopped", "gpu.running", "gpu.stopped", "gpu.running"]);
  const refused = got.filter(({ taken }) => !taken).map((each) => each.headers["webhook-id"]);
  assert.equal(new Set(refused).size, 1, "nothing overtakes what was refused, and it keeps its id");
  await until("nothing waits", () => second.hooks.view()[0]?.waitingSince === null);
});

test("what was taken but could not be noted comes again with the same id", async (t) => {
  const { bus, open, tell, begun } = await setUp(t);
  const { got, url } = await receiver(t);
  const { hooks } = await open([{ name: "ops", url, secretFile: "secret" }]);
  await begun(hooks);
  // As for a power that was killed between the answer and its note.
  const put = bus.kv.put.bind(bus.kv);
  let lost = 0;
  bus.kv.put = async (...args) => {
    if (got.length === 1 && lost++ === 0) throw new Error("no answer");
    return await put(...args);
  };
  await tell("running");
  await until("its note was lost", () => lost > 0);
  await until("it comes again", () => {
    hooks.wake();
    return got.length >= 2;
  });
  assert.equal(got[0]?.headers["webhook-id"], got[1]?.headers["webhook-id"]);
});

test("hooks do not wait for each other, hear what they ask for, and a command gets it on its standard input", async (t) => {
  const { folder, open, tell, begun } = await setUp(t);
  const { state, url } = await receiver(t);
  state.status = 503;
  const out = join(folder, "out");
  process.env.HOOKS_TEST_PASSWORD = "not-for-programs";
  t.after(() => delete process.env.HOOKS_TEST_PASSWORD);
  const write = ["/bin/sh", "-c", `cat >>${out}; env >>${out}; echo >>${out}`];
  const { hooks } = await open([
    { name: "stuck", url, secretFile: "secret" },
    { name: "program", command: write, events: ["running"] },
    { name: "fails", command: ["/bin/sh", "-c", "echo no such group >&2; exit 3"] },
    { name: "unsigned", url, secretFile: "nowhere" },
  ]);
  await begun(hooks);
  await tell("stopped");
  await tell("running");
  const text = await until("the program has it", async () => {
    const found = await readFile(out, "utf8");
    return found.includes("WEBHOOK_ID") ? found : undefined;
  });
  assert.ok(text.startsWith('{"type":"gpu.running"'), text);
  assert.match(text, /WEBHOOK_ID=default-2-/);
  assert.doesNotMatch(text, /not-for-programs|gpu\.stopped/);
  const troubles = await until("each has said why not", () => {
    const found = Object.fromEntries(hooks.view().map(({ name, trouble }) => [name, trouble]));
    return found.stuck && found.fails && found.unsigned ? found : undefined;
  });
  assert.equal(troubles.fails, "/bin/sh ended with 3: no such group");
  assert.match(troubles.unsigned ?? "", /its secretFile .*nowhere cannot be used/);

  const tests = await hooks.test("test-1");
  assert.deepEqual(
    tests.map(({ name, refusal }) => [name, refusal === undefined]),
    [
      ["stuck", false],
      ["program", true],
      ["fails", false],
      ["unsigned", false],
    ],
  );
  assert.deepEqual(await hooks.test("test-2", "nobody"), []);
});

const at = { pool: "default", instance: "gpu-1", at: 1 };
const attempt = { attemptId: "a", action: "start" } as const;
for (const [entry, name] of [
  [{ kind: "intent", ...at, ...attempt, reason: "jobs_pending" }, "start_requested"],
  [{ kind: "intent", ...at, ...attempt, action: "stop", reason: "idle" }, "idle_stop"],
  [{ kind: "intent", ...at, ...attempt, action: "stop", reason: "ordered" }, undefined],
  [{ kind: "outcome", ...at, ...attempt, outcome: "timeout" }, "failed"],
  [{ kind: "outcome", ...at, ...attempt, outcome: "succeeded" }, undefined],
  [{ kind: "state", ...at, from: "starting", to: "running", reason: "observed" }, "running"],
  [{ kind: "state", ...at, from: "stopping", to: "stopped", reason: "observed" }, "stopped"],
  [{ kind: "state", ...at, from: "running", to: "unknown", reason: "observed" }, undefined],
  [{ kind: "worker", ...at, ms: 1_500 }, "worker_online"],
  [
    {
      kind: "gap",
      pool: "p",
      listener: "l",
      from: 0,
      to: 9,
      cause: "disconnected",
      covered: false,
      recovered: null,
    },
    "gap",
  ],
  [
    { kind: "budget", pool: "p", at: 1, period: "day", level: "spent", amount: 1, spent: 2, until: 3 },
    "budget",
  ],
  [{ kind: "login", pool: "p", at: 1, event: "asked_for" }, "login_required"],
  [{ kind: "login", pool: "p", at: 1, event: "came_back" }, undefined],
] as const satisfies ReadonlyArray<readonly [Happening, (typeof HOOK_EVENTS)[number] | undefined]>)
  test(`${entry.kind} is told as ${name ?? "nothing"}: ${JSON.stringify(entry).slice(0, 90)}`, () =>
    assert.equal(hookEventOf(entry)?.name, name));

test("a secret is one by the specification, while it is changed two, and what is none is refused without being told", () => {
  const other = `whsec_${randomBytes(24).toString("base64")}`;
  assert.equal(signatureOf(readSecrets(`${SECRET}\n${other}\n`), "id", 1, "{}").split(" ").length, 2);
  for (const wrong of [
    "",
    "hunter2hunter2hunter2hunter2hunter2",
    "whsec_aHVudGVyMg==",
    `whsec_${"A".repeat(100)}`,
  ])
    assert.throws(
      () => readSecrets(wrong),
      (error: Error) => !/hunter2|aHVudGVyMg/.test(error.message),
    );
});

test("a rest doubles up to five minutes, and is never shorter than half of itself", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (failures, random) => {
        const full = Math.min(300_000, 1_000 * 2 ** (failures - 1));
        const ms = backOffMs(failures, random);
        assert.ok(ms >= full / 2 - 1 && ms <= full + 1);
      },
    ),
  );
});

for (const [target, problem] of [
  [{ name: "a" }, /needs either url or command/],
  [{ name: "a", url: "https://x.example", command: ["x"], secretFile: "s" }, /needs either url or command/],
  [{ name: "a", url: "https://x.example" }, /needs secretFile with url/],
  [{ name: "a", url: "ftp://x.example", secretFile: "s" }, /must be an http or https address/],
  [{ name: "a", command: ["x"], events: ["reboot"] }, /start_requested/],
] as const)
  test(`refused in the pool file: ${JSON.stringify(target)}`, () =>
    assert.match(JSON.stringify(HookTarget.safeParse(target).error?.issues), problem));
