/** All streams of the stack to a folder, and back from it. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { STREAMS } from "@gpu-power-manager/shared/events";
import type { JetStreamManager } from "nats";
import { type Connected, restoreStream, StreamMeta, saveStream } from "./snapshot.ts";

/** Reports are news of the moment ("the GPU is on"): told after a restore they would be a guess about now. */
const NOT_KEPT: readonly string[] = [STREAMS.reports];
/**
 * Mostly no job comes in the moment of a backup. In a burst the queue's consumers are held up for a moment; a server
 * before 2.11 cannot do that, but between two bursts there is a break.
 */
const TRIES_UNDISTURBED = 3;
const TRIES = 40;
const PAUSE_MS = 250;
/** The server ends the hold by itself, should nobody else do it. */
const HOLD_MS = 5_000;
/** Longer than the pause between two signs of a listener, or two renewals of the lease. */
const QUIET_MS = 6_000;
/** Servers that have just started choose a leader first. */
const READY_MS = 60_000;
/** Copies on the other servers of a cluster are complete a while after the restore. */
const COPIES_MS = 120_000;

export interface Saved {
  readonly streams: readonly string[];
  /** Whether no job was taken from the queue between the snapshots of state and queue. */
  readonly consistent: boolean;
}

const isState = (name: string) => name.startsWith("KV_");
const isQueue = ({ config }: StreamMeta) => config.retention === "workqueue";
/** How many messages have left a stream so far. */
const taken = ({ state }: StreamMeta) => state.last_seq - state.messages;

/** JetStream, as soon as it answers. @throws when it has not within a minute. */
export async function managerOf({ connection }: Connected): Promise<JetStreamManager> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    try {
      const manager = await connection.jetstreamManager({ checkAPI: false });
      await manager.streams.names().next();
      return manager;
    } catch (cause) {
      if (performance.now() > deadline || connection.isClosed())
        throw new Error("JetStream does not answer: of several servers, do most of them run?", { cause });
      await pause(PAUSE_MS);
    }
  }
}

async function present(manager: JetStreamManager): Promise<StreamMeta[]> {
  const streams: StreamMeta[] = [];
  for await (const info of manager.streams.list()) streams.push(StreamMeta.parse(info));
  return streams;
}

const snapshotOf = (dir: string, name: string) => join(dir, `${name}.snapshot`);
const metaOf = (dir: string, name: string) => join(dir, `${name}.json`);

async function save(nats: Connected, name: string, dir: string): Promise<StreamMeta> {
  const meta = await saveStream(nats, name, `${snapshotOf(dir, name)}.new`);
  await rename(`${snapshotOf(dir, name)}.new`, snapshotOf(dir, name));
  await writeFile(metaOf(dir, name), JSON.stringify(meta), { mode: 0o600 });
  return meta;
}

/**
 * Saves every stream into `dir` while the services go on.
 *
 * State comes before queues. Power writes a job into its state and then takes it from the queue, so the other way
 * round the state could name sequences of the queue that the saved queue has yet to give out: restored, power would
 * take the next jobs for known ones and forget them. As it is, a job that was taken from the queue between the two
 * would be missing in both; so both are saved again until none was.
 */
export async function saveStreams(nats: Connected, dir: string): Promise<Saved> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const manager = await managerOf(nats);
  const streams = (await present(manager)).filter(({ config }) => !NOT_KEPT.includes(config.name));
  const names = streams.map(({ config }) => config.name);
  const queues = streams.filter(isQueue).map(({ config }) => config.name);
  const takenFrom = async (name: string) => taken(StreamMeta.parse(await manager.streams.info(name)));
  let consistent = false;
  let tries = 0;
  for (; tries < TRIES && !consistent; tries += 1) {
    if (tries >= TRIES_UNDISTURBED) await holdUp(nats, queues, new Date(Date.now() + HOLD_MS));
    if (tries > 0) await pause(PAUSE_MS);
    const before = await Promise.all(queues.map(takenFrom));
    for (const name of [...names.filter(isState), ...queues]) await save(nats, name, dir);
    // Asked, not read off the snapshots: what they hold is somewhat newer than what they say of themselves.
    const after = await Promise.all(queues.map(takenFrom));
    consistent = after.every((count, index) => count === before[index]);
  }
  // At once, not when the hold ends by itself.
  if (tries > TRIES_UNDISTURBED) await holdUp(nats, queues, new Date(0));
  for (const name of names.filter((each) => !isState(each) && !queues.includes(each)))
    await save(nats, name, dir);
  return { streams: names, consistent };
}

