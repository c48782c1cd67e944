import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import fc from "fast-check";
import { Redis } from "ioredis";
import { startRedis } from "../../../../tests/harness/servers.ts";
import { type BacklogSource, LIMITS, type ReadingLimits, readBacklog } from "./reading.ts";

const MIB = 1024 * 1024;
const unknown = () => undefined;

function entry(id: string, payload = ""): string {
  return JSON.stringify({ type: "chatglm_video", content: payload, key: "K1", request_id: id, sender_fd: 2 });
}

/** A gateway's Redis with nothing but lists, that changes between two commands as the test will have it. */
function lists(content: Record<string, string[]>, betweenCommands: () => void = () => {}): BacklogSource {
  return {
    time: async () => [1_800_000_000, 0],
    scan: async () => ["0", Object.keys(content)],
    lrangeBuffer: async (key, start, stop) => {
      const found = (content[key] ?? []).slice(start, stop + 1).map((raw) => Buffer.from(raw));
      betweenCommands();
      return found;
    },
    hvalsBuffer: async () => [],
  };
}

test("property: lists of any length and entries of any size are read whole, each entry once, in its order", async () => {
  const sizes = fc.array(fc.constantFrom(0, 10, 5_000, 30_000), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(fc.array(sizes, { maxLength: 6 }), async (all) => {
      const content = Object.fromEntries(
        all.map((each, list) => [
          `dsp:pending_tasks:${list}`,
          each.map((size, place) => entry(`${list}/${place}`, "x".repeat(size))),
        ]),
      );
      const limits = { ...LIMITS, bytesUnderWay: 64_000 };
      const { pending, waiting, part } = await readBacklog(lists(content), unknown, limits);
      const expected = all.flatMap((each, list) => each.map((_, place) => `${list}/${place}`));
      assert.deepEqual(pending.map(({ requestId }) => requestId).sort(), expected.sort());
      assert.deepEqual([waiting, part], [expected.length, undefined]);
    }),
    { numRuns: 200 },
  );
});

test("a list that a worker empties, or that grows, while it is read is never read half from before and half from after", async () => {
  const ids = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => entry(`r${from + index}`));
  const key = "dsp:pending_tasks:K1";
  const cases: Array<{ name: string; change: (list: string[]) => void; waits: number }> = [
    { name: "two are popped", change: (list) => list.splice(0, 2), waits: 28 },
    { name: "all are popped", change: (list) => list.splice(0), waits: 0 },
    { name: "one is replaced", change: (list) => list.push(...list.splice(3, 1)), waits: 30 },
    { name: "one comes", change: (list) => list.push(entry("new")), waits: 31 },
  ];
  for (const { name, change, waits } of cases) {
    const content = { [key]: ids(0, 30) };
    let commands = 0;
    const source = lists(content, () => {
      commands += 1;
      if (commands === 2) change(content[key] ?? []);
    });
    const { pending, waiting, part } = await readBacklog(source, unknown);
    assert.deepEqual([waiting, part], [waits, undefined], name);
    const read = pending.map(({ requestId }) => requestId);
    assert.equal(new Set(read).size, read.length, `${name}: none twice`);
    assert.equal(read.length, waits, name);
  }
});

test("a list that never stands still is told as a part, not taken for what it may be", async () => {
  const key = "dsp:pending_tasks:K1";
  let serial = 0;
  const next = () => entry(`r${serial++}`);
  const content = { [key]: Array.from({ length: 100 }, next) };
  const source = lists(content, () => {
    content[key]?.shift();
    content[key]?.push(next());
  });
  const { waiting, part } = await readBacklog(source, unknown);
  assert.equal(part, "change");
  assert.ok(waiting > 0);
});

test("what is known is not understood anew", async () => {
  const content = { "dsp:pending_tasks:K1": [entry("a"), entry("b")] };
  const first = await readBacklog(lists(content), unknown);
  const known = new Map(first.pending.map((job) => [job.hash, job]));
  const second = await readBacklog(lists(content), (hash) => known.get(hash));
  for (const [index, job] of second.pending.entries()) assert.equal(job, first.pending[index]);
});

test("each limit: what was seen is true, the rest is never taken for empty", async (t) => {
  const server = await startRedis();
  t.after(() => server.stop());
  const redis = new Redis(server.url);
  t.after(() => redis.disconnect());
  for (let list = 0; list < 20; list += 1) {
    await redis.rpush(
      `dsp:pending_tasks:K${list}`,
      ...[0, 1, 2].map((place) => entry(`${list}/${place}`, "x".repeat(1_000))),
    );
    await redis.hset(`dsp:task_status:K${list}`, "t", JSON.stringify({ start_time: 1 }));
  }
  const read = async (limits: Partial<ReadingLimits>) =>
    await readBacklog(redis, unknown, { ...LIMITS, ...limits });
  const whole = await read({});
  assert.deepEqual([whole.part, whole.waiting, whole.activeTasks], [undefined, 60, 0]);
  assert.equal((await read({ entries: 60, bytes: 66_000 })).part, undefined, "a limit that is just reached");
  const cases = [
    { limits: { keys: 19 }, part: "keys" },
    { limits: { entries: 30 }, part: "entries" },
    { limits: { entries: 0 }, part: "entries" },
    { limits: { bytes: 20_000 }, part: "bytes" },
    { limits: { bytes: 0 }, part: "bytes" },
  ];
  for (const { limits, part } of cases) {
    const reading = await read(limits);
    assert.equal(reading.part, part, JSON.stringify(limits));
    assert.ok(reading.waiting >= 20 && reading.waiting <= 60, `${reading.waiting}`);
  }
  assert.equal((await read({ bytes: 0 })).activeTasks, 20, "tasks that were not seen may be young");
});

test("300 waiting jobs of 1 MB each are read in the memory of a few", async (t) => {
  const server = await startRedis();
  t.after(() => server.stop());
  const redis = new Redis(server.url);
  t.after(() => redis.disconnect());
  await redis.config("SET", "appendonly", "no");
  // Text that takes two bytes a letter in memory, as payloads in Chinese do.
  const payload = `视${"x".repeat(MIB)}`;
  for (let index = 0; index < 300; index += 1)
    await redis.rpush(`dsp:pending_tasks:K${index % 3}`, entry(`r${index}`, payload));
  const script = `
    const { openReader } = await import(${JSON.stringify(new URL("./reader.ts", import.meta.url).href)});
    const reader = openReader(${JSON.stringify(server.url)});
    await reader.open();
    const before = process.resourceUsage().maxRSS;
    const reading = await reader.read(() => undefined);
    reader.close();
    const { waiting, part } = reading;
    const grownMiB = Math.round((process.resourceUsage().maxRSS - before) / 1024);
    console.log(JSON.stringify({ waiting, part, understood: reading.pending.length, grownMiB }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
  const { grownMiB, ...result } = JSON.parse(stdout);
  t.diagnostic(`300 MiB were read; the process grew by ${grownMiB} MiB`);
  assert.deepEqual(result, { waiting: 300, understood: 300 });
  assert.ok(grownMiB < 150, `${grownMiB} MiB`);
});
