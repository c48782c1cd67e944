/** Events that NATS does not take: kept on disk, once, whatever happens to the listener, to NATS or to the disk. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { GatewayEvent } from "@gpu-power-manager/shared/events";
import { type LoneListener, loneListener } from "../harness/lone-listener.ts";
import { until } from "../harness/process.ts";
import { startRedis } from "../harness/servers.ts";
import type { Service } from "../harness/service.ts";

/** A stop promises 10 s; one in which something hangs has to stay well below. */
const STOP_MS = 7_000;

const jobs = (events: readonly GatewayEvent[]) =>
  events.reduce((sum, event) => sum + (event.kind === "job" ? event.count : 0), 0);

const has = (service: Service, series: string, value: number) =>
  until(`${service.name} shows ${series} ${value}`, async () => (await service.metric(series)) === value);
const waits = (service: Service, count: number) => has(service, "gpu_listener_outbox_depth", count);
const spooled = (service: Service, count: number) => has(service, "gpu_listener_spooled_events", count);

const spools = (folder: string) => readdirSync(folder).filter((name) => name.endsWith(".jsonl"));
const linesIn = (folder: string) =>
  spools(folder).flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n").slice(0, -1));

/** Stops a process for a while, at the most until the test ends; returns how it goes on. */
function freeze(t: TestContext, pid: number): () => void {
  process.kill(pid, "SIGSTOP");
  let frozen = true;
  const goOn = () => {
    if (frozen) process.kill(pid, "SIGCONT");
    frozen = false;
  };
  t.after(goOn);
  return goOn;
}

/** NATS takes events again, and has so many jobs, each event once. */
async function allStored({ nats, stored }: LoneListener, count: number): Promise<void> {
  await nats.resume();
  await until("NATS has every job", async () => jobs(await stored()) >= count);
  const events = await stored();
  assert.equal(jobs(events), count);
  assert.equal(new Set(events.map(({ eventId }) => eventId)).size, events.length);
}

test("restarts while NATS is away leave what waits as it is, in one file; a kill -9 loses nothing", async (t) => {
  const lone = await loneListener(t);
  const { nats, dsp, listener, stateDir } = lone;
  await nats.halt();
  listener.start();
  await has(listener, "gpu_listener_registered", 1);
  await dsp.notifyOnly(3, { type: "url", key: "K1" });
  const began = Date.now();
  await waits(listener, 3);
  await spooled(listener, 3);
  t.diagnostic(`on disk ${Date.now() - began} ms after the notices`);
  for (const end of ["stop", "stop", "kill", "stop", "kill", "stop"] as const) {
    await listener[end]();
    assert.equal(linesIn(stateDir).length, 3, `after a ${end}`);
    listener.start();
    await waits(listener, 3);
    await spooled(listener, 3);
    await until("one file holds them", () => spools(stateDir).length === 1);
    assert.equal(linesIn(stateDir).length, 3);
  }
  await dsp.notifyOnly(2, { type: "url", key: "K1" });
  await spooled(listener, 5);
  await listener.kill();
  listener.start();
  await waits(listener, 5);
  await allStored(lone, 5);
  await until("nothing is left on disk", () => readdirSync(stateDir).length === 0);
});

test("a spool that appears while the next listener runs already is taken up by it", async (t) => {
  const lone = await loneListener(t);
  const { nats, dsp, listener: old, stateDir, another } = lone;
  await nats.halt();
  old.start();
  await has(old, "gpu_listener_registered", 1);
  await dsp.notifyOnly(20, { type: "url", key: "K1" });
  await waits(old, 20);
  const next = await another();
  next.start();
  await has(next, "gpu_listener_registered", 1);
  assert.equal(
    await next.metric("gpu_listener_outbox_depth"),
    0,
    "the old one lives, so its file is its own",
  );
  assert.equal(await old.stop(), 0);
  await waits(next, 20);
  await allStored(lone, 20);
  await until("nothing is left on disk", () => readdirSync(stateDir).length === 0);
});

test("a start takes up what can be read of any spool, puts the rest aside and says so, and registers", async (t) => {
  const lone = await loneListener(t);
  const { nats, listener, stateDir } = lone;
  await nats.halt();
  const event = { pool: "default", at: 1, kind: "job", type: "url", source: "notice", count: 2 };
  const line = (eventId: string) =>
    `${JSON.stringify({ event: { ...event, eventId }, messageId: eventId, receivedAt: 1 })}\n`;
  const put = (name: string, text: string) => {
    writeFileSync(join(stateDir, name), text);
    utimesSync(join(stateDir, name), 1, 1);
  };
  put("listener-spool-3f1c3c3e-6c32-4f8e-8c0a-2e1f6f0f7a11.jsonl", line("older") + line("twice"));
  put("listener-spool-a.left.jsonl", line("twice") + line("whole") + line("cut").slice(0, 60));
  put("listener-spool-b.jsonl", "\0".repeat(10_000));
  mkdirSync(join(stateDir, "listener-spool-c.left.jsonl"));
  listener.start();
  await has(listener, "gpu_listener_registered", 1);
  await waits(listener, 3);
  await until("the rest is put aside", () => readdirSync(stateDir).length === 4);
  assert.equal(readdirSync(stateDir).filter((name) => name.endsWith(".unreadable")).length, 3);
  assert.equal(listener.lines.filter((each) => each.includes('"level":50')).length, 3, "each is told of");
  await allStored(lone, 6);
});

