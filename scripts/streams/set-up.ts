/** Makes streams and buckets and gives those that are there the configuration of this version. */
import { setTimeout as pause } from "node:timers/promises";
import { describeError } from "@gpu-power-manager/shared/errors";
import { BUCKETS, streamOfBucket } from "@gpu-power-manager/shared/events";
import { isConflict } from "@gpu-power-manager/shared/state-bucket";
import { allConfigs, ensureStream } from "@gpu-power-manager/shared/streams";
import type { JetStreamManager, KV } from "nats";
import { managerOf } from "./backup.ts";
import type { Connected } from "./snapshot.ts";

/** So long the other servers of a cluster may take to be there: a stream is made on as many as it has copies. */
const MADE_MS = 60_000;
const PAUSE_MS = 500;
/** A listener that writes a key while it is moved does so every few seconds: a second try finds it at rest. */
const MOVES = 10;
/** Where the listener's keys were while both services shared one bucket. */
const SHARED = `$KV.${BUCKETS.power}.`;

/**
 * @returns how many keys of the listener were moved into its own bucket: none from the second time on.
 * @throws when a stream cannot be made or changed, with what the server said.
 */
export async function setUp(nats: Connected, replicas: number): Promise<number> {
  const manager = await managerOf(nats);
  const deadline = performance.now() + MADE_MS;
  for (const config of allConfigs(replicas)) {
    for (;;) {
      try {
        await ensureStream(manager, config, (words) => {
          throw new Error(words);
        });
        break;
      } catch (cause) {
        if (performance.now() > deadline)
          throw new Error(`${config.name} cannot be made or changed: ${describeError(cause)}`, { cause });
        await pause(PAUSE_MS);
      }
    }
  }
  return await moveListenerKeys(nats, manager);
}

/**
 * What a listener wrote into the shared bucket goes into its own, unless what is there is newer; the old key is then
 * deleted, unless somebody wrote it meanwhile: so nothing is lost, and the second time there is nothing to do.
 */
async function moveListenerKeys({ connection }: Connected, manager: JetStreamManager): Promise<number> {
  const filter = { subjects_filter: `${SHARED}listener.>` };
  const { state } = await manager.streams.info(streamOfBucket(BUCKETS.power), filter);
  const subjects = Object.keys(state.subjects ?? {});
  if (subjects.length === 0) return 0;
  const { views } = connection.jetstream();
  const bound = { bindOnly: true, allow_direct: false };
  const [from, to] = await Promise.all([views.kv(BUCKETS.power, bound), views.kv(BUCKETS.listener, bound)]);
  let moved = 0;
  for (const subject of subjects) if (await moveKey(from, to, subject.slice(SHARED.length))) moved += 1;
  return moved;
}

async function moveKey(from: KV, to: KV, key: string): Promise<boolean> {
  for (let tries = 1; ; tries += 1) {
    const old = await from.get(key);
    if (old === null || old.operation !== "PUT") return false;
    const there = await to.get(key);
    try {
      // By the server's clock, which wrote both.
      if (there === null || there.created < old.created)
        await to.put(key, old.value, { previousSeq: there?.revision ?? 0 });
      await from.delete(key, { previousSeq: old.revision });
      return true;
    } catch (error) {
      if (!isConflict(error) || tries === MOVES) throw error;
    }
  }
}
