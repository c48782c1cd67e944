/**
 * Makes streams, saves them to a folder, and brings them back; run by `make up`, `make backup` and `make restore` in a
 * container that sees NATS.
 *
 *   main.ts set-up REPLICAS
 *   main.ts save DIR
 *   main.ts restore DIR KEEP REPLICAS [quiet]   KEEP: where what was there is kept; quiet: nobody else may use NATS
 */
import { setTimeout as pause } from "node:timers/promises";
import { loadEnv } from "@gpu-power-manager/shared/env";
import { describeError } from "@gpu-power-manager/shared/errors";
import { exitOnBadConfig } from "@gpu-power-manager/shared/shutdown";
import { expectQuiet, restoreStreams, saveStreams } from "./backup.ts";
import { connectAsSetup, SetupEnv } from "./connection.ts";
import { setUp } from "./set-up.ts";

/** A server that was told a moment ago that its certificate is renewed shows the old one for a little longer. */
const RENEWED_MS = 10_000;
const PAUSE_MS = 500;

async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + RENEWED_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await pause(PAUSE_MS);
    }
  }
}

async function run(words: readonly string[]): Promise<void> {
  const [verb = "", dir = "", keep = "", replicas = "", quiet] = words;
  const { config } = loadEnv(SetupEnv, process.env);
  const nats = await (verb === "set-up" ? patiently(() => connectAsSetup(config)) : connectAsSetup(config));
  try {
    if (verb === "set-up") {
      const moved = await setUp(nats, Number(dir));
      if (moved > 0) console.log(`Moved ${moved} keys of the listener into its own bucket.`);
    } else if (verb === "save") {
      const { streams, consistent } = await saveStreams(nats, dir);
      if (!consistent)
        console.error(
          "Jobs were taken from the queue all the while: one that came in the second of the backup may be missing in it.",
        );
      console.log(streams.join(" "));
    } else if (verb === "restore") {
      if (quiet !== undefined) await expectQuiet(nats);
      console.log((await restoreStreams(nats, { from: dir, keep, replicas: Number(replicas) })).join(" "));
    } else {
      throw new Error("Usage: main.ts set-up REPLICAS | save DIR | restore DIR KEEP REPLICAS [quiet]");
    }
  } finally {
    await nats.connection.close();
  }
}

await exitOnBadConfig(async () => {
  try {
    await run(process.argv.slice(2));
  } catch (error) {
    console.error(describeError(error));
    process.exitCode = 1;
  }
});