test("a stop with NATS away and a reading of the backlog that hangs is clean and quick, and everything is kept", async (t) => {
  const hanging = await startRedis();
  const lone = await loneListener(t, { DSP_REDIS_URL: hanging.url, BACKLOG_INTERVAL: "500ms" });
  const { nats, dsp, listener, stateDir } = lone;
  listener.start();
  await listener.ready();
  await until(
    "the backlog is read",
    async () => ((await listener.metric('gpu_listener_backlog_checks_total{outcome="ok"}')) ?? 0) > 0,
  );
  await nats.kill();
  const goOn = freeze(t, hanging.pid);
  t.after(() => hanging.stop());
  await dsp.notifyOnly(50, { type: "url", key: "K1" });
  await waits(listener, 50);
  const began = Date.now();
  assert.equal(await listener.stop(), 0);
  const took = Date.now() - began;
  t.diagnostic(`stopped after ${took} ms`);
  assert.ok(took < STOP_MS, `${took} ms`);
  assert.equal(linesIn(stateDir).length, 50);
  goOn();
  listener.start();
  await allStored(lone, 50);
});

test("a stop while JetStream hangs is clean and quick, and what it may not have is kept", async (t) => {
  const lone = await loneListener(t);
  const { nats, dsp, listener, stateDir, stored } = lone;
  listener.start();
  await listener.ready();
  const goOn = freeze(t, nats.pid);
  await dsp.notifyOnly(50, { type: "url", key: "K1" });
  await waits(listener, 50);
  const began = Date.now();
  assert.equal(await listener.stop(), 0);
  const took = Date.now() - began;
  t.diagnostic(`stopped after ${took} ms`);
  assert.ok(took < STOP_MS, `${took} ms`);
  assert.equal(linesIn(stateDir).length, 50);
  // It had them in its socket, and is told them again under the same ids.
  goOn();
  listener.start();
  await listener.ready();
  await until("nothing is left on disk", () => readdirSync(stateDir).length === 0);
  assert.equal(jobs(await stored()), 50);
});

/** What the listener says at its end of what it could keep, and what not. */
function lastWords(service: Service): { readonly kept: number; readonly lost: number } {
  const of = (words: string) => {
    const line = service.lines.findLast((each) => each.includes(words));
    return line === undefined ? 0 : Number(/"jobs":(\d+)/.exec(line)?.[1]);
  };
  return {
    kept: of("Events that NATS had not taken are kept"),
    lost: of("Events are lost because the spool cannot be written"),
  };
}

/** A stop on a disk that takes only a part: the rest is counted, and the next start registers and has the part. */
async function keepsWhatFits(lone: LoneListener, listener: Service, count: number): Promise<void> {
  assert.equal(await listener.stop(), 0);
  const { kept, lost } = lastWords(listener);
  assert.equal(kept + lost, count);
  assert.ok(kept > 0 && lost > 0, `${kept} kept, ${lost} lost`);
  listener.start();
  await has(listener, "gpu_listener_registered", 1);
  await waits(listener, kept);
  await allStored(lone, kept);
}

test("a full disk: what does not fit is told at once and at the stop, what fits is kept, and it mends itself", async (t) => {
  const disk = mkdtempSync(join(tmpdir(), "gpm-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], { stdio: "pipe" });
  } catch (error) {
    // Nothing else is a disk that fills up; the limit of the next test is the nearest to it.
    t.diagnostic(`cannot run here, because a small disk cannot be mounted: ${String(error).trim()}`);
    return;
  }
  const lone = await loneListener(t);
  t.after(() => {
    execFileSync("umount", [disk]);
    rmSync(disk, { recursive: true });
  });
  const { nats, dsp, another } = lone;
  const ballast = join(disk, "ballast");
  writeFileSync(ballast, Buffer.alloc(128 * 1024));
  await nats.halt();
  const listener = await another({ STATE_DIR: disk });
  listener.start();
  await has(listener, "gpu_listener_registered", 1);
  await dsp.notifyOnly(700, { type: "url", key: "K1" });
  await waits(listener, 700);
  await until(
    "it tells how many are only in memory",
    async () => ((await listener.metric("gpu_listener_unspooled_events")) ?? 0) > 0,
  );
  assert.match((await listener.readiness()).words, /of them only in memory.*a stop would lose them/);
  rmSync(ballast);
  await spooled(listener, 700);
  await has(listener, "gpu_listener_unspooled_events", 0);
  await dsp.notifyOnly(1_300, { type: "url", key: "K1" });
  await waits(listener, 2_000);
  await keepsWhatFits(lone, listener, 2_000);
});

test("a file that may not grow as far as it should: the part that fits is kept, and the next start has it", async (t) => {
  const lone = await loneListener(t);
  const { nats, dsp, another } = lone;
  // 64 KiB; a process that does not ignore the signal would be ended by it.
  const limited = ["bash", "-c", 'trap "" XFSZ; ulimit -f 64; exec "$0" "$@"'];
  const listener = await another({}, limited);
  await nats.halt();
  listener.start();
  await has(listener, "gpu_listener_registered", 1);
  await dsp.notifyOnly(600, { type: "url", key: "K1" });
  await waits(listener, 600);
  await keepsWhatFits(lone, listener, 600);
});
