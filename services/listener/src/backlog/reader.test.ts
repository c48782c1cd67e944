import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { z } from "zod";
import { until } from "../../../../tests/harness/process.ts";
import { startRedis, startTlsRedis } from "../../../../tests/harness/servers.ts";
import { COMMANDS, openReader } from "./reader.ts";

const unknown = () => undefined;
const Found = z.strictObject({
  pending: z.array(z.unknown()),
  waiting: z.number(),
  activeTasks: z.number(),
  aheadMs: z.number(),
});
const nowS = () => Math.floor(Date.now() / 1_000);

test("a user who may do nothing but these commands reads jobs and tasks; the server receives no other", async (t) => {
  const server = await startRedis();
  t.after(() => server.stop());
  const admin = new Redis(server.url);
  t.after(() => admin.disconnect());
  await admin.call(
    "ACL",
    "SETUSER",
    "watcher",
    "on",
    ">secret",
    "~dsp:*",
    "-@all",
    ...COMMANDS.map((c) => `+${c}`),
  );
  await admin.rpush("dsp:pending_tasks:K1", '{"type":"url","url":"u","key":"K1"}', "garbage");
  await admin.rpush("dsp:pending_tasks:__global__", '{"type":"chatglm_video","request_id":"v"}');
  const task = (age: number) => JSON.stringify({ status: "queued", start_time: nowS() - age });
  await admin.hset("dsp:task_status:K1", "a", task(5), "b", task(700));
  await admin.set("dsp:other", "1");
  // More keys than one step of the scan looks at.
  const filler = Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`x:${index}`, "1"]));
  await admin.mset(filler);
  const before = await commands(admin);

  const reader = openReader(server.url.replace("redis://", "redis://watcher:secret@"));
  t.after(() => reader.close());
  await reader.open();
  const reading = await reader.read(unknown);
  assert.equal(reading.pending.length, 2);
  assert.equal(reading.waiting, 3, "one cannot be understood, but waits");
  assert.equal(reading.activeTasks, 1);
  assert.equal(reading.part, undefined);

  const after = await commands(admin);
  const sent = [...after].filter(([name, count]) => count > (before.get(name) ?? 0)).map(([name]) => name);
  const own = ["auth", "info"];
  const needed = COMMANDS.filter((name) => name !== "select");
  assert.deepEqual(sent.filter((name) => !own.includes(name)).sort(), needed.sort());
});

test("another database than 0: read where the user may choose it, refused in words where it may not", async (t) => {
  const server = await startRedis();
  t.after(() => server.stop());
  const admin = new Redis(server.url, { db: 3 });
  t.after(() => admin.disconnect());
  await admin.rpush("dsp:pending_tasks:K1", '{"type":"url","url":"u","key":"K1"}');
  const allow = async (...commands: string[]) =>
    await admin.call("ACL", "SETUSER", "watcher", "reset", "on", ">secret", "~dsp:*", ...commands);
  const open = (path: string) => {
    const reader = openReader(`${server.url.replace("redis://", "redis://watcher:secret@")}${path}`);
    t.after(() => reader.close());
    return reader;
  };
  await allow("+scan", "+lrange", "+hvals", "+time");
  const reader = open("/3");
  await assert.rejects(() => reader.open(), /may not choose database 3: grant it \+select/);
  await assert.rejects(() => open("/?db=3").open(), /may not choose database 3/);
  await open("/0").open();
  await allow(...COMMANDS.map((command) => `+${command}`));
  await reader.open();
  assert.equal((await reader.read(unknown)).waiting, 1);
  await assert.rejects(() => open("/99").open(), /has no database 99/);

  // The right is taken away, and the connection made anew: the client alone would go on in database 0.
  await allow("+scan", "+lrange", "+hvals", "+time");
  await admin.call("CLIENT", "KILL", "USER", "watcher");
  await until("it is refused", async () => {
    await assert.rejects(() => reader.open(), /grant it \+select/);
    return true;
  });
});

test("a right that lacks is named, with all that are needed", async (t) => {
  const server = await startRedis();
  t.after(() => server.stop());
  const admin = new Redis(server.url);
  t.after(() => admin.disconnect());
  await admin.call("ACL", "SETUSER", "watcher", "on", ">secret", "~dsp:*", "+scan", "+time");
  await admin.rpush("dsp:pending_tasks:K1", '{"type":"url"}');
  const reader = openReader(server.url.replace("redis://", "redis://watcher:secret@"));
  t.after(() => reader.close());
  await reader.open();
  await assert.rejects(
    () => reader.read(unknown),
    /grant it ~dsp:\* \+scan \+lrange \+hvals \+time \+select/,
  );
});

/** How often the server was given each command since it started. */
async function commands(admin: Redis): Promise<Map<string, number>> {
  const info = await admin.info("commandstats");
  return new Map(
    [...info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name = "", count]) => [name, Number(count)]),
  );
}

test("a Redis that goes away is told at once, and read again when it is back", async (t) => {
  const server = await startRedis();
  t.after(() => server.stop());
  const reader = openReader(server.url);
  t.after(() => reader.close());
  await reader.open();
  assert.equal((await reader.read(unknown)).waiting, 0);
  await server.kill();
  await assert.rejects(() => reader.open());
  await server.resume();

  await until("it is read again", async () => {
    await reader.open();
    return await reader.read(unknown);
  });
});

test("a wrong password is told, not retried in silence", async (t) => {
  const server = await startRedis();
  t.after(() => server.stop());
  const reader = openReader(server.url.replace("redis://", "redis://nobody:wrong@"));
  t.after(() => reader.close());
  await assert.rejects(() => reader.open(), /refuses the user or the password/);
});

test("a server whose certificate nobody vouches for is refused", async (t) => {
  const server = await startTlsRedis();
  t.after(() => server.stop());
  const reader = openReader(server.url);
  t.after(() => reader.close());
  await assert.rejects(() => reader.open(), /self-signed certificate/);
  // The same server, vouched for: what NODE_EXTRA_CA_CERTS is for, which only a new process reads.
  const script = `
    const { openReader } = await import(${JSON.stringify(new URL("./reader.ts", import.meta.url).href)});
    const reader = openReader(${JSON.stringify(server.url)});
    await reader.open();
    console.log(JSON.stringify(await reader.read(() => undefined)));
    reader.close();`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: server.certificate },
  });
  const { aheadMs, ...found } = Found.parse(JSON.parse(stdout));
  assert.deepEqual(found, { pending: [], waiting: 0, activeTasks: 0 });
  assert.ok(Math.abs(aheadMs) < 1_000, `one host has one clock: ${aheadMs} ms`);
});