/** Has the consumers of these streams give nothing out until then, where the server can. */
async function holdUp(nats: Connected, streams: readonly string[], until: Date): Promise<void> {
  const [major = 0, minor = 0] = (nats.connection.info?.version ?? "").split(".").map(Number);
  if (major * 100 + minor < 211) return;
  const manager = await managerOf(nats);
  for (const stream of streams)
    for await (const { name } of manager.consumers.list(stream))
      await manager.consumers.pause(stream, name, until);
}

/** The streams that a folder holds. */
export async function readSaved(dir: string): Promise<StreamMeta[]> {
  const files = await readdir(dir).catch(() => []);
  const metas = files.filter((file) => file.endsWith(".json")).sort();
  return await Promise.all(
    metas.map(async (file) => StreamMeta.parse(JSON.parse(await readFile(join(dir, file), "utf8")))),
  );
}

/** @throws when a listener or a power uses this NATS. */
export async function expectQuiet({ connection }: Connected): Promise<void> {
  const heard = ["gpu.alive.>", "$KV.>"].map((subject) => connection.subscribe(subject, { max: 1 }));
  const signs = heard.map(async (subscription) => {
    for await (const { subject } of subscription) return subject;
    return undefined;
  });
  const sign = await Promise.race([...signs, pause(QUIET_MS, undefined)]);
  for (const subscription of heard) subscription.unsubscribe();
  if (sign !== undefined) {
    throw new Error(
      `A listener or a power still uses this NATS (heard on ${sign}), perhaps on another host: leave NATS alone up there ` +
        "(`make down`, then `SERVICES=nats make up`), because what it remembers would not fit what is restored.",
    );
  }
}

export interface RestoreOptions {
  readonly from: string;
  /** Where streams that are there already are kept, so that one can go back. */
  readonly keep: string;
  readonly replicas: number;
}

/**
 * Puts the streams of a folder in place of those that are there. Where one cannot be restored, those that were there
 * come back. @returns their names
 */
export async function restoreStreams(nats: Connected, options: RestoreOptions): Promise<string[]> {
  const { from, keep, replicas } = options;
  const saved = await readSaved(from);
  if (saved.length === 0) throw new Error("The backup holds no streams.");
  const manager = await managerOf(nats);
  const wanted = saved.map(({ config }) => config.name);
  const there = (await present(manager)).map(({ config }) => config.name);
  await mkdir(keep, { recursive: true, mode: 0o700 });
  const inTheWay = there.filter((name) => wanted.includes(name));
  for (const name of inTheWay) await save(nats, name, keep);
  try {
    for (const name of [...inTheWay, ...there.filter((each) => NOT_KEPT.includes(each))])
      await manager.streams.delete(name);
    for (const meta of saved) await restoreStream(nats, meta, snapshotOf(from, meta.config.name), replicas);
    for (const name of wanted) await settled(manager, name, replicas);
  } catch (error) {
    await goBack(nats, manager, wanted, keep);
    throw error;
  }
  return wanted;
}

async function goBack(nats: Connected, manager: JetStreamManager, wanted: readonly string[], keep: string) {
  const kept = await readSaved(keep);
  const names = kept.map(({ config }) => config.name);
  for (const { config } of await present(manager))
    if (wanted.includes(config.name)) await manager.streams.delete(config.name);
  for (const meta of kept)
    await restoreStream(nats, meta, snapshotOf(keep, meta.config.name), meta.config.num_replicas);
  for (const name of names) await rm(metaOf(keep, name));
}

/** Waits until every copy of a stream has everything. */
async function settled(manager: JetStreamManager, name: string, replicas: number): Promise<void> {
  const deadline = performance.now() + COPIES_MS;
  for (;;) {
    const copies = (await manager.streams.info(name)).cluster?.replicas ?? [];
    if (replicas === 1 || copies.filter(({ current }) => current).length === replicas - 1) return;
    if (performance.now() > deadline)
      throw new Error(`The stream ${name} has not all of its ${replicas} copies: do all servers run?`);
    await pause(PAUSE_MS);
  }
}
